/**
 * Seals records anew that are still under the key of an ended epoch, while requests go on: one record a transaction,
 * under its row's lock, so that it may be stopped at any point and be done by several servers at once.
 */
import { equal, randomBytes } from 'keyhaven/crypto'
import { isKeyhavenError } from 'keyhaven'
import type { Database } from '../db/database.ts'
import { lockRecord, writeSealed } from './records.ts'
import { keyIdOf } from './seal.ts'
import type { RealmSeals } from './seals.ts'
import { readRealmState } from './state.ts'

/** Records that are looked up at once. */
const BATCH = 200

export interface Resealed {
  readonly resealed: number
  /** Records that the key does not open: they were altered. They keep their epoch from ending. */
  readonly unopened: number
}

/** Seals all records anew that name `keyId`, until none is left or `signal` aborts. */
export async function resealRecords(input: {
  readonly database: Pick<Database, 'withRealmRecord'>
  readonly seals: RealmSeals
  readonly keyId: Uint8Array
  readonly signal?: AbortSignal
}): Promise<Resealed> {
  const { database, seals, keyId, signal } = input
  let after: Uint8Array = new Uint8Array()
  let resealed = 0
  let unopened = 0
  for (;;) {
    const ids = await listRecords(database, { keyId, after })
    for (const recordId of ids) {
      if (signal?.aborted === true) return { resealed, unopened }
      if (await reseal(database, seals, recordId)) resealed += 1
      else unopened += 1
      after = recordId
    }
    if (ids.length < BATCH) return { resealed, unopened }
  }
}

async function listRecords(
  database: Pick<Database, 'withRealmRecord'>,
  { keyId, after }: { readonly keyId: Uint8Array; readonly after: Uint8Array },
): Promise<readonly Uint8Array[]> {
  return database.withRealmRecord(randomBytes(32), async (transaction) => {
    await transaction.query("SET LOCAL app.realm_reseal = 'on'")
    const { rows } = await transaction.query<{ record_id: Uint8Array }>(
      `SELECT record_id FROM realm.records WHERE key_id = $1 AND record_id > $2 ORDER BY record_id LIMIT ${String(BATCH)}`,
      [keyId, after],
    )
    return rows.map(({ record_id: id }) => new Uint8Array(id))
  })
}

/** False for a record that does not open. Lost in a crash it is done again, so its commit does not wait for the disk. */
async function reseal(
  database: Pick<Database, 'withRealmRecord'>,
  seals: RealmSeals,
  recordId: Uint8Array,
): Promise<boolean> {
  return database.withRealmRecord(recordId, async (transaction) => {
    await transaction.query('SET LOCAL synchronous_commit = off')
    const [realm, { record, sealed }] = await Promise.all([
      readRealmState(transaction),
      lockRecord(transaction, recordId),
    ])
    if (record.state !== 'registered' || sealed === undefined || realm.keyId === undefined) return true
    if (equal(keyIdOf(sealed), realm.keyId)) return true
    const owner = { recordId, version: record.version }
    const registration = await seals.open(owner, sealed).catch((fault: unknown) => {
      if (isKeyhavenError(fault, 'ERR_ENVELOPE_REJECTED')) return undefined
      throw fault
    })
    if (registration === undefined) return false
    const fresh = await seals.seal(owner, registration)
    // This process may not have heard of the newest epoch; then the next round does it.
    if (equal(keyIdOf(fresh), realm.keyId)) await writeSealed(transaction, recordId, fresh)
    return true
  })
}
