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

/**
 * Adds a row for each event, in their order; without such an account it does the same work and adds none.
 */
export async function recordEvents(
  transaction: Transaction,
  subject: EventSubject,
  ...events: readonly AccessEvent[]
): Promise<void> {
  // Named before the first is written, so that no other request's row gets between them.
  const named = events.map((event) => ({ event, id: generateTimeUuid(subject.time.getTime()) }))
  for (const { event, id } of named) {
    await transaction.query(
      `INSERT INTO app.access_log
         (user_id, row_id, device_id, device_label, type, success, code, message, address, user_agent, created_at)
       SELECT user_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM app.accounts WHERE user_id = $1`,
      [
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
      ],
    )
  }
}
