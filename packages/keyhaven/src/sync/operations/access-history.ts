/**
 * The account's access log, read page by page and verified: every row follows from a head that the server signed, and
 * every head that one of the account's devices is known to have seen lies in the same chain.
 */
import { parseHex, toHex } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import { isRowAt } from '../format/access-chain.ts'
import type { ChainHead, ChainedRow } from '../format/access-chain.ts'
import type { SyncContext } from '../steps/context.ts'
import type { AccessLogPage } from '../transport/transport.ts'

/** One thing that happened, as the server wrote it down. Only times, types and texts of the server are in it. */
export interface AccessEvent {
  /** Its place in the log, from 1. */
  readonly sequence: number
  readonly type: string
  readonly success: boolean
  /** The server's code where it refused, or `REPORTED_BY_CLIENT` where it only passes on what a device said. */
  readonly code: string | undefined
  readonly message: string
  /** By the server's clock; ISO 8601. */
  readonly at: string
  /** 32 hex digits; none where no device was signed in. */
  readonly deviceId: string | undefined
  readonly deviceLabel: string | undefined
  readonly address: string | undefined
  readonly userAgent: string | undefined
  /** True when address or user agent were there and have been erased. */
  readonly erased: boolean
}

export interface AccessHistory {
  /** Newest first. */
  readonly events: readonly AccessEvent[]
  /** What `before` takes for the page after this one; none after the oldest. */
  readonly next: string | undefined
}

export interface AccessHistoryInput {
  /** `next` of the page before. */
  readonly before?: string
  /** Rows on the page, 1 to 200; 50 unless told. */
  readonly limit?: number
}

/** The most rows that the server gives at once. */
const MOST_ROWS = 200

/**
 * Reads a page. The first one also walks back to the head that was verified last, or else to the newest that any device
 * is known to have seen. `ERR_ACCESS_LOG_TRUNCATED` when rows are missing, `ERR_ACCESS_LOG_ALTERED` when one is not what it was.
 */
export async function readAccessHistory(
  context: SyncContext,
  input: AccessHistoryInput,
): Promise<AccessHistory> {
  const limit = requireLimit(input.limit ?? 50)
  const start = input.before === undefined ? undefined : parsePlace(input.before)
  const rows =
    start === undefined
      ? await walkFromNewest(context, { atLeast: limit, downTo: Infinity })
      : await walk(context, { start, atLeast: limit, downTo: Infinity })
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    events: shown.map(describeRow),
    next: last === undefined ? undefined : writePlace(placeBefore(last)),
  }
}

/** Every row above `after`, oldest first, verified like a first page. */
export async function readAccessHistoryAfter(
  context: SyncContext,
  after: number,
): Promise<readonly AccessEvent[]> {
  const rows = await walkFromNewest(context, { atLeast: 0, downTo: after + 1 })
  return rows
    .filter(({ sequence }) => sequence > after)
    .map(describeRow)
    .reverse()
}

/** Verified rows from the newest back, and that head kept as verified. */
async function walkFromNewest(
  context: SyncContext,
  wanted: { readonly atLeast: number; readonly downTo: number },
): Promise<readonly ChainedRow[]> {
  const { accessLog, transport, signal, vault } = context
  const page = await transport.readAccessLog({ limit: Math.max(wanted.atLeast, 50) }, signal)
  const { head } = page
  const newest = accessLog.newest()
  if (head.sequence < (newest?.sequence ?? 0)) throw truncated()
  if (!accessLog.trusts(head)) throw altered()
  if (head.hash === undefined) return []
  const known = (accessLog.verified() ?? newest)?.sequence ?? Infinity
  const start = { sequence: head.sequence, hash: head.hash }
  const downTo = Math.min(wanted.downTo, known)
  const rows = await walk(context, { start, atLeast: wanted.atLeast, downTo, page })
  accessLog.noteVerified(head)
  await vault.write(new Map([accessLog.keep()]))
  return rows
}

/** Verified rows from `start` back: at least so many, and at least down to that sequence, as far as there are any. */
async function walk(
  context: SyncContext,
  input: {
    readonly start: ChainHead
    readonly atLeast: number
    readonly downTo: number
    /** The first page, where it is at hand. */
    readonly page?: AccessLogPage
  },
): Promise<readonly ChainedRow[]> {
  const { account, transport, signal } = context
  const rows: ChainedRow[] = []
  let place: ChainHead | undefined = input.start
  let { page } = input
  while (place !== undefined && (rows.length < input.atLeast || place.sequence >= input.downTo)) {
    page ??= await transport.readAccessLog({ before: place.sequence + 1, limit: MOST_ROWS }, signal)
    if (page.rows.length === 0) throw truncated()
    for (const row of page.rows) {
      if (row.sequence > 1 && row.previous === undefined) throw truncated()
      if (place === undefined || !isRowAt(row, place, account) || !isAsKnown(context, row)) throw altered()
      rows.push(row)
      place = placeBefore(row)
    }
    page = undefined
  }
  return rows
}

/** The place of the row before; `undefined` before the first. */
function placeBefore(row: ChainedRow): ChainHead | undefined {
  return row.previous === undefined ? undefined : { sequence: row.sequence - 1, hash: row.previous }
}

function isAsKnown({ accessLog }: SyncContext, row: ChainedRow): boolean {
  const hash = toHex(row.hash)
  return accessLog.heads().every((head) => head.sequence !== row.sequence || toHex(head.hash) === hash)
}

function describeRow(row: ChainedRow): AccessEvent {
  const { deviceLabel, address, userAgent } = row.values
  const erased = [address, userAgent].some(
    ({ value, commitment }) => value === undefined && commitment !== undefined,
  )
  return {
    sequence: row.sequence,
    type: row.type,
    success: row.success,
    code: row.code,
    message: row.message,
    at: new Date(row.time).toISOString(),
    deviceId: row.deviceId === undefined ? undefined : toHex(row.deviceId),
    deviceLabel: deviceLabel.value,
    address: address.value,
    userAgent: userAgent.value,
    erased,
  }
}

function writePlace(place: ChainHead | undefined): string | undefined {
  return place === undefined ? undefined : `${String(place.sequence)}.${toHex(place.hash)}`
}

/** A place carries the hash that its row must have, so that a page verifies without the one before it. */
function parsePlace(text: string): ChainHead {
  const [, sequence, hash] = /^([1-9]\d{0,14})\.([0-9a-f]{64})$/.exec(text) ?? []
  if (sequence === undefined || hash === undefined) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'before', expected: 'next of an earlier page' })
  }
  return { sequence: Number(sequence), hash: parseHex(hash, 'before', 32) }
}

function requireLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST_ROWS) return limit
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'limit', expected: '1 to 200' })
}

function truncated(): KeyhavenError {
  return new KeyhavenError('ERR_ACCESS_LOG_TRUNCATED', undefined)
}

function altered(): KeyhavenError {
  return new KeyhavenError('ERR_ACCESS_LOG_ALTERED', undefined)
}
