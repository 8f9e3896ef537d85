/**
 * Starts the built server (dist) in a process of its own, for tests that kill it or need two of them.
 *
 *     const server = await spawnServer({ data, env: { DATABASE_URL: … } })
 *     server.kill('SIGKILL'); await server.exited
 *
 * Ending the process, and what its PostgreSQL leaves, is the test's matter: SIGTERM and `exited`.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What a start that failed said. */
export interface StartFault {
  readonly code: string
  readonly details?: Readonly<Record<string, unknown>>
}

export interface ServerProcess {
  /** The public one, if the environment names one; it listens at `port` of this machine. */
  readonly origin: string
  readonly port: number
  readonly realmId: string
  readonly pid: number
  /** Everything that the process has written so far. */
  output(): string
  kill(signal: NodeJS.Signals): void
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>
}

export interface ServerProcessInput {
  readonly data: string
  readonly env?: Readonly<Record<string, string>>
  /** Which PostgreSQL programs; both in the server's own order unless told. */
  readonly binaries?: 'system' | 'embedded'
  /** As this user (only root can). */
  readonly uid?: number
  readonly port?: number
  /** Leads a process group of its own, as a shell's job does. */
  readonly detached?: boolean
}

const ENTRY = fileURLToPath(new URL('../../dist/testing/serve-entry.js', import.meta.url))

/** Resolves when the server is ready; rejects with a {@link ServerStartError} when it says that it cannot start. */
export async function spawnServer(input: ServerProcessInput): Promise<ServerProcess> {
  const child = spawn(process.execPath, [ENTRY, ...listOptions(input)], {
    env: { PATH: process.env['PATH'] ?? '', ...input.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
    detached: input.detached ?? false,
    ...(input.uid === undefined ? {} : { uid: input.uid, gid: input.uid }),
  })
  const chunks: string[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  const exited = new Promise<number | string>((done) =>
    child.once('exit', (code, signal) => {
      done(code ?? signal ?? 'unknown')
    }),
  )
  const ready = await readFirstLine(child, chunks)
  return {
    ...ready,
    pid: child.pid ?? 0,
    output: () => chunks.join(''),
    kill: (signal) => {
      child.kill(signal)
    },
    exited,
  }
}

/** A start that was refused; `fault` is what the server said. */
export class ServerStartError extends Error {
  readonly fault: StartFault

  constructor(fault: StartFault) {
    super(`The server did not start: ${fault.code}`)
    this.fault = fault
  }
}

function listOptions(input: ServerProcessInput): string[] {
  // A database of the tests' own does not sync.
  const mayLoseCommits = input.env?.['DATABASE_URL'] === undefined ? 'no' : 'yes'
  const options = [
    `--data=${input.data}`,
    `--port=${String(input.port ?? 0)}`,
    `--may-lose-commits=${mayLoseCommits}`,
  ]
  return input.binaries === undefined ? options : [...options, `--binaries=${input.binaries}`]
}

interface Ready {
  readonly origin: string
  readonly port: number
  readonly realmId: string
}

function readFirstLine(child: ChildProcess, chunks: readonly string[]): Promise<Ready> {
  return new Promise((done, fail) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const [line, rest] = text.split('\n', 2)
      if (line === undefined || rest === undefined) return
      const said = JSON.parse(line) as Ready | { readonly fault: StartFault }
      if ('fault' in said) fail(new ServerStartError(said.fault))
      else done(said)
    })
    child.once('exit', () => {
      fail(new Error(`The server ended before it was ready: ${chunks.join('')}`))
    })
  })
}
