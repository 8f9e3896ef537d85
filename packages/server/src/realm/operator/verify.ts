/** Opens every record of a realm and writes nothing. */
import { openSealKeys } from '../seal-keys/open.ts'
import type { RealmOperator } from './operator.ts'
import { createOpener, readRecords } from './records.ts'

export interface RealmVerification {
  /** All of them. */
  readonly records: number
  /** Those whose sealed part opens. */
  readonly opened: number
  /** Those without one, because their guesses are used up. */
  readonly usedUp: number
  /** Those that were altered. */
  readonly damaged: number
  /** Those under a key that is not here. */
  readonly keyMissing: number
}

export async function verifyRealm(
  { settings, database, realmId }: RealmOperator,
  options: { readonly tenant?: string; readonly signal?: AbortSignal } = {},
): Promise<RealmVerification> {
  const open = await createOpener({ source: await openSealKeys(settings), realmId })
  const counts = { records: 0, opened: 0, none: 0, damaged: 0, 'key-missing': 0 }
  for await (const record of readRecords(database, options.tenant)) {
    options.signal?.throwIfAborted()
    counts.records += 1
    counts[(await open(record)).status] += 1
  }
  const { records, opened, damaged } = counts
  return { records, opened, usedUp: counts.none, damaged, keyMissing: counts['key-missing'] }
}
