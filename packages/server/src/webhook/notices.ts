/**
 * Notices to the operator's webhook: written down in the transaction of the event, delivered at least once by a sender
 * beside the requests, which none of them waits for. No phone number, address or label is in them.
 */
import { randomUUID } from 'node:crypto'
import type { AccessLogType } from '../access-log/events.ts'
import type { Database, Transaction } from '../db/database.ts'
import type { Log } from '../log/log.ts'
import { describeFault } from '../log/log.ts'
import { postMessage } from './post.ts'
import type { Webhook } from './post.ts'

/** Types of the access log that a person should hear of although he looks at no device. */
const NOTEWORTHY: ReadonlySet<AccessLogType> = new Set([
  'guess_used',
  'device_added',
  'device_removed',
  'phone_changed',
  'pointer_moved',
  'pin_changed',
  'registration_challenged',
  'removal_requested',
  'removal_cancelled',
  'contacts_changed',
  'contacts_asked',
  'contacts_vetoed',
  'contacts_answered',
  'backup_deleted',
  'account_deleted',
])

const EVERY_MS = 2_000
const BATCH = 20
/** After a failure: 10 s, then twice as long each time, at most an hour; given up after three days. */
const FIRST_WAIT_S = 10
const LONGEST_WAIT_S = 3600
const KEPT_MS = 3 * 24 * 3600_000

/** Notes a row of the access log for delivery, if it is one to tell of. */
export async function noteForWebhook(
  transaction: Transaction,
  row: {
    readonly accountId: string
    readonly type: AccessLogType
    readonly success: boolean
    readonly sequence: number
    readonly time: Date
  },
): Promise<void> {
  if (!NOTEWORTHY.has(row.type)) return
  const { accountId, type, success, sequence, time } = row
  await transaction.query(
    `INSERT INTO app.webhook_events (user_id, event_id, type, success, sequence, created_at, due_at)
     SELECT user_id, $2, $3, $4, $5, $6, $6 FROM app.accounts WHERE user_id = $1`,
    [accountId, randomUUID(), type, success, sequence, time],
  )
}

interface Due {
  readonly user_id: string
  readonly event_id: string
  readonly type: string
  readonly success: boolean
  readonly sequence: number
  readonly created_at: Date
}

/** Delivers what is due; returns how many were taken up, delivered or not. Several servers may do so at once. */
export async function deliverDue(
  database: Pick<Database, 'withAuth'>,
  webhook: Webhook,
  now: Date,
): Promise<number> {
  const due = await takeUp(database, now)
  await Promise.all(
    due.map(async (event) => {
      const delivered = await postMessage(webhook, { id: event.event_id, content: contentOf(event) }).then(
        () => true,
        () => false,
      )
      if (delivered) await forget(database, event)
    }),
  )
  return due.length
}

/** Starts delivering, until the returned function is called. */
export function startWebhookSender(input: {
  readonly database: Pick<Database, 'withAuth'>
  readonly webhook: Webhook
  readonly log: Log
}): () => Promise<void> {
  let running: Promise<void> | undefined
  const deliver = async (): Promise<void> => {
    try {
      await deliverDue(input.database, input.webhook, new Date())
    } catch (fault) {
      input.log.error({ event: 'webhook_failed', fault: describeFault(fault) })
    }
    running = undefined
  }
  const timer = setInterval(() => {
    running ??= deliver()
  }, EVERY_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}

/** Takes events up and sets when they are tried again, before any is sent: a server that dies has lost none. */
async function takeUp(database: Pick<Database, 'withAuth'>, now: Date): Promise<readonly Due[]> {
  return asSender(database, async (transaction) => {
    await transaction.query('DELETE FROM app.webhook_events WHERE created_at < $1', [
      new Date(now.getTime() - KEPT_MS),
    ])
    const { rows } = await transaction.query<Due & Record<string, unknown>>(
      `UPDATE app.webhook_events SET attempts = attempts + 1,
              due_at = $1::timestamptz + make_interval(secs =>
                least(${String(LONGEST_WAIT_S)}, ${String(FIRST_WAIT_S)} * power(2, least(attempts, 20))))
        WHERE (user_id, event_id) IN (
          SELECT user_id, event_id FROM app.webhook_events WHERE due_at <= $1
           ORDER BY due_at LIMIT ${String(BATCH)} FOR UPDATE SKIP LOCKED)
        RETURNING user_id, event_id, type, success, sequence, created_at`,
      [now],
    )
    return rows
  })
}

async function forget(database: Pick<Database, 'withAuth'>, event: Due): Promise<void> {
  await asSender(database, (transaction) =>
    transaction.query('DELETE FROM app.webhook_events WHERE user_id = $1 AND event_id = $2', [
      event.user_id,
      event.event_id,
    ]),
  )
}

function asSender<Result>(
  database: Pick<Database, 'withAuth'>,
  run: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  return database.withAuth(async (transaction) => {
    await transaction.query("SET LOCAL app.webhook = 'on'")
    return run(transaction)
  })
}

function contentOf(event: Due): object {
  const { user_id, type, success, sequence, created_at } = event
  return { type, accountId: user_id, success, sequence, createdAt: created_at.toISOString() }
}
