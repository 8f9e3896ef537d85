/**
 * The audit feed of each tenant: what the realm did about its records, written in the transaction that does it.
 *
 * A feed is read page by page in the order of time. A row's time is the beginning of its transaction, which may commit much later;
 * so a page ends before the oldest transaction that is still open, and nobody who reads on misses a row.
 */
import { parseHex, randomBytes, toHex } from 'keyhaven/crypto'
import type { RealmEvent } from 'keyhaven/recovery/realm'
import type { Database, Transaction } from '../../db/database.ts'
import { setTenant } from '../operator/tenants.ts'

/** What a feed tells; waits and refusals are the person's own matter. */
export const AUDITED = ['registered', 'guess_used', 'share_recovered', 'deleted'] as const
export type AuditedType = (typeof AUDITED)[number]

/** One row of a feed. */
export interface AuditEvent {
  /** 32 hex digits. */
  readonly id: string
  readonly type: AuditedType
  /** 64 hex digits, SHA-256(lp(tenant) ‖ lp(subject)): the tenant's own subjects give it. */
  readonly record: string
  readonly at: string
}

export interface AuditPage {
  readonly events: readonly AuditEvent[]
  /** Where the next page begins; `null` while there has been none. */
  readonly cursor: string | null
  /** False: ask again later. */
  readonly more: boolean
}

/** Writes an event down, if it is one of {@link AUDITED}. */
export function noteForTenant(
  transaction: Transaction,
  { recordId, tenant }: { readonly recordId: Uint8Array; readonly tenant: string },
  { type }: RealmEvent,
): void {
  if (!isAudited(type)) return
  transaction.send(
    'INSERT INTO realm.audit (record_id, event_id, tenant, type, happened_at) VALUES ($1, $2, $3, $4, now())',
    [recordId, randomBytes(16), tenant, type],
  )
}

function isAudited(type: RealmEvent['type']): type is AuditedType {
  return (AUDITED as readonly string[]).includes(type)
}

/** Transactions begin a moment before the list of those that are open shows them; clocks of two PostgreSQLs differ a little. */
const SETTLE = "interval '2 seconds'"

/** A page after a cursor. `ERR_INPUT_INVALID` for a tenant or a cursor that is none. */
export async function readAudit(
  database: Pick<Database, 'withRealmRecord'>,
  page: { readonly tenant: string; readonly after: string | undefined; readonly limit: number },
): Promise<AuditPage> {
  const { tenant, after, limit } = page
  const begin = after === undefined ? undefined : parseCursor(after)
  return database.withRealmRecord(randomBytes(32), async (transaction) => {
    await setTenant(transaction, 'app.realm_audit', tenant)
    const end = await findEnd(transaction)
    const { rows } = await transaction.query<Row & Record<string, unknown>>(
      `SELECT event_id, record_id, type, (extract(epoch FROM happened_at) * 1000000)::bigint AS micros FROM realm.audit
        WHERE tenant = $1 AND happened_at < $2::timestamptz
          AND ($3::bigint IS NULL OR (happened_at, event_id) > (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4))
        ORDER BY happened_at, event_id LIMIT $5`,
      [tenant, end, begin?.micros ?? null, begin?.eventId ?? null, limit + 1],
    )
    const events = rows.slice(0, limit)
    const last = events.at(-1)
    const cursor = last === undefined ? (after ?? null) : formatCursor(last)
    return { events: events.map(describe), cursor, more: rows.length > limit }
  })
}

interface Row {
  readonly event_id: Uint8Array
  readonly record_id: Uint8Array
  readonly type: AuditedType
  readonly micros: number
}

/** By a statement of its own: what has left the list is visible to the next one. */
async function findEnd(transaction: Transaction): Promise<string> {
  const { rows } = await transaction.query<{ settled: string }>(
    `SELECT least(clock_timestamp() - ${SETTLE}, (SELECT min(xact_start) FROM pg_stat_activity
       WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()))::text AS settled`,
  )
  return rows[0]?.settled ?? '-infinity'
}

function describe({ event_id: id, record_id: record, type, micros }: Row): AuditEvent {
  return { id: toHex(id), type, record: toHex(record), at: new Date(Math.floor(micros / 1000)).toISOString() }
}

const CURSOR_LENGTH = 24

/** Microseconds since 1970 (8 bytes) ‖ event id, as hex. */
function formatCursor({ micros, event_id: eventId }: Row): string {
  return micros.toString(16).padStart(16, '0') + toHex(eventId)
}

function parseCursor(text: string): { readonly micros: number; readonly eventId: Uint8Array } {
  const eventId = parseHex(text, 'after', CURSOR_LENGTH).subarray(8)
  return { micros: Number.parseInt(text.slice(0, 16), 16), eventId }
}

const BATCH = 1000
const DAY_MS = 24 * 3600_000

/** Removes what is older than `days` (at least 1) from all feeds; returns how many rows. */
export async function eraseOldAudit(
  database: Pick<Database, 'withRealmRecord'>,
  { days, now }: { readonly days: number; readonly now: Date },
): Promise<number> {
  const before = new Date(now.getTime() - days * DAY_MS)
  let erased = 0
  for (;;) {
    const rows = await database.withRealmRecord(randomBytes(32), async (transaction) => {
      await transaction.query("SET LOCAL app.realm_audit_sweep = 'on'")
      const { rowCount } = await transaction.query(
        `DELETE FROM realm.audit WHERE (record_id, event_id) IN
           (SELECT record_id, event_id FROM realm.audit WHERE happened_at < $1 ORDER BY happened_at LIMIT ${String(BATCH)})`,
        [before],
      )
      return rowCount ?? 0
    })
    erased += rows
    if (rows < BATCH) return erased
  }
}
