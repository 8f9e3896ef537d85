/**
 * Shortening the key log: a device seals the whole state of the generation in use again, and what its snapshot covers
 * goes. The commit names the log's heads and is signed by the authority key, so that nothing which a device did not know
 * of, and nobody without the backup's root key, makes anything go.
 */
import { parseHex } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { listHeads } from './read-log.ts'
import type { BackupState, Pending, Pointer } from './state.ts'

/** True for a change that keeps registration and generation: all that it does is to shorten the log. */
export function shortensLog(
  pointer: Pointer | null,
  change: { readonly registration: string; readonly generation: number },
): boolean {
  return pointer?.registration === change.registration && pointer.generation === change.generation
}

/** A commit that shortens the log has a snapshot among what it shows, and its anchor is part of it. */
export async function requireSnapshot(
  transaction: Transaction,
  accountId: string,
  pending: Pending,
): Promise<void> {
  const { rowCount } = await transaction.query(
    `SELECT FROM app.segments WHERE user_id = $1 AND pending = $2 AND kind = 'snapshot' LIMIT 1`,
    [accountId, parseHex(pending.registration, 'registration', 16)],
  )
  if (rowCount !== 1) throw new Refusal('ERR_POINTER_CONFLICT')
}

/**
 * Drops what the snapshot covers: everything of its generation that was visible before. That is no more than what the
 * anchor follows, for the anchor must be the only head by now; nobody's word is taken for it.
 */
export async function dropCovered(
  transaction: Transaction,
  change: { readonly accountId: string; readonly state: BackupState; readonly anchor: string },
): Promise<void> {
  const { accountId, state, anchor } = change
  const heads = await listHeads(transaction, accountId)
  if (heads.join() !== anchor) throw new Refusal('ERR_POINTER_CONFLICT')
  await transaction.query(
    `WITH dropped AS (
       DELETE FROM app.segments WHERE user_id = $1 AND generation = $2 AND cursor <= $3 RETURNING size)
     UPDATE app.logs SET segments = logs.segments - gone.segments, bytes = logs.bytes - gone.bytes
       FROM (SELECT count(*) AS segments, coalesce(sum(size), 0) AS bytes FROM dropped) gone
      WHERE user_id = $1 AND gone.segments > 0`,
    [accountId, state.pointer?.generation ?? 0, state.counters.lastCursor],
  )
}
