/**
 * Writes access-log rows, in the transaction of what they tell about.
 */
import { parseHex } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'
import type { RequestOrigin } from '../http/origin.ts'
import { generateTimeUuid } from '../http/uuid.ts'
import type { AccessEvent } from './events.ts'

/** Whose log, which device (32 hex digits) if one is known, from where, when. */
export interface EventSubject {
  readonly accountId: string
  readonly device: { readonly id: string; readonly label: string } | null
  readonly origin: RequestOrigin
  readonly time: Date
}

/** Rows of one type and outcome that an account's log lists for one day (UTC). */
const MOST_ROWS_A_DAY = 200
const MORE_CAME = ' More of this kind on this day are not listed.'

/**
 * Adds a row for each event, in their order, up to a daily bound for each kind; the last row within it says that there is
 * more. Without such an account it does the same work and adds none. Takes the counters' locks: call it last.
 */
export async function recordEvents(
  transaction: Transaction,
  subject: EventSubject,
  ...events: readonly AccessEvent[]
): Promise<void> {
  // Named before the first is written, so that no other request's row gets between them.
  const named = events.map((event) => ({ event, id: generateTimeUuid(subject.time.getTime()) }))
  for (const { event, id } of named) {
    await transaction.query(COUNT_AND_INSERT, [
      subject.accountId,
      id,
      subject.device === null ? null : parseHex(subject.device.id, 'device', 16),
      subject.device?.label ?? null,
      event.type,
      event.success,
      event.code,
      event.message,
      subject.origin.address,
      subject.origin.userAgent,
      subject.time,
    ])
  }
}

const COUNT_AND_INSERT = `
  WITH counted AS (
    INSERT INTO app.access_log_counts AS known (user_id, type, success, day, events)
    SELECT user_id, $5, $6, ($11::timestamptz AT TIME ZONE 'UTC')::date, 1 FROM app.accounts WHERE user_id = $1
    ON CONFLICT (user_id, type, success) DO UPDATE SET
      events = CASE WHEN known.day = excluded.day THEN known.events + 1 ELSE 1 END, day = excluded.day
    RETURNING user_id, events)
  INSERT INTO app.access_log
    (user_id, row_id, device_id, device_label, type, success, code, message, address, user_agent, created_at)
  SELECT user_id, $2, $3, $4, $5, $6, $7,
         $8::text || CASE WHEN events = ${String(MOST_ROWS_A_DAY)} THEN '${MORE_CAME}' ELSE '' END, $9, $10, $11
    FROM counted WHERE events <= ${String(MOST_ROWS_A_DAY)}`
