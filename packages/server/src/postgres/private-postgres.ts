/**
 * A private PostgreSQL below the server's data directory: made, started, taken over, stopped.
 *
 * It listens on a Unix socket only, syncs every commit, and is a direct child in a process group of its own: Ctrl-C in
 * a terminal reaches the server, which then stops PostgreSQL itself and waits for its exit. After a SIGKILL of the
 * server the orphan is stopped by the next start. The caller holds the data directory (data-lock.ts) all the while.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, realpathSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyhavenError } from 'keyhaven'
import type { PostgresAccount } from './account.ts'
import { choosePostgresAccount } from './account.ts'
import type { BinarySource } from './binaries.ts'
import { defaultBinarySources, findBinaries } from './binaries.ts'
import { createCluster, readClusterVersion, writeAccessRules } from './cluster.ts'
import { isProcessAlive, readWorkingDirectory } from './process-state.ts'
import { shareFolder } from './shared-folder.ts'
import type { SocketFolder } from './socket-folder.ts'
import { chooseSocketFolder } from './socket-folder.ts'

/** The socket's file is named after this; no TCP port is opened. */
export const PRIVATE_PORT = 5432

const START_DEADLINE_MS = 60_000
const FAST_SHUTDOWN_MS = 20_000

/** A running private PostgreSQL. */
export interface PrivatePostgres {
  /** Folder of the Unix socket; the port is {@link PRIVATE_PORT}. */
  readonly socketFolder: string
  readonly majorVersion: number
  readonly pid: number
  /** True when this start made the cluster. */
  readonly created: boolean
  /** Ends PostgreSQL in order and waits for its exit. */
  stop(): Promise<void>
}

/** What a start needs; only `directory` is a matter of the server's settings. */
export interface PrivatePostgresOptions {
  /** The server's data directory; the cluster is `postgres` and its log `postgres.log` in it. */
  readonly directory: string
  readonly sources?: readonly BinarySource[]
  /** Further settings of PostgreSQL, such as `fsync` for tests that do not care. */
  readonly parameters?: Readonly<Record<string, string>>
  /** False leaves the new files to the operating system's own time; for tests. */
  readonly durable?: boolean
}

/** Starts it, making the cluster first where there is none. `ERR_START_REFUSED` says in words what is in the way. */
export async function startPrivatePostgres(options: PrivatePostgresOptions): Promise<PrivatePostgres> {
  const account = choosePostgresAccount()
  const folder = join(realpathSync(options.directory), 'postgres')
  await stopOrphan(folder)
  const version = readClusterVersion(folder)
  const sources = options.sources ?? defaultBinarySources
  const place = { account, directory: options.directory }
  const binaries = await findBinaries({ sources, place, majorVersion: version })
  if (version === undefined) {
    await createCluster({ folder, binaries: binaries.folder, account, durable: options.durable ?? true })
  }
  requireOwned(folder, account)
  writeAccessRules(folder, account)
  const socket = chooseSocketFolder(folder, account)
  const program = join(binaries.folder, 'postgres')
  const child = spawnPostgres({ program, folder, account, socket, parameters: options.parameters ?? {} })
  const onExit = (): void => {
    child.kill('SIGINT')
  }
  process.once('exit', onExit)
  const stop = (): Promise<void> =>
    stopChild(child).finally(() => {
      process.off('exit', onExit)
      socket.remove()
    })
  try {
    const pid = await waitUntilReady(child, folder)
    return {
      socketFolder: socket.folder,
      majorVersion: binaries.majorVersion,
      pid,
      created: version === undefined,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

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

function spawnPostgres(input: {
  readonly program: string
  readonly folder: string
  readonly account: PostgresAccount
  readonly socket: SocketFolder
  readonly parameters: Readonly<Record<string, string>>
}): ChildProcess {
  const shared = shareFolder(input.folder, input.account)
  const log = openLog(`${input.folder}.log`)
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

/** A fresh log at each start; the one before is kept beside it. */
function openLog(file: string): number {
  if (existsSync(file)) renameSync(file, `${file}.before`)
  return openSync(file, 'a', 0o600)
}

function quoteFolder(folder: string): string {
  return `"${folder.replaceAll('"', '""')}"`
}

/** PostgreSQL writes `ready` as the eighth line of its pid file once it takes connections. */
async function waitUntilReady(child: ChildProcess, folder: string): Promise<number> {
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

function readPidFile(folder: string): string[] {
  try {
    return readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return []
  }
}

/** Ends a PostgreSQL whose server is gone. Only called by who holds the data directory, so a live server is none. */
async function stopOrphan(folder: string): Promise<void> {
  const pid = Number(readPidFile(folder)[0])
  if (!Number.isInteger(pid) || pid <= 1 || !isOrphanOf(pid, folder)) return
  await stopProcess(pid, async (milliseconds) => {
    const deadline = Date.now() + milliseconds
    while (isProcessAlive(pid) && Date.now() < deadline) await sleep(20)
    return !isProcessAlive(pid)
  })
}

/** PostgreSQL works in its own folder: a stranger with a used-again process id does not. */
function isOrphanOf(pid: number, folder: string): boolean {
  if (!isProcessAlive(pid)) return false
  const working = readWorkingDirectory(pid)
  return working === undefined ? process.platform !== 'linux' : working === folder
}

async function stopChild(child: ChildProcess): Promise<void> {
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
async function stopProcess(pid: number, waitFor: (milliseconds: number) => Promise<boolean>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    if (await waitFor(FAST_SHUTDOWN_MS)) return
  }
}

function requireOwned(folder: string, account: PostgresAccount): void {
  const owner = account?.uid ?? process.getuid?.()
  if (owner === undefined || statSync(folder).uid === owner) return
  throw new KeyhavenError('ERR_START_REFUSED', {
    problem:
      'The data directory was made by another user of this machine; start the server as that user, or name another directory with --data.',
  })
}
