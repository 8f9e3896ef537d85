/**
 * What a realm's operator does beside the servers, with their settings: it works while they run, and while none does.
 */
import { KeyhavenError, isKeyhavenError } from 'keyhaven'
import type { Database } from '../../db/database.ts'
import { openDatabase } from '../../db/database.ts'
import { openInstallation } from '../../db/installation.ts'
import { readRealmId } from '../../data/realm-id.ts'
import type { Undo } from '../../prepare-database.ts'
import { runAll } from '../../prepare-database.ts'
import type { RealmSettings } from '../../settings/settings.ts'
import type { JournalStore } from '../journal/store.ts'
import { openJournalStore } from '../journal/open.ts'
import { reachDatabase } from './reach-database.ts'

/** A realm in the hands of its operator. */
export interface RealmOperator {
  readonly settings: RealmSettings
  readonly database: Database
  /** 16 bytes. */
  readonly realmId: Uint8Array
  /** None where none is kept. */
  readonly journal: JournalStore | undefined
  close(): Promise<void>
}

/** `ERR_SETTING_INVALID` where settings name no realm, `ERR_START_REFUSED` and `ERR_DATABASE_UNAVAILABLE` as at a server's start. */
export async function openRealmOperator(
  settings: RealmSettings,
  options: { readonly signal?: AbortSignal } = {},
): Promise<RealmOperator> {
  const undo: Undo[] = []
  try {
    const { urls, ownLogins } = await reachDatabase(settings, { undo, ...options })
    const database = openDatabase(urls)
    undo.push(() => database.close())
    if (ownLogins) await database.check()
    const realmId = await readRealmId(openInstallation(database), settings.realmId)
    const { journal: named } = settings
    const journal = named === undefined || named.kind === 'off' ? undefined : openJournalStore(named)
    if (journal !== undefined) undo.push(() => journal.close())
    return { settings, database, realmId, journal, close: () => runAll(undo) }
  } catch (fault) {
    await runAll(undo)
    throw fault
  }
}

/** What a journal's disk or database threw becomes `ERR_JOURNAL_UNAVAILABLE`. */
export function translateJournalFault(fault: unknown): never {
  if (isKeyhavenError(fault)) throw fault
  throw new KeyhavenError('ERR_JOURNAL_UNAVAILABLE', undefined)
}
