/**
 * Reads the visible part of the key log: a stretch of segments from a cursor, and the heads.
 */
import { be4, be8, concat, toHex } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'
import { readCounters } from './state.ts'

/** The most that one answer carries, but at least one segment. */
const STRETCH_BYTES = 4 * 1024 * 1024
const STRETCH_SEGMENTS = 10_000
const FRAME_OVERHEAD = 12

/** Frames `be8(cursor) ‖ be4(length) ‖ segment`, and the account's highest visible cursor. */
export interface Stretch {
  readonly frames: Uint8Array<ArrayBuffer>
  readonly cursor: number
}

/** The segments after a cursor, in cursor order. */
export async function readStretch(
  transaction: Transaction,
  input: { readonly accountId: string; readonly after: number },
): Promise<Stretch> {
  const { rows } = await transaction.query<{ cursor: number; segment: Uint8Array }>(
    `SELECT cursor, segment FROM app.segments WHERE user_id = $1 AND segment_id IN (
       SELECT segment_id FROM (
         SELECT segment_id, cursor, sum(size + ${String(FRAME_OVERHEAD)}) OVER (ORDER BY cursor) AS total,
                row_number() OVER (ORDER BY cursor) AS position
           FROM (SELECT segment_id, cursor, size FROM app.segments
                  WHERE user_id = $1 AND cursor > $2 ORDER BY cursor LIMIT ${String(STRETCH_SEGMENTS)}) next
       ) measured WHERE total <= ${String(STRETCH_BYTES)} OR position = 1)
     ORDER BY cursor`,
    [input.accountId, input.after],
  )
  const frames = rows.flatMap(({ cursor, segment }) => [be8(cursor), be4(segment.length), segment])
  // Read after the rows: the cursor told is never below one of them.
  const { lastCursor } = await readCounters(transaction, input.accountId)
  return { frames: concat(...frames), cursor: lastCursor }
}

/** The segments that no visible one follows, and how much there is. */
export async function readHeads(
  transaction: Transaction,
  accountId: string,
): Promise<{
  readonly heads: readonly string[]
  readonly segments: number
  readonly bytes: number
  readonly cursor: number
}> {
  const heads = await listHeads(transaction, accountId)
  const { segments, bytes, lastCursor } = await readCounters(transaction, accountId)
  return { heads, segments, bytes, cursor: lastCursor }
}

/** Ids of the heads, ascending. */
export async function listHeads(transaction: Transaction, accountId: string): Promise<readonly string[]> {
  const { rows } = await transaction.query<{ segment_id: Uint8Array }>(
    'SELECT segment_id FROM app.segments WHERE user_id = $1 AND head ORDER BY segment_id',
    [accountId],
  )
  return rows.map((row) => toHex(row.segment_id))
}
