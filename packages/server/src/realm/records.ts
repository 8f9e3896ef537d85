/**
 * The realm's table: reading a record under its row's lock, writing it, and sweeping away what has run out.
 */
import { DatabaseError } from 'pg'
import { randomBytes } from 'keyhaven/crypto'
import type { ChargedInput, Guard, RealmRecord, RegisteredRecord } from 'keyhaven/recovery/realm'
import { guardOf } from 'keyhaven/recovery/realm'
import type { Database, Transaction } from '../db/database.ts'

/** A record with its sealed part, which is there when, and only when, the record is registered. */
export interface StoredRecord {
  readonly record: RealmRecord
  readonly sealed: Uint8Array | undefined
}

interface Row {
  readonly state: 'registered' | 'no-guesses'
  readonly version: Uint8Array
  readonly num_guesses: number
  readonly guess_count: number
  readonly unlock_key_tag_hash: Uint8Array
  readonly charged: Uint8Array
  readonly last_attempt_until: Date | null
  readonly sealed: Uint8Array
  readonly authority: Uint8Array | null
  readonly cooling_until: Date | null
  readonly spent_day: number | null
  readonly spent_evaluations: number | null
}

/** Reads a record and locks its row until the transaction ends, so that requests about one record go one by one. */
export async function lockRecord(transaction: Transaction, recordId: Uint8Array): Promise<StoredRecord> {
  const { rows } = await transaction.query<Row & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM realm.records WHERE record_id = $1 FOR UPDATE`,
    [recordId],
  )
  const [row] = rows
  return row === undefined ? { record: { state: 'not-registered' }, sealed: undefined } : readRow(row)
}

const COLUMNS = `state, version, num_guesses, guess_count, unlock_key_tag_hash, charged, last_attempt_until, sealed,
  authority, cooling_until, spent_day, spent_evaluations`

/** A record among others. */
export interface ListedRecord extends StoredRecord {
  readonly recordId: Uint8Array
}

/** Records that are read at once. */
const BATCH = 200

/** The next records after one in the order of their ids, of one tenant or of all; fewer than {@link BATCH} are the last ones. */
export async function listRecords(
  transaction: Transaction,
  { after, tenant }: { readonly after: Uint8Array; readonly tenant: string | undefined },
): Promise<{ readonly records: readonly ListedRecord[]; readonly last: boolean }> {
  await transaction.query("SET LOCAL app.realm_look = 'on'")
  const { rows } = await transaction.query<Row & Record<string, unknown> & { record_id: Uint8Array }>(
    `SELECT record_id, ${COLUMNS} FROM realm.records
     WHERE record_id > $1 AND ($2::text IS NULL OR tenant = $2) ORDER BY record_id LIMIT ${String(BATCH)}`,
    [after, tenant ?? null],
  )
  const records = rows.map((row) => ({ recordId: new Uint8Array(row.record_id), ...readRow(row) }))
  return { records, last: rows.length < BATCH }
}

function readRow(row: Row): StoredRecord {
  const guard = readGuard(row)
  if (row.state === 'no-guesses') {
    const guarded = guard && { version: new Uint8Array(row.version), guard }
    return { record: { state: 'no-guesses', guarded }, sealed: undefined }
  }
  const record: RegisteredRecord = {
    state: 'registered',
    version: new Uint8Array(row.version),
    numGuesses: row.num_guesses,
    guessCount: row.guess_count,
    unlockKeyTagHash: new Uint8Array(row.unlock_key_tag_hash),
    charged: parseCharged(new Uint8Array(row.charged)),
    lastAttemptUntil: row.last_attempt_until?.getTime(),
    spent: { day: row.spent_day ?? 0, evaluations: row.spent_evaluations ?? 0 },
    guard,
  }
  return { record, sealed: new Uint8Array(row.sealed) }
}

function readGuard(row: Row): Guard | undefined {
  if (row.authority === null) return undefined
  return { authority: new Uint8Array(row.authority), coolingUntil: row.cooling_until?.getTime() }
}

/**
 * Writes a record in place of the one that {@link lockRecord} found; the commit fails where that could not be done. Where there was
 * none there was no row to lock either: of two that add one at once the second fails ({@link isRecordTaken}), and decides anew.
 */
export function writeRecord(
  transaction: Transaction,
  { recordId, tenant }: { readonly recordId: Uint8Array; readonly tenant: string },
  { before, after }: { readonly before: StoredRecord; readonly after: StoredRecord },
): void {
  const { record, sealed } = after
  if (record.state === 'not-registered') {
    transaction.send('DELETE FROM realm.records WHERE record_id = $1', [recordId])
    return
  }
  const text = before.record.state === 'not-registered' ? INSERT : UPDATE
  transaction.send(text, [recordId, tenant, record.state, ...columnsOf(record, sealed)])
}

/** True for the fault of a transaction that added a record which another one had added since. */
export function isRecordTaken(fault: unknown): boolean {
  return fault instanceof DatabaseError && fault.code === UNIQUE_VIOLATION && fault.table === 'records'
}

/** PostgreSQL, appendix A. */
const UNIQUE_VIOLATION = '23505'

/** Adds a record that was not there, within an import of its tenant. */
export async function insertRecord(
  transaction: Transaction,
  { recordId, tenant }: { readonly recordId: Uint8Array; readonly tenant: string },
  {
    record,
    sealed,
  }: StoredRecord & { readonly record: Exclude<RealmRecord, { readonly state: 'not-registered' }> },
): Promise<void> {
  await transaction.query(INSERT, [recordId, tenant, record.state, ...columnsOf(record, sealed)])
}

const INSERT = `INSERT INTO realm.records
    (record_id, tenant, state, version, authority, cooling_until, spent_day, spent_evaluations,
     num_guesses, guess_count, unlock_key_tag_hash, charged, last_attempt_until, sealed)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

const UPDATE = `UPDATE realm.records SET
    tenant = $2, state = $3, version = $4, authority = $5, cooling_until = $6, spent_day = $7, spent_evaluations = $8,
    num_guesses = $9, guess_count = $10, unlock_key_tag_hash = $11, charged = $12, last_attempt_until = $13, sealed = $14,
    updated_at = now()
  WHERE record_id = $1`

function columnsOf(
  record: Exclude<RealmRecord, { readonly state: 'not-registered' }>,
  sealed: Uint8Array | undefined,
): readonly unknown[] {
  const guarded = guardOf(record)
  const guard = [guarded?.guard.authority ?? null, dateOf(guarded?.guard.coolingUntil)]
  if (record.state === 'no-guesses') {
    return [guarded?.version ?? null, ...guard, ...Array.from({ length: 8 }, () => null)]
  }
  const { version, spent, numGuesses, guessCount, unlockKeyTagHash, charged } = record
  const until = dateOf(record.lastAttemptUntil)
  const counts = [numGuesses, guessCount, unlockKeyTagHash, encodeCharged(charged), until, sealed ?? null]
  return [version, ...guard, spent.day, spent.evaluations, ...counts]
}

function dateOf(milliseconds: number | undefined): Date | null {
  return milliseconds === undefined ? null : new Date(milliseconds)
}

const CHARGED_LENGTH = 41

export function encodeCharged(charged: readonly ChargedInput[]): Uint8Array {
  const bytes = new Uint8Array(charged.length * CHARGED_LENGTH)
  const view = new DataView(bytes.buffer)
  charged.forEach(({ hash, chargedAt, repeats }, place) => {
    const offset = place * CHARGED_LENGTH
    bytes.set(hash, offset)
    view.setBigUint64(offset + 32, BigInt(chargedAt))
    view.setUint8(offset + 40, repeats)
  })
  return bytes
}

export function parseCharged(bytes: Uint8Array): readonly ChargedInput[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / CHARGED_LENGTH }, (_, place) => {
    const offset = place * CHARGED_LENGTH
    return {
      hash: bytes.slice(offset, offset + 32),
      chargedAt: Number(view.getBigUint64(offset + 32)),
      repeats: view.getUint8(offset + 40),
    }
  })
}

/** Destroys every registration whose last attempt's window is over; returns how many. */
export async function sweepRecords(database: Pick<Database, 'withRealmRecord'>): Promise<number> {
  return database.withRealmRecord(randomBytes(32), async (transaction) => {
    await transaction.query("SET LOCAL app.realm_sweep = 'on'")
    // No WHERE: the sweep's policy chooses the rows, and lets nothing else be done to them.
    const { rowCount } = await transaction.query(
      `UPDATE realm.records SET state = 'no-guesses', num_guesses = NULL, guess_count = NULL,
         spent_day = NULL, spent_evaluations = NULL, unlock_key_tag_hash = NULL, charged = NULL, last_attempt_until = NULL, sealed = NULL, updated_at = now()`,
    )
    return rowCount ?? 0
  })
}

/** Puts the same registration under another seal; nothing else of the record changes, nor when it was last used. */
export async function writeSealed(
  transaction: Transaction,
  recordId: Uint8Array,
  sealed: Uint8Array,
): Promise<void> {
  await transaction.query('UPDATE realm.records SET sealed = $2 WHERE record_id = $1', [recordId, sealed])
}
