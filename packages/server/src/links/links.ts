/**
 * The mailbox for linking a device: four messages in order, of two devices of one account in turn. The server carries them and
 * understands none. One mailbox per account, five minutes, each message written once.
 */
import { equal, parseHex, toHex } from 'keyhaven/crypto'
import type { Actor } from '../auth/signed-in.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'

const LIFE_MS = 5 * 60_000

/** A mailbox as the API shows it. */
export interface Link {
  /** 32 hex digits, as are devices. */
  readonly id: string
  readonly offeredBy: string
  readonly expiresAt: string
  readonly messages: readonly Uint8Array[]
}

interface Row extends Record<string, unknown> {
  readonly link_id: Uint8Array
  readonly offered_by: Uint8Array
  readonly answered_by: Uint8Array | null
  readonly messages: readonly Uint8Array[]
  readonly expires_at: Date
}

/** Opens the account's mailbox with a first message; what was there is gone. */
export async function offerLink(
  transaction: Transaction,
  { accountId, device, time }: Actor,
  offer: { readonly id: string; readonly message: Uint8Array },
): Promise<void> {
  await transaction.query(
    `INSERT INTO app.links (user_id, link_id, offered_by, messages, expires_at) VALUES ($1, $2, $3, ARRAY[$4::bytea], $5)
     ON CONFLICT (user_id) DO UPDATE SET link_id = EXCLUDED.link_id, offered_by = EXCLUDED.offered_by, answered_by = NULL,
       messages = EXCLUDED.messages, expires_at = EXCLUDED.expires_at`,
    [
      accountId,
      parseHex(offer.id, 'id', 16),
      parseHex(device.id, 'device', 16),
      offer.message,
      new Date(time.getTime() + LIFE_MS),
    ],
  )
}

/** The account's mailbox; `ERR_NOT_FOUND` when there is none, or its time is over. */
export async function readLink(transaction: Transaction, { accountId, time }: Actor): Promise<Link> {
  const row = await findRow(transaction, { accountId, time })
  return {
    id: toHex(row.link_id),
    offeredBy: toHex(row.offered_by),
    expiresAt: row.expires_at.toISOString(),
    messages: row.messages,
  }
}

/**
 * Adds the next message: 1 and 3 by the device that answers, which the first of them settles, 2 by the one that offered.
 * The same message again is no fault; anything else out of turn is `ERR_LINK_TAKEN`.
 */
export async function addLinkMessage(
  transaction: Transaction,
  { accountId, device, time }: Actor,
  added: { readonly id: string; readonly index: number; readonly message: Uint8Array },
): Promise<void> {
  const row = await findRow(transaction, { accountId, time })
  if (toHex(row.link_id) !== added.id) throw new Refusal('ERR_NOT_FOUND')
  const own = parseHex(device.id, 'device', 16)
  const offers = equal(own, row.offered_by)
  const answers = !offers && (row.answered_by === null || equal(own, row.answered_by))
  if (added.index % 2 === 0 ? !offers : !answers) throw new Refusal('ERR_LINK_TAKEN')
  const known = row.messages[added.index]
  if (known !== undefined && equal(known, added.message)) return
  if (row.messages.length !== added.index) throw new Refusal('ERR_LINK_TAKEN')
  await transaction.query(
    `UPDATE app.links SET messages = messages || $2::bytea, answered_by = coalesce(answered_by, $3) WHERE user_id = $1`,
    [accountId, added.message, offers ? null : own],
  )
}

/** Closes a mailbox; closed already is no fault. */
export async function closeLink(transaction: Transaction, { accountId }: Actor, id: string): Promise<void> {
  await transaction.query('DELETE FROM app.links WHERE user_id = $1 AND link_id = $2', [
    accountId,
    parseHex(id, 'id', 16),
  ])
}

async function findRow(
  transaction: Transaction,
  { accountId, time }: { readonly accountId: string; readonly time: Date },
): Promise<Row> {
  const { rows } = await transaction.query<Row>(
    'SELECT link_id, offered_by, answered_by, messages, expires_at FROM app.links WHERE user_id = $1 AND expires_at > $2 FOR UPDATE',
    [accountId, time],
  )
  const [row] = rows
  if (row === undefined) throw new Refusal('ERR_NOT_FOUND')
  return row
}
