/**
 * A real Chromium for tests: the one from npm on Linux x64, unpacked once for a whole run; elsewhere an installed
 * Chrome. It runs as root and as an ordinary user, on a bare machine with the libraries that its package brings.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import sparticuz, { inflate } from '@sparticuz/chromium'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContext } from 'playwright-core'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** tools/run-folder.ts */
    readonly runFolder: string
  }
}

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-proxy-server']

export interface OwnChromium {
  /** Starts a browser; `close` ends it with the others. */
  launch(): Promise<Browser>
  /** Starts a browser on a profile's folder, to be killed. */
  launchKillable(profile: string): Promise<{ readonly context: BrowserContext; kill(): Promise<void> }>
  close(): Promise<void>
}

/** Each `launch` starts a process of its own. */
export async function openChromium(): Promise<OwnChromium> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-chromium-'))
  const browsers: Browser[] = []
  const program = hasPackage() ? await unpackOnce(folder) : undefined
  return {
    launch: async () => {
      const options = program ?? ({ channel: 'chrome' } as const)
      const browser = await chromium.launch({ ...options, args: ARGUMENTS, headless: true })
      browsers.push(browser)
      return browser
    },
    launchKillable: (profile) => launchKillable(profile, program),
    close: async () => {
      for (const browser of browsers) await browser.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * As a direct child in a group of its own, so that the kill reaches every process of the browser. Its port is found in
 * the profile's folder.
 */
async function launchKillable(
  profile: string,
  program: Program | undefined,
): Promise<{ readonly context: BrowserContext; kill(): Promise<void> }> {
  const path = program?.executablePath ?? chromium.executablePath()
  const portFile = join(profile, 'DevToolsActivePort')
  await rm(portFile, { force: true })
  const child = spawn(
    path,
    [...ARGUMENTS, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
    { detached: true, stdio: 'ignore', ...(program && { env: program.env }) },
  )
  const exited = once(child, 'exit')
  const port = await readPort(portFile)
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`)
  const [context] = browser.contexts()
  if (context === undefined) throw new Error('the browser has no context')
  return {
    context,
    kill: async () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await exited
      await browser.close().catch(() => undefined)
    },
  }
}

async function readPort(path: string): Promise<string> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const text = await readFile(path, 'utf8').catch(() => '')
    const [port] = text.split('\n')
    if (port !== undefined && port !== '') return port
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('the browser did not start')
}

interface Program {
  readonly executablePath: string
  readonly env: Record<string, string>
}

function hasPackage(): boolean {
  return process.platform === 'linux' && process.arch === 'x64'
}

/** The package's files, unpacked by the first test file of a run that needs them; `temporary` is where its browsers write. */
async function unpackOnce(temporary: string): Promise<Program> {
  const unpacked = join(inject('runFolder'), 'chromium')
  if (!existsSync(unpacked)) await unpack(unpacked)
  const libraries = join(unpacked, 'al2023', 'lib')
  const env = { ...(process.env as Record<string, string>), TMPDIR: temporary }
  return {
    executablePath: join(unpacked, 'chromium'),
    env: existsSync(libraries) ? { ...env, LD_LIBRARY_PATH: libraries } : env,
  }
}

/** Appears under its name whole or not at all; where two files make it at once, one of them is kept. */
async function unpack(unpacked: string): Promise<void> {
  const draft = await mkdtemp(`${unpacked}-`)
  await unpackInto(draft)
  await rename(draft, unpacked).catch((fault: unknown) => {
    if (!existsSync(unpacked)) throw fault
    return rm(draft, { recursive: true, force: true })
  })
}

/** The package unpacks to the temporary folder under fixed names, so it is given one of its own meanwhile. */
async function unpackInto(folder: string): Promise<void> {
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  try {
    const executablePath = await sparticuz.executablePath()
    if (spawnSync(executablePath, ['--version']).status === 0) return
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
    await inflate(join(dirname(entry), '..', 'bin', 'al2023.tar.br'))
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  }
}
