/**
 * What devices without the backup ask of their account's contacts. Each waits before any contact is given his share, and a device
 * that has the backup can stop it; one per device, so that nobody who signs in as well pushes the owner's own aside.
 */
import { equal, parseHex, toHex } from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import type { Actor } from '../auth/signed-in.ts'
import { isProven } from '../backups/authority-proof.ts'
import { lockState } from '../backups/state.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { readContacts } from './contact-set.ts'
import { encodeVetoMessage } from './messages.ts'

/** Devices of an account that ask at one time. */
const MOST_REQUESTS = 8
const DAY_MS = 86_400_000
/** How long contacts can answer once the wait is over. */
const LIFE_MS = 14 * DAY_MS

/** A request as the API shows it; times in ISO 8601. */
export interface DescribedRequest {
  readonly id: string
  readonly device: string
  readonly label: string
  readonly requestedAt: string
  readonly dueAt: string
  readonly expiresAt: string
  readonly answers: number
}

interface Row extends Record<string, unknown> {
  readonly request_id: Uint8Array
  readonly device_id: Uint8Array
  readonly label: string
  readonly public_key: Uint8Array
  readonly requested_at: Date
  readonly due_at: Date
  readonly expires_at: Date
  readonly answers: number
}

/**
 * Begins what this device asks, in the place of what it asked before; the same again goes on. `ERR_NOT_FOUND` without contacts,
 * `ERR_QUOTA_EXCEEDED` while too many other devices ask.
 */
export async function beginRequest(
  transaction: Transaction,
  actor: Actor,
  asked: { readonly id: string; readonly publicKey: Uint8Array; readonly coolingMs: number },
): Promise<DescribedRequest> {
  const { accountId, device, time } = actor
  await lockState(transaction, accountId, time)
  const set = await readContacts(transaction, accountId)
  if (set === undefined) throw new Refusal('ERR_NOT_FOUND')
  await transaction.query('DELETE FROM app.contact_requests WHERE user_id = $1 AND expires_at <= $2', [
    accountId,
    time,
  ])
  const rows = await readRows(transaction, actor)
  const own = rows.find(({ device_id }) => toHex(device_id) === device.id)
  if (own !== undefined && toHex(own.request_id) === asked.id) {
    if (!equal(own.public_key, asked.publicKey)) throw new Refusal('ERR_BODY_MALFORMED')
    return describe(own)
  }
  // Ids are chosen at random: this is another device's.
  if (rows.some(({ request_id }) => toHex(request_id) === asked.id)) throw new Refusal('ERR_BODY_MALFORMED')
  if (own === undefined && rows.length >= MOST_REQUESTS) throw new Refusal('ERR_QUOTA_EXCEEDED')
  const dueAt = new Date(time.getTime() + Math.max(asked.coolingMs, set.waitDays * DAY_MS))
  await endRequests(transaction, { accountId, deviceId: device.id })
  await transaction.query(
    `INSERT INTO app.contact_requests (user_id, device_id, request_id, label, public_key, requested_at, due_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      accountId,
      parseHex(device.id, 'device', 16),
      parseHex(asked.id, 'id', 16),
      device.label,
      asked.publicKey,
      time,
      dueAt,
      new Date(dueAt.getTime() + LIFE_MS),
    ],
  )
  await actor.record(done('contacts_asked'))
  const [begun] = await readRows(transaction, actor, asked.id)
  if (begun === undefined) throw new Refusal('ERR_NOT_FOUND')
  return describe(begun)
}

/** Everything that waits or can be answered. */
export async function listRequests(
  transaction: Transaction,
  actor: Actor,
): Promise<readonly DescribedRequest[]> {
  return (await readRows(transaction, actor)).map(describe)
}

/** What this device asked, with the answers; `ERR_NOT_FOUND` when it was stopped, is over, or another device's. */
export async function readOwnRequest(
  transaction: Transaction,
  actor: Actor,
  id: string,
): Promise<{
  readonly request: DescribedRequest
  readonly answers: readonly { readonly place: number; readonly answer: Uint8Array }[]
}> {
  const [row] = await readRows(transaction, actor, id)
  if (row === undefined || toHex(row.device_id) !== actor.device.id) throw new Refusal('ERR_NOT_FOUND')
  const { rows } = await transaction.query<{ place: number; answer: Uint8Array }>(
    'SELECT place, answer FROM app.contact_answers WHERE user_id = $1 AND request_id = $2 ORDER BY place',
    [actor.accountId, row.request_id],
  )
  return { request: describe(row), answers: rows }
}

/** Ends what this device asked; over already is no fault. */
export async function endRequest(transaction: Transaction, actor: Actor, id: string): Promise<void> {
  await transaction.query(
    'DELETE FROM app.contact_requests WHERE user_id = $1 AND device_id = $2 AND request_id = $3',
    [actor.accountId, parseHex(actor.device.id, 'device', 16), parseHex(id, 'id', 16)],
  )
}

/** Stops a request by the authority key. `ERR_NOT_FOUND` when there is none, `ERR_PROOF_REJECTED` for a signature that is none. */
export async function vetoRequest(
  transaction: Transaction,
  actor: Actor,
  veto: { readonly id: string; readonly signature: string },
): Promise<void> {
  const { accountId } = actor
  const { pointer } = await lockState(transaction, accountId, actor.time)
  const [row] = await readRows(transaction, actor, veto.id)
  if (pointer === null || row === undefined) throw new Refusal('ERR_NOT_FOUND')
  if (!isProven(pointer, encodeVetoMessage(accountId, veto.id), veto.signature)) {
    throw new Refusal('ERR_PROOF_REJECTED')
  }
  await transaction.query('DELETE FROM app.contact_requests WHERE user_id = $1 AND request_id = $2', [
    accountId,
    row.request_id,
  ])
  await actor.record(done('contacts_vetoed'))
}

/** Ends whatever a device (32 hex digits) asked. */
export async function endRequests(
  transaction: Transaction,
  { accountId, deviceId }: { readonly accountId: string; readonly deviceId: string },
): Promise<void> {
  await transaction.query('DELETE FROM app.contact_requests WHERE user_id = $1 AND device_id = $2', [
    accountId,
    parseHex(deviceId, 'device', 16),
  ])
}

/** The account's requests whose time is not over: that one, or all. */
async function readRows(
  transaction: Transaction,
  { accountId, time }: Pick<Actor, 'accountId' | 'time'>,
  id?: string,
): Promise<readonly Row[]> {
  const { rows } = await transaction.query<Row>(
    `SELECT request_id, device_id, label, public_key, requested_at, due_at, expires_at,
            (SELECT count(*)::int FROM app.contact_answers a
              WHERE a.user_id = r.user_id AND a.request_id = r.request_id) AS answers
       FROM app.contact_requests r
      WHERE user_id = $1 AND expires_at > $2 AND ($3::bytea IS NULL OR request_id = $3)
      ORDER BY requested_at, device_id`,
    [accountId, time, id === undefined ? null : parseHex(id, 'id', 16)],
  )
  return rows
}

function describe(row: Row): DescribedRequest {
  return {
    id: toHex(row.request_id),
    device: toHex(row.device_id),
    label: row.label,
    requestedAt: row.requested_at.toISOString(),
    dueAt: row.due_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    answers: row.answers,
  }
}
