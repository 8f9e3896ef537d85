/**
 * Reads an account's access log, newest first, a page at a time, with all that it takes to verify it.
 */
import { toHex } from 'keyhaven/crypto'
import type { SigningKey } from '../auth/keys.ts'
import type { Transaction } from '../db/database.ts'
import type { ChainHead } from './chain.ts'

/** One row as the API answers it. An erased value is null, and so is its salt; its commitment stays. */
export interface AccessLogRow {
  readonly sequence: number
  /** 64 hex digits. */
  readonly hash: string
  /** The hash of the row before; null for the first. */
  readonly previous: string | null
  readonly deviceId: string | null
  readonly type: string
  readonly success: boolean
  readonly code: string | null
  readonly message: string
  readonly createdAt: string
  readonly deviceLabel: string | null
  readonly address: string | null
  readonly userAgent: string | null
  readonly salts: Erasable
  readonly commitments: Erasable
}

/** In hex, by field. */
interface Erasable {
  readonly deviceLabel: string | null
  readonly address: string | null
  readonly userAgent: string | null
}

/** The newest row, signed; `key` is what verifies it, 64 hex digits. */
export interface SignedHead {
  readonly sequence: number
  readonly hash: string | null
  readonly signature: string | null
  readonly key: string
}

/** A page; `next` is the `before` of the page that follows, null on the last. */
export interface AccessLogPage {
  readonly head: SignedHead
  readonly rows: readonly AccessLogRow[]
  readonly next: number | null
}

interface Stored {
  readonly sequence: number
  readonly hash: Uint8Array
  readonly device_id: Uint8Array | null
  readonly type: string
  readonly success: boolean
  readonly code: string | null
  readonly message: string
  readonly created_at: Date
  readonly device_label: string | null
  readonly device_label_salt: Uint8Array | null
  readonly device_label_commitment: Uint8Array | null
  readonly address: string | null
  readonly address_salt: Uint8Array | null
  readonly address_commitment: Uint8Array | null
  readonly user_agent: string | null
  readonly user_agent_salt: Uint8Array | null
  readonly user_agent_commitment: Uint8Array | null
}

/** Up to `limit` rows with a sequence below `before`, and the head of the whole log. */
export async function readAccessLog(
  transaction: Transaction,
  page: {
    readonly accountId: string
    readonly before: number | undefined
    readonly limit: number
    readonly chainKey: SigningKey
  },
): Promise<AccessLogPage> {
  const head = await readSignedHead(transaction, page.accountId, page.chainKey)
  // Rows that came after the head was read are left for the next reader, so that the page ends where the head says.
  const before = Math.min(page.before ?? Infinity, head.sequence + 1)
  const { rows } = await transaction.query<Stored & Record<string, unknown>>(
    `SELECT sequence, hash, device_id, type, success, code, message, created_at,
            device_label, device_label_salt, device_label_commitment,
            address, address_salt, address_commitment,
            user_agent, user_agent_salt, user_agent_commitment
       FROM app.access_log WHERE user_id = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3`,
    [page.accountId, before, page.limit + 1],
  )
  const shown = rows.slice(0, page.limit)
  return {
    head,
    rows: shown.map((row, index) => present(row, rows[index + 1])),
    next: rows.length > page.limit ? (shown.at(-1)?.sequence ?? null) : null,
  }
}

/** The head of an account's log, as clients keep it. */
export async function readSignedHead(
  transaction: Transaction,
  accountId: string,
  chainKey: SigningKey,
): Promise<SignedHead> {
  const { rows } = await transaction.query<ChainHead & Record<string, unknown>>(
    'SELECT sequence, hash, signature FROM app.access_log_heads WHERE user_id = $1',
    [accountId],
  )
  const [head] = rows
  return {
    sequence: head?.sequence ?? 0,
    hash: hexOrNull(head?.hash),
    signature: hexOrNull(head?.signature),
    key: toHex(chainKey.publicKeyBytes),
  }
}

function present(row: Stored, previous: Stored | undefined): AccessLogRow {
  return {
    sequence: row.sequence,
    hash: toHex(row.hash),
    previous: hexOrNull(previous?.hash),
    deviceId: hexOrNull(row.device_id),
    type: row.type,
    success: row.success,
    code: row.code,
    message: row.message,
    createdAt: row.created_at.toISOString(),
    deviceLabel: row.device_label,
    address: row.address,
    userAgent: row.user_agent,
    salts: {
      deviceLabel: hexOrNull(row.device_label_salt),
      address: hexOrNull(row.address_salt),
      userAgent: hexOrNull(row.user_agent_salt),
    },
    commitments: {
      deviceLabel: hexOrNull(row.device_label_commitment),
      address: hexOrNull(row.address_commitment),
      userAgent: hexOrNull(row.user_agent_commitment),
    },
  }
}

function hexOrNull(bytes: Uint8Array | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : toHex(bytes)
}
