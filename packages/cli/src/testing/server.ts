/**
 * A real server for tests: the built command's `serve` on a free port with a data directory of its own. The directory is
 * made by the first server of a run, and copied for the others, whose start is not what they are for.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { collect, ended, runJson, startCommand } from './command.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** tools/run-folder.ts */
    readonly runFolder: string
  }
}

const execute = promisify(execFile)

export interface TestServer {
  readonly origin: string
  readonly realmId: string
  readonly dataDirectory: string
  stop(): Promise<void>
  readonly output: () => { readonly stdout: string; readonly stderr: string }
  /** Signs the device in `home` in. */
  signIn(home: string, phone: string): Promise<void>
  /** The newest code of the codes so far, when there are more than `earlier`. */
  code(earlier: number): Promise<string>
  codeCount(): number
}

/** Starts a server with settings of its own; whoever starts it stops it. */
export async function startServer(environment: NodeJS.ProcessEnv = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven test '))
  await copyUsedDirectory(folder)
  return serveIn(folder, environment)
}

/** Starts a realm and nothing else, with an id of its own, for the users of `origin`'s server. */
export async function startRealm(origin: string): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven test '))
  const tenant = await (await fetch(`${origin}/v1/realm-tenant`)).text()
  return serveIn(folder, { KEYHAVEN_TENANTS: tenant }, ['--realm-only'])
}

/** Puts `data` and `data-keys` into a folder, as a server that ended in order has left them. */
export async function copyUsedDirectory(folder: string): Promise<void> {
  const used = join(inject('runFolder'), 'served')
  if (!existsSync(used)) await makeUsedDirectory(used)
  await execute('cp', ['-Rp', join(used, 'data'), join(used, 'data-keys'), folder])
}

/** Appears under its name whole or not at all; where two files make it at once, one of them is kept. */
async function makeUsedDirectory(used: string): Promise<void> {
  const draft = await mkdtemp(`${used}-`)
  const server = await serveIn(draft)
  await server.stop({ keep: true })
  await rename(draft, used).catch((fault: unknown) => {
    if (!existsSync(used)) throw fault
    return rm(draft, { recursive: true, force: true })
  })
}

async function serveIn(
  folder: string,
  environment: NodeJS.ProcessEnv = {},
  words: readonly string[] = [],
): Promise<TestServer & { readonly stop: (end?: { readonly keep: boolean }) => Promise<void> }> {
  const data = join(folder, 'data')
  const child = startCommand(['serve', '--port', '0', '--data', data, '--json', ...words], environment)
  const output = collect(child)
  const end = ended(child)
  const stop = async ({ keep = false } = {}): Promise<void> => {
    child.kill('SIGTERM')
    await end
    if (!keep) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  const line = await poll(() => /^\{"status":.*$/m.exec(output().stdout)?.[0], end)
  const { origin, realmId } = JSON.parse(line) as { readonly origin: string; readonly realmId: string }
  const codes = (): readonly string[] =>
    [...output().stderr.matchAll(/^Keyhaven sign-in code .*: (\d+)$/gm)].map(([, code]) => code ?? '')
  const code = (earlier: number): Promise<string> =>
    poll(() => (codes().length > earlier ? codes().at(-1) : undefined), end)
  return {
    origin,
    realmId,
    dataDirectory: data,
    stop,
    output,
    code,
    codeCount: () => codes().length,
    signIn: async (home, phone) => {
      const earlier = codes().length
      const asked = await runJson([
        'login',
        '--request',
        '--home',
        home,
        '--server',
        origin,
        '--phone',
        phone,
      ])
      if (asked.exit !== 0) throw new Error(JSON.stringify(asked.answer))
      const done = await runJson(['login', '--code-stdin', '--home', home], { stdin: await code(earlier) })
      if (done.exit !== 0) throw new Error(JSON.stringify(done.answer))
    },
  }
}

/** Waits until there is a value; fails when the process ends first. */
export async function poll<Value>(find: () => Value | undefined, end: Promise<unknown>): Promise<Value> {
  const state = { over: false }
  void end.then(() => {
    state.over = true
  })
  for (;;) {
    const value = find()
    if (value !== undefined) return value
    if (state.over) throw new Error('the process ended first')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
