/**
 * The contact's side: what is asked of him, at once with the names that are sealed for him, and with his share once the wait is
 * over; and his answer, the share sealed anew to the key of the device that asked. Row-level security shows him his own part only.
 */
import { parseHex, toBase64, toHex } from 'keyhaven/crypto'
import type { Actor } from '../auth/signed-in.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'

/** How many requests are in one answer. */
const PAGE = 200
const FOREIGN_KEY_VIOLATION = '23503'

/** What is asked of a contact, as the API shows it. */
export interface Asked {
  readonly ownerId: string
  readonly id: string
  readonly label: string
  readonly publicKey: string
  readonly requestedAt: string
  readonly dueAt: string
  readonly names: string
  /** Null until the wait is over. */
  readonly share: string | null
  readonly answered: boolean
}

interface Row extends Record<string, unknown> {
  readonly user_id: string
  readonly request_id: Uint8Array
  readonly label: string
  readonly public_key: Uint8Array
  readonly requested_at: Date
  readonly due_at: Date
  readonly names: Uint8Array
  readonly share: Uint8Array | null
  readonly answered: boolean
}

/** Where a page ends: the owner and the id of its last request. */
export interface AskedPlace {
  readonly ownerId: string
  readonly id: string
}

/**
 * What is asked of this account, page by page in an order that nobody's requests change: whoever fills a contact's list cannot
 * keep another's request out of it.
 */
export async function listAsked(
  transaction: Transaction,
  { accountId, time }: Actor,
  after?: AskedPlace,
): Promise<{ readonly asked: readonly Asked[]; readonly next: string | null }> {
  const { rows } = await transaction.query<Row>(
    `SELECT r.user_id, r.request_id, r.label, r.public_key, r.requested_at, r.due_at, s.names,
            CASE WHEN r.due_at <= $2 THEN s.share END AS share,
            EXISTS (SELECT FROM app.contact_answers a
                     WHERE a.user_id = r.user_id AND a.request_id = r.request_id AND a.place = s.place) AS answered
       FROM app.contact_shares s JOIN app.contact_requests r USING (user_id)
      WHERE s.contact_id = $1 AND r.expires_at > $2 AND ($3::uuid IS NULL OR (r.user_id, r.request_id) > ($3, $4::bytea))
      ORDER BY r.user_id, r.request_id LIMIT ${String(PAGE)}`,
    [accountId, time, after?.ownerId ?? null, after === undefined ? null : parseHex(after.id, 'id', 16)],
  )
  const last = rows[PAGE - 1]
  const next = last === undefined ? null : `${last.user_id}.${toHex(last.request_id)}`
  const asked = rows.map((row) => ({
    ownerId: row.user_id,
    id: toHex(row.request_id),
    label: row.label,
    publicKey: toBase64(row.public_key),
    requestedAt: row.requested_at.toISOString(),
    dueAt: row.due_at.toISOString(),
    names: toBase64(row.names),
    share: row.share === null ? null : toBase64(row.share),
    answered: row.answered,
  }))
  return { asked, next }
}

/**
 * Keeps a contact's answer; true when it is the first, which stays. `ERR_NOT_FOUND` when nothing is asked of him there, or it
 * was stopped, and before the wait is over.
 */
export async function answerAsked(
  transaction: Transaction,
  { accountId, time }: Actor,
  answered: { readonly ownerId: string; readonly id: string; readonly answer: Uint8Array },
): Promise<boolean> {
  const { rows } = await transaction.query<{ place: number }>(
    `SELECT s.place FROM app.contact_shares s JOIN app.contact_requests r USING (user_id)
      WHERE s.contact_id = $1 AND s.user_id = $2 AND r.request_id = $3 AND r.due_at <= $4 AND r.expires_at > $4`,
    [accountId, answered.ownerId, parseHex(answered.id, 'id', 16), time],
  )
  const [share] = rows
  if (share === undefined) throw new Refusal('ERR_NOT_FOUND')
  try {
    const { rowCount } = await transaction.query(
      `INSERT INTO app.contact_answers (user_id, request_id, place, answer) VALUES ($1, $2, $3, $4)
       ON CONFLICT (user_id, request_id, place) DO NOTHING`,
      [answered.ownerId, parseHex(answered.id, 'id', 16), share.place, answered.answer],
    )
    return rowCount === 1
  } catch (fault) {
    // The request was stopped just now.
    if (fault instanceof Error && 'code' in fault && fault.code === FOREIGN_KEY_VIOLATION) {
      throw new Refusal('ERR_NOT_FOUND')
    }
    throw fault
  }
}
