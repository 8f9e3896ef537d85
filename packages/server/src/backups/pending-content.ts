/**
 * The segments and slots that a device has put for a change of the pointer: unseen until its commit, which names them by a
 * hash, and shows them.
 */
import { be4, concat, lp, parseHex, sha256, toHex } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'
import { shortensLog } from './shorten-log.ts'
import type { BackupState, Pending } from './state.ts'

/** A change that is being committed. */
export interface Change {
  readonly accountId: string
  readonly state: BackupState
  readonly pending: Pending
}

/** The hash of the segments and slots that wait for a change (protocol.md, "Pointer"). */
export async function hashContent(
  transaction: Transaction,
  { accountId, pending }: { readonly accountId: string; readonly pending: Pending },
): Promise<string> {
  const key = [accountId, parseHex(pending.registration, 'registration', 16)]
  const { rows: segments } = await transaction.query<{ id: Uint8Array }>(
    'SELECT segment_id AS id FROM app.segments WHERE user_id = $1 AND pending = $2 ORDER BY segment_id',
    key,
  )
  const { rows: slots } = await transaction.query<{ id: Uint8Array; slot: Uint8Array }>(
    'SELECT way_id AS id, slot FROM app.pending_slots WHERE user_id = $1 AND registration = $2 ORDER BY way_id',
    key,
  )
  const parts = [
    ...segments.map(({ id }) => lp(id)),
    ...slots.map(({ id, slot }) => concat(lp(id), lp(slot))),
  ]
  return toHex(sha256(concat(lp('keyhaven/change/v1'), be4(segments.length), ...parts)))
}

/** Gives the waiting segments their cursors, in the order in which they came, and finds the heads anew. */
export async function showSegments(transaction: Transaction, change: Change): Promise<void> {
  const { accountId } = change
  const { lastCursor } = change.state.counters
  await transaction.query(
    `UPDATE app.segments SET cursor = $3 + place, pending = NULL
       FROM (SELECT segment_id AS id, row_number() OVER (ORDER BY arrival) AS place
               FROM app.segments WHERE user_id = $1 AND pending = $2) waiting
      WHERE user_id = $1 AND segment_id = waiting.id`,
    [accountId, parseHex(change.pending.registration, 'registration', 16), lastCursor],
  )
  await transaction.query(
    `UPDATE app.segments SET head = NOT head
      WHERE user_id = $1 AND (head OR cursor > $2)
        AND head = EXISTS (SELECT FROM app.segment_parents parents
                            WHERE parents.user_id = $1 AND parents.parent_id = segments.segment_id)`,
    [accountId, lastCursor],
  )
  const { pointer } = change.state
  const renews = pointer?.generation === change.pending.generation && !shortensLog(pointer, change.pending)
  await transaction.query(
    `UPDATE app.logs SET last_cursor = last_cursor + pending_segments, segments = segments + pending_segments,
       bytes = bytes + pending_bytes, pending_segments = 0, pending_bytes = 0,
       tail_segments = CASE WHEN $2 THEN tail_segments + pending_segments ELSE 0 END,
       tail_bytes = CASE WHEN $2 THEN tail_bytes + pending_bytes ELSE 0 END WHERE user_id = $1`,
    [accountId, renews],
  )
}

/** Of another generation no slot stays; of the same one those that the change does not replace. */
export async function showSlots(transaction: Transaction, change: Change): Promise<void> {
  const { accountId, pending } = change
  const registration = parseHex(pending.registration, 'registration', 16)
  await transaction.query('DELETE FROM app.slots WHERE user_id = $1 AND generation <> $2', [
    accountId,
    pending.generation,
  ])
  await transaction.query(
    `INSERT INTO app.slots (user_id, way_id, generation, slot)
     SELECT user_id, way_id, $3, slot FROM app.pending_slots WHERE user_id = $1 AND registration = $2
     ON CONFLICT (user_id, way_id) DO UPDATE SET slot = excluded.slot, generation = excluded.generation`,
    [accountId, registration, pending.generation],
  )
  await transaction.query('DELETE FROM app.pending_slots WHERE user_id = $1 AND registration = $2', [
    accountId,
    registration,
  ])
}
