/**
 * What is true of the whole realm while a transaction about a record goes on. Looked at by a statement of its own, after the realm's
 * shared lock is held (db/database.ts): so nothing that it says can change any more.
 */
import type { Transaction } from '../db/database.ts'

export interface RealmState {
  /** The id of the key that records are sealed under now; none before the first server has begun an epoch. */
  readonly keyId: Uint8Array | undefined
  /** Where the mark that the journal notes stands; 0 without one. */
  readonly position: number
  /** Tenants whose records are answered for elsewhere. */
  readonly departed: readonly string[]
}

const STATE = `SELECT
  (SELECT key_id FROM realm.epochs WHERE retired_at IS NULL) AS key_id,
  (SELECT position FROM realm.marks) AS position,
  (SELECT array_agg(tenant) FROM
    (SELECT DISTINCT ON (tenant) tenant, decision FROM realm.decisions WHERE tenant IS NOT NULL ORDER BY tenant, sequence DESC) AS latest
    WHERE decision IN ('tenant-exported', 'tenant-forgotten')) AS departed`

/** Reads it within a `withRealmRecord`. */
export async function readRealmState(transaction: Transaction): Promise<RealmState> {
  const { rows } = await transaction.query<{
    key_id: Uint8Array | null
    position: number | null
    departed: readonly string[] | null
  }>(STATE, [])
  const [row] = rows
  return {
    keyId: row?.key_id ? new Uint8Array(row.key_id) : undefined,
    position: row?.position ?? 0,
    departed: row?.departed ?? [],
  }
}
