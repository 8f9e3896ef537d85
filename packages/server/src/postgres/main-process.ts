/**
 * The main process of a private PostgreSQL: how it is spawned, when it is ready, how it ends.
 *
 * It is a direct child in a process group of its own, so a terminal's Ctrl-C does not reach it, and its end can be
 * waited for: a process that is merely killed may stay listed as a zombie.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyhavenError } from 'keyhaven'
import type { PostgresAccount } from './account.ts'
import { shareFolder } from './shared-folder.ts'
import type { SocketFolder } from './socket-folder.ts'

/** In PostgreSQL's folder, while it runs: first its process id. */
export const PID_FILE = 'postmaster.pid'

/** The socket's file is named after this; no TCP port is opened. */
const PRIVATE_PORT = 5432

const START_DEADLINE_MS = 60_000
const FAST_SHUTDOWN_MS = 20_000

/** Small and quiet: neither statements nor their errors are logged, since both may hold values; the server sees them. */
const PARAMETERS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: String(PRIVATE_PORT),
  unix_socket_permissions: '0700',
  shared_buffers: '32MB',
  max_connections: '100',
  password_encryption: 'scram-sha-256',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_wal_size: '512MB',
  min_wal_size: '32MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  jit: 'off',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_statement: 'none',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** What one process is started with. */
export interface MainProcessInput {
  readonly program: string
  readonly folder: string
  readonly account: PostgresAccount
  readonly socket: SocketFolder
  readonly parameters: Readonly<Record<string, string>>
}

/** Spawns it; the log goes on where it is, or begins anew with the one before kept beside it. */
export function spawnPostgres(input: MainProcessInput, logging: 'new' | 'same'): ChildProcess {
  const shared = shareFolder(input.folder, input.account)
  const log = openLog(`${input.folder}.log`, logging)
  const socketFolder = input.socket.temporary ? input.socket.folder : shared.path
  const parameters = {
    ...PARAMETERS,
    unix_socket_directories: quoteFolder(socketFolder),
    ...input.parameters,
  }
  const settings = Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  try {
    return spawn(input.program, ['-D', shared.path, ...settings], {
      ...input.account,
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', log, log, ...shared.descriptors],
      detached: true,
    }).on('error', () => undefined)
  } finally {
    closeSync(log)
    shared.close()
  }
}

function openLog(file: string, logging: 'new' | 'same'): number {
  if (logging === 'new' && existsSync(file)) renameSync(file, `${file}.before`)
  return openSync(file, 'a', 0o600)
}

function quoteFolder(folder: string): string {
  return `"${folder.replaceAll('"', '""')}"`
}

/** PostgreSQL writes `ready` as the eighth line of its pid file once it takes connections. */
export async function waitUntilReady(child: ChildProcess, folder: string): Promise<number> {
  const deadline = Date.now() + START_DEADLINE_MS
  const { pid } = child
  while (pid !== undefined && Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const lines = readPidFile(folder)
    if (Number(lines[0]) === pid && lines[7]?.trim() === 'ready') return pid
    await sleep(15)
  }
  throw new KeyhavenError('ERR_START_REFUSED', {
    problem: 'PostgreSQL did not start; postgres.log in the data directory has its own words.',
  })
}

/** The lines of PostgreSQL's pid file; none where there is none. */
export function readPidFile(folder: string): readonly string[] {
  try {
    return readFileSync(join(folder, PID_FILE), 'utf8').split('\n')
  } catch {
    return []
  }
}

/** Ends it in order and waits for its exit. */
export async function stopChild(child: ChildProcess): Promise<void> {
  const { pid } = child
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<boolean>((done) =>
    child.once('exit', () => {
      done(true)
    }),
  )
  await stopProcess(pid, (milliseconds) => Promise.race([exited, sleep(milliseconds, false, { ref: false })]))
}

/** SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one, which the next start recovers from. */
export async function stopProcess(
  pid: number,
  waitFor: (milliseconds: number) => Promise<boolean>,
): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    if (await waitFor(FAST_SHUTDOWN_MS)) return
  }
}
