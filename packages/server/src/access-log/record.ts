/**
 * Writes access-log rows, in the transaction of what they tell about, each chained to the one before it.
 *
 * The account's row of `app.access_log_heads` is locked first and until the commit, so that rows of several processes
 * get their places one after another; other accounts wait for nothing.
 */
import { parseHex } from 'keyhaven/crypto'
import type { SigningKey } from '../auth/keys.ts'
import type { Transaction } from '../db/database.ts'
import type { RequestOrigin } from '../http/origin.ts'
import { commitTo, deriveRowHash, isSignedHead, signHead } from './chain.ts'
import type { ChainHead } from './chain.ts'
import type { AccessEvent } from './events.ts'
import { noteForWebhook } from '../webhook/notices.ts'

/** Whose log, which device (32 hex digits) if one is known, from where, when; and the key that signs the log's head. */
export interface EventSubject {
  readonly accountId: string
  readonly device: { readonly id: string; readonly label: string } | null
  readonly origin: RequestOrigin
  readonly time: Date
  readonly chainKey: SigningKey
  /** True where the operator has a webhook that is told. */
  readonly notify: boolean
}

/** Rows of one type and outcome that an account's log lists for one day (UTC). */
const MOST_ROWS_A_DAY = 200
const MORE_CAME = ' More of this kind on this day are not listed.'

/**
 * Adds a row for each event, in their order, up to a daily bound for each kind; the last row within it says that there is
 * more. Without such an account it does the same work and adds none. Takes the head's lock: call it last.
 */
export async function recordEvents(
  transaction: Transaction,
  subject: EventSubject,
  ...events: readonly AccessEvent[]
): Promise<void> {
  const { accountId, chainKey } = subject
  let head = await lockHead(transaction, accountId)
  if (!isSignedHead(accountId, head, chainKey)) {
    throw new Error('The head of an access log is not one that this server signed.')
  }
  for (const event of events) {
    const count = await countEvent(transaction, subject, event)
    if (count > MOST_ROWS_A_DAY) continue
    const message = event.message + (count === MOST_ROWS_A_DAY ? MORE_CAME : '')
    head = await insertRow(transaction, subject, { event: { ...event, message }, before: head })
    if (subject.notify) await noteForWebhook(transaction, { ...subject, ...event, sequence: head.sequence })
  }
}

/** An account that is not there has the head of an empty log. */
async function lockHead(transaction: Transaction, accountId: string): Promise<ChainHead> {
  const { rows } = await transaction.query<ChainHead & Record<string, unknown>>(
    'SELECT sequence, hash, signature FROM app.access_log_heads WHERE user_id = $1 FOR UPDATE',
    [accountId],
  )
  return rows[0] ?? { sequence: 0, hash: null, signature: null }
}

/** How many of this kind there were today, this one included; 1 where there is no such account. */
async function countEvent(
  transaction: Transaction,
  subject: EventSubject,
  event: AccessEvent,
): Promise<number> {
  const { rows } = await transaction.query<{ events: number }>(
    `INSERT INTO app.access_log_counts AS known (user_id, type, success, day, events)
     SELECT user_id, $2, $3, ($4::timestamptz AT TIME ZONE 'UTC')::date, 1 FROM app.accounts WHERE user_id = $1
     ON CONFLICT (user_id, type, success) DO UPDATE SET
       events = CASE WHEN known.day = excluded.day THEN known.events + 1 ELSE 1 END, day = excluded.day
     RETURNING events`,
    [subject.accountId, event.type, event.success, subject.time],
  )
  return rows[0]?.events ?? 1
}

async function insertRow(
  transaction: Transaction,
  subject: EventSubject,
  row: { readonly event: AccessEvent; readonly before: ChainHead },
): Promise<ChainHead> {
  const { accountId, origin, time } = subject
  const { type, success, code, message } = row.event
  const deviceId = subject.device === null ? null : parseHex(subject.device.id, 'device', 16)
  const label = commitTo('device_label', subject.device?.label ?? null)
  const address = commitTo('address', origin.address)
  const userAgent = commitTo('user_agent', origin.userAgent)
  const commitments = {
    device_label: label?.commitment ?? null,
    address: address?.commitment ?? null,
    user_agent: userAgent?.commitment ?? null,
  }
  const fields = { deviceId, type, success, code, message, time, commitments }
  const sequence = row.before.sequence + 1
  const hash = deriveRowHash({ accountId, before: row.before, fields })
  const signature = signHead({ accountId, sequence, hash }, subject.chainKey)
  const erasable = [label, address, userAgent].flatMap((committed) => [
    committed?.value ?? null,
    committed?.salt ?? null,
    committed?.commitment ?? null,
  ])
  await transaction.query(INSERT_AND_MOVE_HEAD, [
    ...[accountId, sequence, hash, signature, deviceId, type, success, code, message, time],
    ...erasable,
  ])
  return { sequence, hash, signature }
}

const INSERT_AND_MOVE_HEAD = `
  WITH moved AS (
    UPDATE app.access_log_heads SET sequence = $2, hash = $3, signature = $4 WHERE user_id = $1 RETURNING user_id)
  INSERT INTO app.access_log
    (user_id, sequence, hash, device_id, type, success, code, message, created_at,
     device_label, device_label_salt, device_label_commitment, address, address_salt, address_commitment,
     user_agent, user_agent_salt, user_agent_commitment)
  SELECT user_id, $2, $3, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19 FROM moved`
