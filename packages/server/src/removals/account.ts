/**
 * What `GET /v1/account` says: all that the server holds of an account beside its log, its pointer and its access log. The
 * phone number is not read back here: it is sealed, and whoever is signed in knows it.
 */
import { toBase64, toHex } from 'keyhaven/crypto'
import type { Actor } from '../auth/signed-in.ts'
import { readContacts } from '../contacts/contact-set.ts'
import { listRequests } from '../contacts/requests.ts'
import type { Transaction } from '../db/database.ts'

/** Account, devices, sessions, trusted contacts and links; ids in hex or as UUIDs, times in ISO 8601. */
export async function describeAccount(
  transaction: Transaction,
  actor: Actor,
): Promise<Readonly<Record<string, unknown>>> {
  const { accountId } = actor
  const account = await transaction.query<{ created_at: Date }>(
    'SELECT created_at FROM app.accounts WHERE user_id = $1',
    [accountId],
  )
  const devices = await transaction.query<{
    device_id: Uint8Array
    label: string
    first_used_at: Date
    last_used_at: Date
  }>(
    `SELECT device_id, label, first_used_at, last_used_at FROM app.devices
      WHERE user_id = $1 ORDER BY first_used_at, device_id`,
    [accountId],
  )
  const sessions = await transaction.query<{
    device_id: Uint8Array
    expires_at: Date
    ended_at: Date | null
  }>(
    'SELECT device_id, expires_at, ended_at FROM app.sessions WHERE user_id = $1 ORDER BY expires_at, session_id',
    [accountId],
  )
  const trusting = await transaction.query<{ user_id: string }>(
    'SELECT user_id FROM app.contact_shares WHERE contact_id = $1 ORDER BY user_id',
    [accountId],
  )
  return {
    account: { id: accountId, createdAt: account.rows[0]?.created_at.toISOString() ?? null },
    devices: devices.rows.map((row) => ({
      id: toHex(row.device_id),
      label: row.label,
      firstUsedAt: row.first_used_at.toISOString(),
      lastUsedAt: row.last_used_at.toISOString(),
    })),
    sessions: sessions.rows.map((row) => ({
      device: toHex(row.device_id),
      expiresAt: row.expires_at.toISOString(),
      endedAt: row.ended_at?.toISOString() ?? null,
    })),
    contacts: (await readContacts(transaction, accountId)) ?? null,
    contactRequests: await listRequests(transaction, actor),
    contactOf: trusting.rows.map(({ user_id }) => user_id),
    links: await readMailbox(transaction, accountId),
  }
}

/** The account's mailbox, also one whose time is over. */
async function readMailbox(transaction: Transaction, accountId: string): Promise<readonly unknown[]> {
  const { rows } = await transaction.query<{
    link_id: Uint8Array
    offered_by: Uint8Array
    messages: readonly Uint8Array[]
    expires_at: Date
  }>('SELECT link_id, offered_by, messages, expires_at FROM app.links WHERE user_id = $1', [accountId])
  return rows.map(({ link_id, offered_by, messages, expires_at }) => ({
    id: toHex(link_id),
    offeredBy: toHex(offered_by),
    expiresAt: expires_at.toISOString(),
    messages: messages.map((message) => toBase64(message)),
  }))
}
