/**
 * Reads an account's access log, newest first, a page at a time.
 */
import { toHex } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'

/** One row as the API answers it. */
export interface AccessLogRow {
  readonly id: string
  readonly deviceLabel: string | null
  readonly deviceId: string | null
  readonly type: string
  readonly success: boolean
  readonly code: string | null
  readonly message: string
  readonly address: string | null
  readonly userAgent: string | null
  readonly createdAt: string
}

/** A page; `next` is the `before` of the page that follows, null on the last. */
export interface AccessLogPage {
  readonly rows: readonly AccessLogRow[]
  readonly next: string | null
}

interface Stored {
  readonly row_id: string
  readonly device_id: Uint8Array | null
  readonly device_label: string | null
  readonly type: string
  readonly success: boolean
  readonly code: string | null
  readonly message: string
  readonly address: string | null
  readonly user_agent: string | null
  readonly created_at: Date
}

/** Up to `limit` rows older than the row `before`. */
export async function readAccessLog(
  transaction: Transaction,
  page: { readonly accountId: string; readonly before: string | undefined; readonly limit: number },
): Promise<AccessLogPage> {
  const { rows } = await transaction.query<Stored & Record<string, unknown>>(
    `SELECT row_id, device_id, device_label, type, success, code, message, host(address) AS address, user_agent, created_at
       FROM app.access_log
      WHERE user_id = $1 AND ($2::uuid IS NULL OR row_id < $2)
      ORDER BY row_id DESC LIMIT $3`,
    [page.accountId, page.before ?? null, page.limit + 1],
  )
  const shown = rows.slice(0, page.limit)
  return {
    rows: shown.map(present),
    next: rows.length > page.limit ? (shown.at(-1)?.row_id ?? null) : null,
  }
}

function present(row: Stored): AccessLogRow {
  return {
    id: row.row_id,
    deviceLabel: row.device_label,
    deviceId: row.device_id === null ? null : toHex(row.device_id),
    type: row.type,
    success: row.success,
    code: row.code,
    message: row.message,
    address: row.address,
    userAgent: row.user_agent,
    createdAt: row.created_at.toISOString(),
  }
}
