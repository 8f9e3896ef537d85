/** Messages of a conversation: one numbered list of sealed bytes, to which its two members add. */
import { parseHex, toBase64, toHex } from 'keyhaven/crypto'
import { Refusal, rateLimited } from '@keyhaven/server/routes'
import type { Actor, Transaction } from '@keyhaven/server/routes'
import { find } from './conversations.ts'
import type { Row } from './conversations.ts'

const MOST_MESSAGES = 10_000
/** Of one sender in one conversation. */
const MOST_IN_A_MINUTE = 60
/** Their bodies fit into an answer: 32 x 16 KiB. */
const PAGE = 32

/** Adds a message at the end; one that is there already, by sender and id, keeps its place. */
export async function add(
  transaction: Transaction,
  actor: Actor,
  added: { readonly conversation: string; readonly id: string; readonly body: Uint8Array },
): Promise<{ readonly place: number }> {
  const row = await find(transaction, actor, added.conversation)
  if (row.guest_id === null) throw new Refusal('ERR_NOT_FOUND')
  await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 55))', [added.conversation])
  const id = parseHex(added.id, 'id', 16)
  const { rows: known } = await transaction.query<{ place: number }>(
    'SELECT place FROM messenger.messages WHERE user_id = $1 AND conversation_id = $2 AND sender_id = $3 AND message_id = $4',
    [row.user_id, row.conversation_id, actor.accountId, id],
  )
  if (known[0] !== undefined) return { place: known[0].place }
  await requirePace(transaction, actor, row)
  const place = (await readLast(transaction, row)) + 1
  if (place > MOST_MESSAGES) throw new Refusal('ERR_QUOTA_EXCEEDED')
  await transaction.query(
    `INSERT INTO messenger.messages (user_id, conversation_id, place, sender_id, message_id, body, sent_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [row.user_id, row.conversation_id, place, actor.accountId, id, added.body, actor.time],
  )
  return { place }
}

/** The messages after a place, oldest first, a page at a time. */
export async function read(
  transaction: Transaction,
  actor: Actor,
  from: { readonly conversation: string; readonly after: number },
): Promise<readonly unknown[]> {
  const row = await find(transaction, actor, from.conversation)
  const { rows } = await transaction.query<{
    place: number
    sender_id: string
    message_id: Uint8Array
    body: Uint8Array
    sent_at: Date
  }>(
    `SELECT place, sender_id, message_id, body, sent_at FROM messenger.messages
      WHERE user_id = $1 AND conversation_id = $2 AND place > $3 ORDER BY place LIMIT ${String(PAGE)}`,
    [row.user_id, row.conversation_id, Math.min(from.after, MOST_MESSAGES)],
  )
  return rows.map((message) => ({
    place: message.place,
    mine: message.sender_id === actor.accountId,
    id: toHex(message.message_id),
    body: toBase64(message.body),
    sentAt: message.sent_at.toISOString(),
  }))
}

async function readLast(transaction: Transaction, row: Row): Promise<number> {
  const { rows } = await transaction.query<{ last: number }>(
    'SELECT coalesce(max(place), 0) AS last FROM messenger.messages WHERE user_id = $1 AND conversation_id = $2',
    [row.user_id, row.conversation_id],
  )
  return rows[0]?.last ?? 0
}

async function requirePace(transaction: Transaction, actor: Actor, row: Row): Promise<void> {
  const { rows } = await transaction.query<{ sent_at: Date }>(
    `SELECT sent_at FROM messenger.messages WHERE user_id = $1 AND conversation_id = $2 AND sender_id = $3
      ORDER BY place DESC OFFSET ${String(MOST_IN_A_MINUTE - 1)} LIMIT 1`,
    [row.user_id, row.conversation_id, actor.accountId],
  )
  const over = (rows[0]?.sent_at.getTime() ?? 0) + 60_000 - actor.time.getTime()
  if (over > 0) throw rateLimited(over / 1000)
}
