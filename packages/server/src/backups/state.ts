/**
 * The state of an account's backup inside one transaction: its counters (whose row is the lock), its pointer, and the
 * change of it that is under way. A change that is older than a day is given up on sight.
 */
import { parseHex, toHex } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'

/** A change of the pointer is kept for this long. */
export const PENDING_LIFETIME_MS: number = 24 * 3600 * 1000

/** The registration that is valid. Ids are hex. */
export interface Pointer {
  readonly registration: string
  readonly generation: number
  readonly realms: readonly string[]
  readonly anchor: string
  readonly authority: string
  readonly signature: string
  /** Grows by one with each commit. */
  readonly serial: number
  /** The authority key's signature of the pointer, for the account's devices; none if the commit brought none. */
  readonly statement: string | null
  /** The authority key that the registration was bound to when it was made. */
  readonly registrationAuthority: string
  readonly etag: string
  readonly deviceId: string
}

/** The change of the pointer that one device has begun. */
export interface Pending {
  readonly registration: string
  readonly generation: number
  readonly realms: readonly string[]
  readonly deviceId: string
  readonly expectedEtag: string | null
  readonly startedAt: Date
  readonly expiresAt: Date
}

/** How much an account has stored, visible and waiting. */
export interface Counters {
  readonly lastCursor: number
  readonly lastArrival: number
  readonly segments: number
  readonly bytes: number
  readonly pendingSegments: number
  readonly pendingBytes: number
  /** What became visible since the generation in use, or its last snapshot, began. */
  readonly tailSegments: number
  readonly tailBytes: number
}

export interface BackupState {
  readonly counters: Counters
  readonly pointer: Pointer | null
  readonly pending: Pending | null
}

/** Locks the account's backup until the end of the transaction and reads it. */
export async function lockState(
  transaction: Transaction,
  accountId: string,
  time: Date,
): Promise<BackupState> {
  const locked = await lockCounters(transaction, accountId)
  const pointer = await readPointer(transaction, accountId)
  const pending = await readPending(transaction, accountId)
  if (pending === null || time < pending.expiresAt) return { counters: locked, pointer, pending }
  await retirePending(transaction, { accountId, pointer, pending, time })
  return { counters: { ...locked, pendingSegments: 0, pendingBytes: 0 }, pointer, pending: null }
}

/** Drops what waits for a change's commit; a registration that was made for it stays listed until the realms have deleted it. */
export async function retirePending(
  transaction: Transaction,
  input: {
    readonly accountId: string
    readonly pointer: Pointer | null
    readonly pending: Pending
    readonly time: Date
  },
): Promise<void> {
  const { accountId, pending, time } = input
  const registration = parseHex(pending.registration, 'registration', 16)
  const key = [accountId, registration]
  await transaction.query('DELETE FROM app.segments WHERE user_id = $1 AND pending = $2', key)
  await transaction.query('DELETE FROM app.pending_slots WHERE user_id = $1 AND registration = $2', key)
  await transaction.query('DELETE FROM app.pending_changes WHERE user_id = $1', [accountId])
  await transaction.query('UPDATE app.logs SET pending_segments = 0, pending_bytes = 0 WHERE user_id = $1', [
    accountId,
  ])
  if (input.pointer?.registration === pending.registration) return
  await addRetired(transaction, {
    accountId,
    registration: pending.registration,
    realms: pending.realms,
    time,
    authority: input.pointer?.authority,
  })
}

/** Lists a registration as one that the realms may still hold. */
export async function addRetired(
  transaction: Transaction,
  input: {
    readonly accountId: string
    readonly registration: string
    readonly realms: readonly string[]
    readonly time: Date
    /** The generation in which it was in use. */
    readonly generation?: number
    /** That generation's root key, sealed under the next one's; hex. */
    readonly previousRoot?: string | undefined
    /** The authority key that it is bound to; hex. */
    readonly authority: string | undefined
  },
): Promise<void> {
  const { generation, previousRoot, authority } = input
  await transaction.query(
    `INSERT INTO app.retired_registrations (user_id, registration, realms, retired_at, generation, previous_root, authority)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      input.accountId,
      parseHex(input.registration, 'registration', 16),
      parseRealms(input.realms),
      input.time,
      generation ?? null,
      previousRoot === undefined ? null : parseHex(previousRoot, 'previousRoot', 48),
      authority === undefined ? null : parseHex(authority, 'authority', 32),
    ],
  )
}

/** Realm ids as the database takes them. */
export function parseRealms(realms: readonly string[]): Uint8Array[] {
  return realms.map((realm) => parseHex(realm, 'realms', 16))
}

async function lockCounters(transaction: Transaction, accountId: string): Promise<Counters> {
  const locked = await findCounters(transaction, accountId, 'FOR UPDATE')
  if (locked !== undefined) return locked
  await transaction.query('INSERT INTO app.logs (user_id) VALUES ($1) ON CONFLICT DO NOTHING', [accountId])
  return (await findCounters(transaction, accountId, 'FOR UPDATE')) ?? NO_COUNTERS
}

/** The counters without a lock; all zero for an account that has stored nothing. */
export async function readCounters(transaction: Transaction, accountId: string): Promise<Counters> {
  return (await findCounters(transaction, accountId, '')) ?? NO_COUNTERS
}

const NO_COUNTERS: Counters = {
  lastCursor: 0,
  lastArrival: 0,
  segments: 0,
  bytes: 0,
  pendingSegments: 0,
  pendingBytes: 0,
  tailSegments: 0,
  tailBytes: 0,
}

async function findCounters(
  transaction: Transaction,
  accountId: string,
  lock: '' | 'FOR UPDATE',
): Promise<Counters | undefined> {
  const { rows } = await transaction.query<Counters & Record<string, unknown>>(
    `SELECT last_cursor AS "lastCursor", last_arrival AS "lastArrival", segments, bytes,
            pending_segments AS "pendingSegments", pending_bytes AS "pendingBytes",
            tail_segments AS "tailSegments", tail_bytes AS "tailBytes"
       FROM app.logs WHERE user_id = $1 ${lock}`,
    [accountId],
  )
  return rows[0]
}

async function readPointer(transaction: Transaction, accountId: string): Promise<Pointer | null> {
  const { rows } = await transaction.query<{
    registration: Uint8Array
    generation: number
    realms: Uint8Array[]
    anchor: Uint8Array
    authority: Uint8Array
    signature: Uint8Array
    serial: number
    statement: Uint8Array | null
    registration_authority: Uint8Array
    etag: string
    device_id: Uint8Array
  }>(
    `SELECT registration, generation, realms, anchor, authority, signature, etag, device_id, serial, statement,
            coalesce(registration_authority, authority) AS registration_authority
       FROM app.pointers WHERE user_id = $1`,
    [accountId],
  )
  const [row] = rows
  if (row === undefined) return null
  return {
    registration: toHex(row.registration),
    generation: row.generation,
    realms: row.realms.map(toHex),
    anchor: toHex(row.anchor),
    authority: toHex(row.authority),
    signature: toHex(row.signature),
    serial: row.serial,
    statement: row.statement === null ? null : toHex(row.statement),
    registrationAuthority: toHex(row.registration_authority),
    etag: row.etag,
    deviceId: toHex(row.device_id),
  }
}

async function readPending(transaction: Transaction, accountId: string): Promise<Pending | null> {
  const { rows } = await transaction.query<{
    registration: Uint8Array
    generation: number
    realms: Uint8Array[]
    device_id: Uint8Array
    expected_etag: string | null
    started_at: Date
    expires_at: Date
  }>(
    `SELECT registration, generation, realms, device_id, expected_etag, started_at, expires_at
       FROM app.pending_changes WHERE user_id = $1`,
    [accountId],
  )
  const [row] = rows
  if (row === undefined) return null
  return {
    registration: toHex(row.registration),
    generation: row.generation,
    realms: row.realms.map(toHex),
    deviceId: toHex(row.device_id),
    expectedEtag: row.expected_etag,
    startedAt: row.started_at,
    expiresAt: row.expires_at,
  }
}
