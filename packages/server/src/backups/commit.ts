/**
 * The commit of a change of the pointer: one transaction, signed by the account's authority key. Before it only the old
 * registration is valid, after it only the new one.
 */
import {
  be4,
  be8,
  concat,
  lp,
  parseHex,
  randomBytes,
  sha256,
  toHex,
  utf8,
  verifyEd25519,
} from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import type { Actor } from '../auth/signed-in.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { parseUuid } from '../http/uuid.ts'
import { endRequest } from '../removals/requests.ts'
import { requireProof } from './authority-proof.ts'
import { dropOldGenerations } from './old-generations.ts'
import { listHeads } from './read-log.ts'
import { requirePending } from './segments.ts'
import { dropCovered, requireSnapshot, shortensLog } from './shorten-log.ts'
import { addRetired, lockState, parseRealms } from './state.ts'
import type { BackupState, Pending, Pointer } from './state.ts'

/** The body of `POST /v1/pointer/commit`; ids, keys and signature are hex. */
export interface CommitRequest {
  readonly registration: string
  readonly expectedEtag: string | null
  readonly expectedHeads: readonly string[]
  readonly anchor: string
  readonly authority: string
  readonly signature: string
  /** The authority key from then on, if it changes. */
  readonly newAuthority?: string | undefined
  /** The signature of {@link encodePointerStatement} by the authority key from then on; devices take no pointer without it. */
  readonly statement?: string | undefined
  /** The root key of the generation that ends, sealed under the next one's; kept until that generation is dropped. */
  readonly previousRoot?: string | undefined
  /** Hash of what the device put for this change; requests of an earlier try may have come between. */
  readonly content?: string | undefined
}

/** The bytes that the authority key signs (protocol.md, "Pointer"). */
export function encodeCommitMessage(
  request: CommitRequest,
  context: { readonly accountId: string; readonly generation: number },
): Uint8Array {
  const heads = [...request.expectedHeads].sort().map((head) => lp(parseHex(head, 'expectedHeads', 32)))
  return concat(
    lp('keyhaven/pointer/v1'),
    lp(parseUuid(context.accountId)),
    lp(parseHex(request.registration, 'registration', 16)),
    be4(context.generation),
    lp(utf8(request.expectedEtag ?? '')),
    lp(parseHex(request.anchor, 'anchor', 32)),
    be4(heads.length),
    ...heads,
    ...(request.newAuthority === undefined ? [] : [lp(parseHex(request.newAuthority, 'newAuthority', 32))]),
  )
}

/** The bytes by which the authority key tells the account's devices what the pointer is (protocol.md, "Pointer"). */
export function encodePointerStatement(
  pointer: Pick<Pointer, 'registration' | 'generation' | 'serial' | 'anchor' | 'realms'>,
  accountId: string,
): Uint8Array {
  const realms = [...pointer.realms].sort()
  return concat(
    lp('keyhaven/pointer-statement/v1'),
    lp(parseUuid(accountId)),
    lp(parseHex(pointer.registration, 'registration', 16)),
    be4(pointer.generation),
    be8(pointer.serial),
    lp(parseHex(pointer.anchor, 'anchor', 32)),
    be4(realms.length),
    ...realms.map((realm) => lp(parseHex(realm, 'realms', 16))),
  )
}

/**
 * Moves the pointer and answers its new etag. The same commit again, by the same device, is answered the same.
 * `ERR_POINTER_CONFLICT` when etag, change, heads or anchor are not as expected, `ERR_PROOF_REJECTED` without the authority.
 */
export async function commitChange(
  transaction: Transaction,
  actor: Actor,
  request: CommitRequest,
): Promise<string> {
  const { accountId } = actor
  const state = await lockState(transaction, accountId, actor.time)
  const etagBefore = findCommitted(state.pointer, request, actor)
  if (etagBefore !== undefined) return etagBefore
  const pending = requirePending(state, request.registration, actor)
  requireAuthority(state, request, { accountId, generation: pending.generation })
  await requireExpected(transaction, { accountId, state, request, pending })
  requireStatement(state, pending, { accountId, request })
  const shortens = shortensLog(state.pointer, pending)
  if (shortens) await requireSnapshot(transaction, accountId, pending)
  await showSegments(transaction, { accountId, state, pending })
  await showSlots(transaction, { accountId, state, pending })
  const etag = await movePointer(transaction, actor, { state, pending, request })
  if (shortens) await dropCovered(transaction, { accountId, state, anchor: request.anchor })
  await dropOldGenerations(transaction, accountId)
  const kind = state.pointer === null ? 'backup_created' : 'backup_updated'
  // Whoever signs with the authority key has not lost it.
  const ended = await endRequest(transaction, accountId)
  const move = shortens ? 'log_shortened' : typeOfMove(state, pending)
  await actor.record(done(kind), done(move), ...ended)
  return etag
}

function typeOfMove({ pointer }: BackupState, pending: Pending): 'root_rotated' | 'pointer_moved' {
  return pointer?.registration === pending.registration ? 'root_rotated' : 'pointer_moved'
}

/** The etag of just this commit, if it has been done: its answer was lost. */
function findCommitted(pointer: Pointer | null, request: CommitRequest, actor: Actor): string | undefined {
  const same =
    pointer?.registration === request.registration &&
    pointer.signature === request.signature &&
    pointer.deviceId === actor.device.id
  return same ? pointer.etag : undefined
}

function requireAuthority(
  state: BackupState,
  request: CommitRequest,
  context: { readonly accountId: string; readonly generation: number },
): void {
  const bound = state.pointer?.authority ?? request.authority
  const proven = verifyEd25519({
    publicKey: parseHex(request.authority, 'authority', 32),
    message: encodeCommitMessage(request, context),
    signature: parseHex(request.signature, 'signature', 64),
  })
  if (bound !== request.authority || !proven) throw new Refusal('ERR_PROOF_REJECTED')
}

/** A statement that is given must be one, of just what this commit makes the pointer. */
function requireStatement(
  { pointer }: BackupState,
  pending: Pending,
  { accountId, request }: { readonly accountId: string; readonly request: CommitRequest },
): void {
  if (request.statement === undefined) return
  const { registration, generation, realms } = pending
  const serial = nextSerial(pointer)
  const moved = { registration, generation, realms, serial, anchor: request.anchor }
  const authority = request.newAuthority ?? request.authority
  requireProof({ authority }, encodePointerStatement(moved, accountId), request.statement)
}

function nextSerial(pointer: Pointer | null): number {
  return (pointer?.serial ?? 0) + 1
}

async function requireExpected(
  transaction: Transaction,
  input: {
    readonly accountId: string
    readonly state: BackupState
    readonly request: CommitRequest
    readonly pending: Pending
  },
): Promise<void> {
  const { accountId, request, pending } = input
  const etag = input.state.pointer?.etag ?? null
  const heads = await listHeads(transaction, accountId)
  const expected =
    etag === request.expectedEtag &&
    etag === pending.expectedEtag &&
    heads.join() === [...request.expectedHeads].sort().join()
  if (!expected) throw new Refusal('ERR_POINTER_CONFLICT')
  if (request.content !== undefined && request.content !== (await hashContent(transaction, input))) {
    throw new Refusal('ERR_POINTER_CONFLICT')
  }
  const { rowCount } = await transaction.query(
    `SELECT FROM app.segments WHERE user_id = $1 AND segment_id = $2 AND generation = $3
        AND kind IN ('ways', 'snapshot') AND (cursor IS NOT NULL OR pending = $4)`,
    [
      accountId,
      parseHex(request.anchor, 'anchor', 32),
      pending.generation,
      parseHex(pending.registration, 'registration', 16),
    ],
  )
  if (rowCount !== 1) throw new Refusal('ERR_POINTER_CONFLICT')
}

/** The hash of the segments and slots that wait for a change (protocol.md, "Pointer"). */
async function hashContent(
  transaction: Transaction,
  { accountId, pending }: { readonly accountId: string; readonly pending: Pending },
): Promise<string> {
  const key = [accountId, parseHex(pending.registration, 'registration', 16)]
  const { rows: segments } = await transaction.query<{ id: Uint8Array }>(
    'SELECT segment_id AS id FROM app.segments WHERE user_id = $1 AND pending = $2 ORDER BY segment_id',
    key,
  )
  const { rows: slots } = await transaction.query<{ id: Uint8Array; slot: Uint8Array }>(
    'SELECT way_id AS id, slot FROM app.pending_slots WHERE user_id = $1 AND registration = $2 ORDER BY way_id',
    key,
  )
  const parts = [
    ...segments.map(({ id }) => lp(id)),
    ...slots.map(({ id, slot }) => concat(lp(id), lp(slot))),
  ]
  return toHex(sha256(concat(lp('keyhaven/change/v1'), be4(segments.length), ...parts)))
}

interface Change {
  readonly accountId: string
  readonly state: BackupState
  readonly pending: Pending
}

/** Gives the waiting segments their cursors, in the order in which they came, and finds the heads anew. */
async function showSegments(transaction: Transaction, change: Change): Promise<void> {
  const { accountId } = change
  const { lastCursor } = change.state.counters
  await transaction.query(
    `UPDATE app.segments SET cursor = $3 + place, pending = NULL
       FROM (SELECT segment_id AS id, row_number() OVER (ORDER BY arrival) AS place
               FROM app.segments WHERE user_id = $1 AND pending = $2) waiting
      WHERE user_id = $1 AND segment_id = waiting.id`,
    [accountId, parseHex(change.pending.registration, 'registration', 16), lastCursor],
  )
  await transaction.query(
    `UPDATE app.segments SET head = NOT head
      WHERE user_id = $1 AND (head OR cursor > $2)
        AND head = EXISTS (SELECT FROM app.segment_parents parents
                            WHERE parents.user_id = $1 AND parents.parent_id = segments.segment_id)`,
    [accountId, lastCursor],
  )
  const { pointer } = change.state
  const renews = pointer?.generation === change.pending.generation && !shortensLog(pointer, change.pending)
  await transaction.query(
    `UPDATE app.logs SET last_cursor = last_cursor + pending_segments, segments = segments + pending_segments,
       bytes = bytes + pending_bytes, pending_segments = 0, pending_bytes = 0,
       tail_segments = CASE WHEN $2 THEN tail_segments + pending_segments ELSE 0 END,
       tail_bytes = CASE WHEN $2 THEN tail_bytes + pending_bytes ELSE 0 END WHERE user_id = $1`,
    [accountId, renews],
  )
}

/** Of another generation no slot stays; of the same one those that the change does not replace. */
async function showSlots(transaction: Transaction, change: Change): Promise<void> {
  const { accountId, pending } = change
  const registration = parseHex(pending.registration, 'registration', 16)
  await transaction.query('DELETE FROM app.slots WHERE user_id = $1 AND generation <> $2', [
    accountId,
    pending.generation,
  ])
  await transaction.query(
    `INSERT INTO app.slots (user_id, way_id, generation, slot)
     SELECT user_id, way_id, $3, slot FROM app.pending_slots WHERE user_id = $1 AND registration = $2
     ON CONFLICT (user_id, way_id) DO UPDATE SET slot = excluded.slot, generation = excluded.generation`,
    [accountId, registration, pending.generation],
  )
  await transaction.query('DELETE FROM app.pending_slots WHERE user_id = $1 AND registration = $2', [
    accountId,
    registration,
  ])
}

/** The registration that is replaced stays listed until the realms have deleted it. */
async function retireOld(
  transaction: Transaction,
  { accountId, time }: Actor,
  { state, pending, request }: Omit<Change, 'accountId'> & { readonly request: CommitRequest },
): Promise<void> {
  const old = state.pointer
  if (old === null || old.registration === pending.registration) return
  await addRetired(transaction, {
    accountId,
    registration: old.registration,
    realms: old.realms,
    time,
    generation: old.generation,
    previousRoot: pending.generation > old.generation ? request.previousRoot : undefined,
    authority: old.registrationAuthority,
  })
}

async function movePointer(
  transaction: Transaction,
  actor: Actor,
  change: Omit<Change, 'accountId'> & { readonly request: CommitRequest },
): Promise<string> {
  const { accountId, time } = actor
  const { pending, request, state } = change
  const old = state.pointer
  const etag = toHex(randomBytes(16))
  await retireOld(transaction, actor, change)
  await transaction.query('DELETE FROM app.pending_changes WHERE user_id = $1', [accountId])
  const covers = shortensLog(old, pending)
  const kept = old?.registration === pending.registration ? old : undefined
  await transaction.query(
    `INSERT INTO app.pointers AS known (user_id, registration, generation, realms, anchor, authority, signature, etag, device_id, committed_at, serial, statement, registration_authority)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $13, $14, $15)
     ON CONFLICT (user_id) DO UPDATE SET (registration, generation, realms, anchor, authority, signature, etag, device_id, committed_at, serial, statement, registration_authority, covered_cursor)
       = (excluded.registration, excluded.generation, excluded.realms, excluded.anchor, excluded.authority,
          excluded.signature, excluded.etag, excluded.device_id, excluded.committed_at,
          excluded.serial, excluded.statement, excluded.registration_authority,
          CASE WHEN $11 THEN $12 ELSE known.covered_cursor END)`,
    [
      accountId,
      parseHex(pending.registration, 'registration', 16),
      pending.generation,
      parseRealms(pending.realms),
      parseHex(request.anchor, 'anchor', 32),
      parseHex(request.newAuthority ?? request.authority, 'authority', 32),
      parseHex(request.signature, 'signature', 64),
      etag,
      parseHex(actor.device.id, 'device', 16),
      time,
      covers,
      state.counters.lastCursor,
      nextSerial(old),
      request.statement === undefined ? null : parseHex(request.statement, 'statement', 64),
      parseHex(kept?.registrationAuthority ?? request.authority, 'authority', 32),
    ],
  )
  return etag
}
