/**
 * The database for an operator's command: started for it where no server runs, else the one that the server has started,
 * reached over its socket by the word of the operating system.
 */
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { KeyhavenError, isKeyhavenError } from 'keyhaven'
import type { DatabaseUrls } from '../../db/database.ts'
import type { Login } from '../../db/logins.ts'
import { DATABASE, SUPERUSER } from '../../postgres/cluster.ts'
import { readPidFile } from '../../postgres/main-process.ts'
import { privateUrl } from '../../postgres/private-database.ts'
import type { Undo } from '../../prepare-database.ts'
import { prepareDatabase } from '../../prepare-database.ts'
import type { RealmSettings } from '../../settings/settings.ts'

export interface Reached {
  readonly urls: DatabaseUrls
  /** False where the connections begin as the superuser's and act as the logins. */
  readonly ownLogins: boolean
}

/** Makes no database where there is none: `ERR_SETTING_INVALID`. */
export async function reachDatabase(
  settings: RealmSettings,
  { undo, signal }: { readonly undo: Undo[]; readonly signal?: AbortSignal | undefined },
): Promise<Reached> {
  const cluster = join(settings.dataDirectory, 'postgres')
  if (settings.database === undefined && !existsSync(cluster)) {
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting: '--data',
      expected: 'the data directory of a server, or DATABASE_URL',
    })
  }
  try {
    return {
      urls: await prepareDatabase({ settings: withoutOwner(settings), undo, signal }),
      ownLogins: true,
    }
  } catch (fault) {
    const socketFolder = findSocketFolder(cluster)
    if (!isKeyhavenError(fault, 'ERR_DATA_IN_USE') || socketFolder === undefined) throw fault
    return { urls: urlsOfRunning(socketFolder), ownLogins: false }
  }
}

/** Of postmaster.pid, counted from 0. */
const SOCKET_LINE = 4

/** PostgreSQL may know its own folder by another path than we do, so the socket is looked for there first. */
function findSocketFolder(cluster: string): string | undefined {
  return existsSync(join(cluster, '.s.PGSQL.5432'))
    ? realpathSync(cluster)
    : readPidFile(cluster)[SOCKET_LINE]
}

/** A command does not migrate an operator's database; that is the server's start. */
function withoutOwner(settings: RealmSettings): RealmSettings {
  return settings.database === undefined
    ? settings
    : { ...settings, database: { ...settings.database, owner: undefined } }
}

/** The server gave its logins passwords that are in no file, so the connections act as them by `role`. */
function urlsOfRunning(socketFolder: string): DatabaseUrls {
  const url = (login: Login): string =>
    `${privateUrl({ socketFolder, login: SUPERUSER, database: DATABASE })}?options=${encodeURIComponent(`-c role=${login}`)}`
  return {
    keyhaven_app: url('keyhaven_app'),
    keyhaven_auth: url('keyhaven_auth'),
    keyhaven_realm: url('keyhaven_realm'),
  }
}
