import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { collect, ended, startCommand, temporaryFolder } from './testing/command.ts'
import { processTree, stillRunning } from './testing/processes.ts'
import { copyUsedDirectory, poll, startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

let server: TestServer
let folder: string

beforeAll(async () => {
  server = await startServer()
  folder = await mkdtemp(join(tmpdir(), 'keyhaven test '))
  await copyUsedDirectory(folder)
  return async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
})

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 900_000 }

interface Started {
  readonly child: ChildProcess
  readonly end: Promise<number | null>
  readonly output: () => { readonly stdout: string; readonly stderr: string }
  /** Sends a signal to the whole process group, as a terminal does. */
  readonly signal: (name: NodeJS.Signals) => void
}

function start(words: readonly string[], environment?: NodeJS.ProcessEnv): Started {
  const child = startCommand(words, environment)
  const output = collect(child)
  const end = ended(child)
  const pid = child.pid ?? 0
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await end
  })
  return {
    child,
    end,
    output,
    signal: (name) => {
      try {
        process.kill(-pid, name)
      } catch (fault) {
        // The group ended a moment ago, and its end is not told yet.
        if (!(fault instanceof Error && 'code' in fault && fault.code === 'ESRCH')) throw fault
      }
    },
  }
}

/** A server on a data directory that the tests of this file use one after another. */
async function startServe(): Promise<Started> {
  const started = start(['serve', '--port', '0', '--data', join(folder, 'data'), '--json'])
  await poll(() => /^\{"status":"ready".*$/m.exec(started.output().stdout)?.[0], started.end)
  return started
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s stops serve with exit code 0, and PostgreSQL with it',
  async (name) => {
    const { child, end, signal } = await startServe()
    const tree = processTree(child.pid ?? 0)
    expect(tree.length).toBeGreaterThan(2)
    signal(name)
    expect(await end).toBe(0)
    expect(stillRunning(tree)).toEqual([])
  },
)

test('Ctrl-C pressed again and again does not keep serve from stopping everything', async () => {
  const { child, end, signal } = await startServe()
  const tree = processTree(child.pid ?? 0)
  for (let press = 0; press < 5 && child.exitCode === null && child.signalCode === null; press += 1) {
    signal('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  // Null: the last press met the process after it had stopped everything, while it was exiting.
  expect([0, null]).toContain(await end)
  expect(stillRunning(tree)).toEqual([])
})

test(
  'serve that is stopped while it starts leaves nothing behind, and the data directory starts again',
  SLOW,
  async () => {
    const data = join(await temporaryFolder(), 'data')
    for (const sign of ['servers', 'postgres', 'postgres/postmaster.pid']) {
      await rm(join(data, sign), { recursive: true, force: true })
      const { child, end, signal } = start(['serve', '--port', '0', '--data', data, '--json'])
      await poll(() => existsSync(join(data, sign)) || undefined, end)
      const tree = processTree(child.pid ?? 0)
      signal('SIGINT')
      await end
      expect(stillRunning(tree)).toEqual([])
    }
    const last = start(['serve', '--port', '0', '--data', data, '--json'])
    await poll(() => /^\{"status":"ready".*$/m.exec(last.output().stdout)?.[0], last.end)
  },
)

test('serve goes on when the reader of its output goes away', async () => {
  const { child, end, signal } = await startServe()
  child.stdout?.destroy()
  child.stderr?.destroy()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(stillRunning([child.pid ?? 0])).toHaveLength(1)
  const tree = processTree(child.pid ?? 0)
  signal('SIGTERM')
  expect(await end).toBe(0)
  expect(stillRunning(tree)).toEqual([])
})

test.each(['server', 'server/data/postgres/postmaster.pid', 'device B/vault'])(
  'Ctrl-C when the demo has got to "%s" leaves no process and no file',
  async (sign) => {
    const temporary = await temporaryFolder()
    const { child, end, output, signal } = start(['demo', '--json'], { TMPDIR: temporary })
    const reached = (): true | undefined =>
      readdirSync(temporary).some((name) => existsSync(join(temporary, name, sign))) || undefined
    await poll(reached, end)
    const tree = processTree(child.pid ?? 0)
    signal('SIGINT')
    signal('SIGINT')
    // Null: the second press met the process after it had stopped everything, while it was exiting.
    expect([130, null]).toContain(await end)
    expect(JSON.parse(output().stdout)).toMatchObject({ status: 'error', error: { code: 'ERR_ABORTED' } })
    expect(stillRunning(tree)).toEqual([])
    expect(readdirSync(temporary)).toEqual([])
  },
)

test('a demo that is killed outright takes its server with it', SLOW, async () => {
  const temporary = await temporaryFolder()
  const { child, end } = start(['demo', '--json'], { TMPDIR: temporary })
  const sign = (name: string): boolean => existsSync(join(temporary, name, 'device A'))
  await poll(() => readdirSync(temporary).some(sign) || undefined, end)
  const tree = processTree(child.pid ?? 0)
  child.kill('SIGKILL')
  await end
  await poll(() => stillRunning(tree).length === 0 || undefined, new Promise(() => undefined))
})

test('a command that waits for a code on stdin ends at once when it is told to', async () => {
  const home = join(await temporaryFolder(), 'home')
  const { child, end, output, signal } = start([
    'login',
    '--json',
    '--home',
    home,
    '--server',
    server.origin,
    '--phone',
    '+12025550160',
  ])
  const earlier = server.codeCount()
  await server.code(earlier)
  signal('SIGINT')
  expect(await end).toBe(130)
  expect(JSON.parse(output().stdout)).toMatchObject({ error: { code: 'ERR_ABORTED' } })
  expect(stillRunning([child.pid ?? 0])).toEqual([])
})
