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

/** The answer of `GET /v1/log/heads`. */
export interface Heads {
  /** The segments that no visible one follows. */
  readonly heads: readonly string[]
  readonly segments: number
  readonly bytes: number
  /** The highest visible cursor. */
  readonly cursor: number
  /** Whatever the generation in use had up to this cursor is covered by a snapshot, and gone. */
  readonly coveredCursor: number
  /** What came after the generation, or its last snapshot, began. */
  readonly tail: { readonly segments: number; readonly bytes: number }
}

/** The heads and how much there is, at one moment: all of it in one statement. */
export async function readHeads(transaction: Transaction, accountId: string): Promise<Heads> {
  const { rows } = await transaction.query<Omit<Heads, 'heads'> & { heads: Uint8Array[] }>(
    `SELECT ARRAY(SELECT segment_id FROM app.segments WHERE user_id = $1 AND head ORDER BY segment_id) AS heads,
            segments, bytes, last_cursor AS cursor,
            coalesce((SELECT covered_cursor FROM app.pointers WHERE user_id = $1), 0) AS "coveredCursor",
            json_build_object('segments', tail_segments, 'bytes', tail_bytes) AS tail
       FROM app.logs WHERE user_id = $1`,
    [accountId],
  )
  const [row] = rows
  if (row === undefined) return NOTHING
  return { ...row, heads: row.heads.map(toHex) }
}

const NOTHING: Heads = {
  heads: [],
  segments: 0,
  bytes: 0,
  cursor: 0,
  coveredCursor: 0,
  tail: { segments: 0, bytes: 0 },
}

/** Ids of the heads, ascending. */
export async function listHeads(transaction: Transaction, accountId: string): Promise<readonly string[]> {
  const { rows } = await transaction.query<{ segment_id: Uint8Array }>(
    'SELECT segment_id FROM app.segments WHERE user_id = $1 AND head ORDER BY segment_id',
    [accountId],
  )
  return rows.map((row) => toHex(row.segment_id))
}
