/**
 * The epochs of a realm: what the database knows about the keys that records are sealed under. Keys are in
 * seal-keys/, sealing anew is in reseal.ts.
 */
import { equal } from 'keyhaven/crypto'
import type { Database, Transaction } from '../db/database.ts'

export interface Epoch {
  readonly keyId: Uint8Array
  readonly beganAt: Date
  /** When the next one took over. */
  readonly retiredAt: Date | undefined
  /** When the last record of it had been sealed anew, or was gone. */
  readonly emptiedAt: Date | undefined
  /** When its key was destroyed. */
  readonly destroyedAt: Date | undefined
}

interface Row {
  readonly key_id: Uint8Array
  readonly began_at: Date
  readonly retired_at: Date | null
  readonly emptied_at: Date | null
  readonly destroyed_at: Date | null
}

export type RealmDatabase = Pick<Database, 'withRealm' | 'withRealmRecord'>

/** No record has the hash of nothing that is known. */
const NO_RECORD = new Uint8Array(32)

/** All epochs, oldest first. */
export async function readEpochs(database: RealmDatabase): Promise<readonly Epoch[]> {
  return database.withRealmRecord(NO_RECORD, listEpochs)
}

async function listEpochs(transaction: Transaction): Promise<readonly Epoch[]> {
  const { rows } = await transaction.query<Row & Record<string, unknown>>(
    'SELECT key_id, began_at, retired_at, emptied_at, destroyed_at FROM realm.epochs ORDER BY began_at, key_id',
  )
  return rows.map((row) => ({
    keyId: new Uint8Array(row.key_id),
    beganAt: row.began_at,
    retiredAt: row.retired_at ?? undefined,
    emptiedAt: row.emptied_at ?? undefined,
    destroyedAt: row.destroyed_at ?? undefined,
  }))
}

/**
 * Begins an epoch in the place of `after`, unless another server has been faster; says whether it began. No request
 * about a record is under way meanwhile, so none stores under the old key any more when this returns.
 */
export async function beginEpoch(
  database: RealmDatabase,
  { after, keyId }: { readonly after: Uint8Array | undefined; readonly keyId: Uint8Array },
): Promise<boolean> {
  return database.withRealm(async (transaction) => {
    const current = (await listEpochs(transaction)).find(({ retiredAt }) => retiredAt === undefined)
    const isExpected =
      after === undefined ? current === undefined : current !== undefined && equal(current.keyId, after)
    if (!isExpected) return false
    await transaction.query('UPDATE realm.epochs SET retired_at = clock_timestamp() WHERE retired_at IS NULL')
    await transaction.query('INSERT INTO realm.epochs (key_id, began_at) VALUES ($1, clock_timestamp())', [
      keyId,
    ])
    return true
  })
}

/** Notes that no record of an ended epoch is left, if that is so; says whether it is. */
export async function markEmptied(database: RealmDatabase, keyId: Uint8Array): Promise<boolean> {
  return database.withRealm(async (transaction) => {
    await transaction.query("SET LOCAL app.realm_reseal = 'on'")
    const { rowCount } = await transaction.query(
      `UPDATE realm.epochs SET emptied_at = coalesce(emptied_at, clock_timestamp())
       WHERE key_id = $1 AND NOT EXISTS (SELECT FROM realm.records r WHERE r.key_id = $1)`,
      [keyId],
    )
    return rowCount === 1
  })
}

/** Notes that the key of an emptied epoch is gone. */
export async function markDestroyed(database: RealmDatabase, keyId: Uint8Array): Promise<void> {
  await database.withRealm((transaction) =>
    transaction.query('UPDATE realm.epochs SET destroyed_at = clock_timestamp() WHERE key_id = $1', [keyId]),
  )
}
