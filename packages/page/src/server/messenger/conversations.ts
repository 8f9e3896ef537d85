/**
 * Conversations of two accounts: who starts one makes an invitation, who has its link joins. The server keeps public identities
 * and what proves them to who has the link; it can prove nothing itself.
 */
import { parseHex, toBase64, toHex } from 'keyhaven/crypto'
import { Refusal } from '@keyhaven/server/routes'
import type { Actor, Transaction } from '@keyhaven/server/routes'

const INVITE_MS = 7 * 86_400_000
/** Of one account, begun or joined. */
const MOST_CONVERSATIONS = 200

/** A person's public identity, and what proves it to who has the link. */
export interface Member {
  readonly identity: Uint8Array
  readonly proof: Uint8Array
}

export interface Row extends Record<string, unknown> {
  readonly user_id: string
  readonly conversation_id: Uint8Array
  readonly identity: Uint8Array
  readonly proof: Uint8Array
  readonly guest_id: string | null
  readonly guest_identity: Uint8Array | null
  readonly guest_proof: Uint8Array | null
  readonly expires_at: Date
}

/** Begins a conversation; the same again is no fault, and another one under its id is `ERR_BODY_MALFORMED`. */
export async function begin(
  transaction: Transaction,
  actor: Actor,
  started: { readonly id: string; readonly invite: string; readonly member: Member },
): Promise<{ readonly expiresAt: string }> {
  const id = parseHex(started.id, 'id', 16)
  await requireRoom(transaction, actor)
  const expiresAt = new Date(actor.time.getTime() + INVITE_MS)
  await transaction.query(
    `INSERT INTO messenger.conversations (user_id, conversation_id, identity, proof, invite, expires_at, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
    [
      actor.accountId,
      id,
      started.member.identity,
      started.member.proof,
      parseHex(started.invite, 'invite', 32),
      expiresAt,
      actor.time,
    ],
  )
  const { rows } = await transaction.query<Row>(
    'SELECT expires_at FROM messenger.conversations WHERE user_id = $1 AND conversation_id = $2 AND identity = $3 AND proof = $4',
    [actor.accountId, id, started.member.identity, started.member.proof],
  )
  const [row] = rows
  if (row === undefined) throw new Refusal('ERR_BODY_MALFORMED')
  return { expiresAt: row.expires_at.toISOString() }
}

/** The inviter, to who knows the invitation's address; `ERR_NOT_FOUND` once it is used or old. */
export async function readInvite(transaction: Transaction, actor: Actor, invite: string): Promise<Row> {
  // Hex, as the route's shape says: SET takes no parameters.
  await transaction.query(`SET LOCAL app.invite = '${toHex(parseHex(invite, 'invite', 32))}'`)
  const { rows } = await transaction.query<Row>(
    `SELECT user_id, conversation_id, identity, proof, guest_id, guest_identity, guest_proof, expires_at
       FROM messenger.conversations WHERE invite = $1 AND user_id <> $2 AND (guest_id = $2 OR expires_at > $3)`,
    [parseHex(invite, 'invite', 32), actor.accountId, actor.time],
  )
  const [row] = rows
  if (row === undefined) throw new Refusal('ERR_NOT_FOUND')
  return row
}

/** Joins as the one guest. Again by the same guest with the same identity is no fault. */
export async function join(
  transaction: Transaction,
  actor: Actor,
  joined: { readonly invite: string; readonly member: Member },
): Promise<void> {
  const row = await readInvite(transaction, actor, joined.invite)
  const { identity, proof } = joined.member
  if (row.guest_identity !== null) {
    if (Buffer.compare(row.guest_identity, identity) === 0) return
    throw new Refusal('ERR_NOT_FOUND')
  }
  await requireRoom(transaction, actor)
  const { rowCount } = await transaction.query(
    `UPDATE messenger.conversations SET guest_id = $2, guest_identity = $3, guest_proof = $4
      WHERE invite = $1 AND guest_id IS NULL AND user_id <> $2`,
    [parseHex(joined.invite, 'invite', 32), actor.accountId, identity, proof],
  )
  // Somebody else was quicker.
  if (rowCount !== 1) throw new Refusal('ERR_NOT_FOUND')
}

/** The conversations of an account, newest first, with the names that it gave them. */
export async function list(transaction: Transaction, { accountId }: Actor): Promise<readonly unknown[]> {
  const { rows } = await transaction.query<
    Row & { readonly name: Uint8Array | null; readonly messages: number }
  >(
    `SELECT c.user_id, c.conversation_id, guest_id, expires_at, name,
            (SELECT coalesce(max(place), 0) FROM messenger.messages m
              WHERE m.user_id = c.user_id AND m.conversation_id = c.conversation_id)
            - (SELECT count(*) FROM messenger.messages m
                WHERE m.user_id = c.user_id AND m.conversation_id = c.conversation_id
                  AND substring(body FROM 1 FOR 1) = '\\x01'::bytea) AS messages
       FROM messenger.conversations c
       LEFT JOIN messenger.names n ON n.user_id = $1 AND n.conversation_id = c.conversation_id
      WHERE $1 IN (c.user_id, guest_id) ORDER BY created_at DESC`,
    [accountId],
  )
  return rows.map((row) => ({
    id: toHex(row.conversation_id),
    joined: row.guest_id !== null,
    expiresAt: row.expires_at.toISOString(),
    messages: row.messages,
    name: row.name && toBase64(row.name),
    other: row.user_id === accountId ? row.guest_id : row.user_id,
  }))
}

/** One conversation of the account; `ERR_NOT_FOUND` for one of others. */
export async function find(transaction: Transaction, { accountId }: Actor, id: string): Promise<Row> {
  const { rows } = await transaction.query<Row>(
    `SELECT user_id, conversation_id, identity, proof, guest_id, guest_identity, guest_proof, expires_at
       FROM messenger.conversations WHERE conversation_id = $1 AND $2 IN (user_id, guest_id)`,
    [parseHex(id, 'id', 16), accountId],
  )
  const [row] = rows
  if (row === undefined) throw new Refusal('ERR_NOT_FOUND')
  return row
}

/** Removes a conversation with its messages, for both; gone already is no fault. */
export async function remove(transaction: Transaction, { accountId }: Actor, id: string): Promise<void> {
  await transaction.query(
    'DELETE FROM messenger.conversations WHERE conversation_id = $1 AND $2 IN (user_id, guest_id)',
    [parseHex(id, 'id', 16), accountId],
  )
}

async function requireRoom(transaction: Transaction, { accountId }: Actor): Promise<void> {
  const { rows } = await transaction.query<{ count: number }>(
    'SELECT count(*) AS count FROM messenger.conversations WHERE $1 IN (user_id, guest_id)',
    [accountId],
  )
  if ((rows[0]?.count ?? 0) >= MOST_CONVERSATIONS) throw new Refusal('ERR_QUOTA_EXCEEDED')
}
