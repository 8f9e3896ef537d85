/**
 * Stores segments of the key log. A segment is named by its hash and never changes; the server checks its clear header
 * and its place in the log, and cannot open it.
 */
import { createHash } from 'node:crypto'
import { parseHex, toHex } from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import type { Actor } from '../auth/signed-in.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { parseUuid } from '../http/uuid.ts'
import { listHeads } from './read-log.ts'
import { parseSegmentHeader } from './segment-header.ts'
import type { SegmentHeader } from './segment-header.ts'
import { encodeAppendMessage, requireProof } from './authority-proof.ts'
import { lockState } from './state.ts'
import type { BackupState, Counters } from './state.ts'

/** What one account may store, visible and waiting together. */
export interface Quota {
  readonly segments: number
  readonly bytes: number
}

/**
 * The most segments that no visible one follows. A device that has read the log names at least one of them as parent, and
 * so does not add to them.
 */
const MOST_HEADS = 512

export const DEFAULT_QUOTA: Quota = { segments: 100_000, bytes: 1024 ** 3 }

/** A segment whose own bytes have been checked. `registration` is that of the change that it waits for. */
export interface Upload {
  readonly id: Uint8Array
  readonly bytes: Uint8Array
  readonly header: SegmentHeader
  readonly registration: string | undefined
  /** The authority key's signature, 128 hex digits. */
  readonly proof: string | undefined
}

/** Checks a segment against its name and its sender; anything wrong is `ERR_BODY_MALFORMED`. */
export function parseUpload(input: {
  readonly id: string
  readonly bytes: Uint8Array
  readonly registration: string | undefined
  readonly proof: string | undefined
  readonly accountId: string
  readonly deviceId: string
}): Upload {
  const header = parseSegmentHeader(input.bytes)
  const id = createHash('sha256').update(input.bytes).digest()
  const own =
    toHex(id) === input.id &&
    toHex(header.account) === toHex(parseUuid(input.accountId)) &&
    toHex(header.device) === input.deviceId
  if (!own) throw new Refusal('ERR_BODY_MALFORMED')
  const { bytes, registration, proof } = input
  return { id, bytes, header, registration, proof }
}

/** Stores a segment; false when it is there already. Refuses by the codes of protocol.md, "Log". */
export async function storeSegment(
  transaction: Transaction,
  actor: Actor,
  input: { readonly upload: Upload; readonly quota: Quota },
): Promise<boolean> {
  const { upload, quota } = input
  const state = await lockState(transaction, actor.accountId, actor.time)
  if (await isStored(transaction, actor.accountId, upload)) return false
  requireGeneration(state, upload, actor)
  requireProof(state.pointer, encodeAppendMessage(actor.accountId, upload.id), upload.proof)
  await requireParents(transaction, actor.accountId, upload)
  await requireFreeSequence(transaction, actor.accountId, upload)
  requireQuota(state.counters, upload.bytes.length, quota)
  await insert(transaction, actor, { upload, counters: state.counters })
  if (upload.registration === undefined) await actor.record(done('backup_updated'))
  return true
}

/** True when it is stored where it is wanted; waiting for another commit than the one named is a conflict. */
async function isStored(transaction: Transaction, accountId: string, upload: Upload): Promise<boolean> {
  const { rows } = await transaction.query<{ pending: Uint8Array | null }>(
    'SELECT pending FROM app.segments WHERE user_id = $1 AND segment_id = $2',
    [accountId, upload.id],
  )
  const [row] = rows
  if (row === undefined) return false
  if (row.pending === null || toHex(row.pending) === upload.registration) return true
  throw new Refusal('ERR_POINTER_CONFLICT')
}

function requireGeneration(state: BackupState, upload: Upload, actor: Actor): void {
  const generation =
    upload.registration === undefined
      ? state.pointer?.generation
      : requirePending(state, upload.registration, actor).generation
  if (generation !== upload.header.generation) throw new Refusal('ERR_GENERATION_RETIRED')
}

/** The change under way, if it is this registration's and this device's; else `ERR_POINTER_CONFLICT`. */
export function requirePending(
  state: BackupState,
  registration: string,
  actor: Actor,
): NonNullable<BackupState['pending']> {
  const { pending } = state
  if (pending?.registration !== registration || pending.deviceId !== actor.device.id) {
    throw new Refusal('ERR_POINTER_CONFLICT')
  }
  return pending
}

async function requireParents(transaction: Transaction, accountId: string, upload: Upload): Promise<void> {
  const { parents } = upload.header
  if (parents.length === 0) return
  const { rows } = await transaction.query<{ present: number }>(
    `SELECT count(*) AS present FROM app.segments
      WHERE user_id = $1 AND segment_id = ANY ($2) AND (cursor IS NOT NULL OR pending = $3)`,
    [accountId, parents, registrationBytes(upload)],
  )
  if (rows[0]?.present !== parents.length) throw new Refusal('ERR_PARENT_MISSING')
}

async function requireFreeSequence(
  transaction: Transaction,
  accountId: string,
  upload: Upload,
): Promise<void> {
  const { rowCount } = await transaction.query(
    'SELECT FROM app.segments WHERE user_id = $1 AND device_id = $2 AND sequence = $3',
    [accountId, upload.header.device, upload.header.sequence],
  )
  if (rowCount !== 0) throw new Refusal('ERR_SEQUENCE_TAKEN')
}

function requireQuota(counters: Counters, size: number, quota: Quota): void {
  const segments = counters.segments + counters.pendingSegments + 1
  const bytes = counters.bytes + counters.pendingBytes + size
  if (segments > quota.segments || bytes > quota.bytes) throw new Refusal('ERR_QUOTA_EXCEEDED')
}

async function insert(
  transaction: Transaction,
  actor: Actor,
  input: { readonly upload: Upload; readonly counters: Counters },
): Promise<void> {
  const { id, bytes, header } = input.upload
  const visible = input.upload.registration === undefined
  await transaction.query(
    `INSERT INTO app.segments (user_id, segment_id, cursor, pending, head, arrival, kind, generation, device_id,
                               sequence, size, segment, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      actor.accountId,
      id,
      visible ? input.counters.lastCursor + 1 : null,
      registrationBytes(input.upload),
      visible,
      input.counters.lastArrival + 1,
      header.kind,
      header.generation,
      header.device,
      header.sequence,
      bytes.length,
      bytes,
      actor.time,
    ],
  )
  await transaction.query(
    'INSERT INTO app.segment_parents (user_id, segment_id, parent_id) SELECT $1, $2, unnest($3::bytea[])',
    [actor.accountId, id, header.parents],
  )
  await (visible ? countVisible : countWaiting)(transaction, actor.accountId, input.upload)
}

async function countVisible(transaction: Transaction, accountId: string, upload: Upload): Promise<void> {
  const { rowCount: followed } = await transaction.query(
    'UPDATE app.segments SET head = false WHERE user_id = $1 AND segment_id = ANY ($2) AND head',
    [accountId, upload.header.parents],
  )
  if (followed === 0) await requireRoomForHead(transaction, accountId)
  await transaction.query(
    `UPDATE app.logs SET last_cursor = last_cursor + 1, last_arrival = last_arrival + 1,
       segments = segments + 1, bytes = bytes + $2, tail_segments = tail_segments + 1, tail_bytes = tail_bytes + $2
     WHERE user_id = $1`,
    [accountId, upload.bytes.length],
  )
}

/** The new one is among them already. */
async function requireRoomForHead(transaction: Transaction, accountId: string): Promise<void> {
  const heads = await listHeads(transaction, accountId)
  if (heads.length > MOST_HEADS) throw new Refusal('ERR_TOO_MANY_HEADS')
}

async function countWaiting(transaction: Transaction, accountId: string, upload: Upload): Promise<void> {
  await transaction.query(
    `UPDATE app.logs SET last_arrival = last_arrival + 1, pending_segments = pending_segments + 1,
       pending_bytes = pending_bytes + $2 WHERE user_id = $1`,
    [accountId, upload.bytes.length],
  )
}

function registrationBytes(upload: Upload): Uint8Array | null {
  return upload.registration === undefined ? null : parseHex(upload.registration, 'registration', 16)
}
