/**
 * A private PostgreSQL below the server's data directory: made, started, taken over, stopped.
 *
 * It listens on a Unix socket only and syncs every commit. The server stops it itself and waits for its exit; should
 * PostgreSQL end alone, it is started again. After a SIGKILL of the server the orphan is stopped by the next start. The
 * caller holds the data directory (data/claim.ts) all the while.
 */
import { realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import type { PostgresAccount } from './account.ts'
import { choosePostgresAccount } from './account.ts'
import type { BinarySource } from './binaries.ts'
import { defaultBinarySources, findBinaries } from './binaries.ts'
import { createCluster, readClusterVersion, writeAccessRules } from './cluster.ts'
import type { MainProcessInput } from './main-process.ts'
import { spawnPostgres, stopChild, waitUntilReady } from './main-process.ts'
import { stopOrphan } from './orphan.ts'
import { chooseSocketFolder } from './socket-folder.ts'

/** Before PostgreSQL is started again after it ended by itself, in ms. */
const RESTART_DELAY_MS = 500

/** A running private PostgreSQL. */
export interface PrivatePostgres {
  /** Folder of the Unix socket. */
  readonly socketFolder: string
  readonly majorVersion: number
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
  const stop = await keepRunning({ program, folder, account, socket, parameters: options.parameters ?? {} })
  return {
    socketFolder: socket.folder,
    majorVersion: binaries.majorVersion,
    created: version === undefined,
    stop,
  }
}

/** Starts the process, and again whenever it ends without having been told to; the result ends it for good. */
async function keepRunning(input: MainProcessInput): Promise<() => Promise<void>> {
  let child = spawnPostgres(input, 'new')
  let ending = false
  let again: NodeJS.Timeout | undefined
  const onOwnExit = (): void => {
    child.kill('SIGINT')
  }
  const stop = async (): Promise<void> => {
    ending = true
    clearTimeout(again)
    await stopChild(child)
    process.off('exit', onOwnExit)
    input.socket.remove()
  }
  const watch = (): void => {
    child.once('exit', restartLater)
  }
  const restartLater = (): void => {
    if (!ending) again = setTimeout(restart, RESTART_DELAY_MS)
  }
  const restart = (): void => {
    try {
      child = spawnPostgres(input, 'same')
    } catch {
      // No more file can be opened, or the folder is away: what ends a start must not end a server that runs.
      restartLater()
      return
    }
    if (child.pid === undefined) restartLater()
    else watch()
  }
  process.once('exit', onOwnExit)
  try {
    await waitUntilReady(child, input.folder)
  } catch (error) {
    await stop()
    throw error
  }
  if (child.exitCode === null && child.signalCode === null) watch()
  return stop
}

function requireOwned(folder: string, account: PostgresAccount): void {
  const owner = account?.uid ?? process.getuid?.()
  if (owner === undefined || statSync(folder).uid === owner) return
  throw new KeyhavenError('ERR_START_REFUSED', {
    problem:
      'The data directory was made by another user of this machine; start the server as that user, or name another directory with --data.',
  })
}
