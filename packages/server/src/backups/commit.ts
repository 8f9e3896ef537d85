/**
 * The commit of a change of the pointer: one transaction, signed by the account's authority key. Before it only the old
 * registration is valid, after it only the new one.
 */
import { parseHex, randomBytes, toHex, verifyEd25519 } from 'keyhaven/crypto'
import { done, reportedPinChange } from '../access-log/events.ts'
import type { AccessEvent } from '../access-log/events.ts'
import type { Actor } from '../auth/signed-in.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { endRequest } from '../removals/requests.ts'
import { requireProof } from './authority-proof.ts'
import { encodeCommitMessage, encodePointerStatement } from './commit-messages.ts'
import type { CommitRequest } from './commit-messages.ts'
import { dropOldGenerations } from './old-generations.ts'
import { hashContent, showSegments, showSlots } from './pending-content.ts'
import type { Change } from './pending-content.ts'
import { listHeads } from './read-log.ts'
import { requirePending } from './segments.ts'
import { dropCovered, requireSnapshot, shortensLog } from './shorten-log.ts'
import { addRetired, lockState, parseRealms } from './state.ts'
import type { BackupState, Pending, Pointer } from './state.ts'

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
  // Whoever signs with the authority key has not lost it.
  const ended = await endRequest(transaction, accountId)
  await actor.record(...describeMove(state.pointer, pending, request), ...ended)
  return etag
}

/** A registration that is replaced is told of whatever the device says of its PIN. */
function describeMove(old: Pointer | null, pending: Pending, request: CommitRequest): readonly AccessEvent[] {
  if (old === null) return [done('backup_created'), done('pointer_moved')]
  const updated = done('backup_updated')
  if (shortensLog(old, pending)) return [updated, done('log_shortened')]
  if (old.registration === pending.registration) return [updated, done('root_rotated')]
  return [updated, done('pointer_moved'), ...(request.newPin === undefined ? [] : [reportedPinChange()])]
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
