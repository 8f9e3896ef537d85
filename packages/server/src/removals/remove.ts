/**
 * Deleting a backup: with the authority key's signature at once, without it after the cooling period. What the server
 * has of it goes in one transaction; its registrations at the realms stay listed until a device has deleted them there.
 */
import { parseHex } from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import type { Actor } from '../auth/signed-in.ts'
import { addRetired, lockState, retirePending } from '../backups/state.ts'
import type { BackupState, Pointer } from '../backups/state.ts'
import { dropContacts } from '../contacts/contact-set.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import type { RemovalKind } from './messages.ts'
import { isSignedKeep, isSignedRemoval } from './messages.ts'
import { dropRequest, readRequest, writeRequest } from './requests.ts'
import type { RemovalRequest } from './requests.ts'

export interface RemovalInput {
  readonly kind: RemovalKind
  /** The pointer's etag that the client knows; the signature is about it. */
  readonly etag: string | null
  readonly signature: string | undefined
  readonly coolingMs: number
}

/** What came of it: there is no backup (any more), or the wait until there is none. */
export type RemovalOutcome =
  { readonly status: 'removed' } | { readonly status: 'waiting'; readonly request: RemovalRequest }

/**
 * Deletes the backup, or begins or continues the wait for it. Without a backup there is nothing to do.
 * `ERR_POINTER_CONFLICT` when the backup is another one by now, `ERR_PROOF_REJECTED` for a signature that is none.
 */
export async function removeBackup(
  transaction: Transaction,
  actor: Actor,
  input: RemovalInput,
): Promise<RemovalOutcome> {
  const state = await lockState(transaction, actor.accountId, actor.time)
  const { pointer } = state
  if (pointer === null) return { status: 'removed' }
  if (pointer.etag !== input.etag) throw new Refusal('ERR_POINTER_CONFLICT')
  const { accountId } = actor
  const { kind, signature } = input
  if (signature === undefined) {
    const waiting = await wait(transaction, actor, input)
    if (waiting !== undefined) return { status: 'waiting', request: waiting }
  } else if (!isSignedRemoval(pointer, { accountId, kind, signature })) {
    throw new Refusal('ERR_PROOF_REJECTED')
  }
  await dropBackup(transaction, actor, { state, pointer, kind, signature })
  await actor.record(done('backup_deleted'))
  return { status: 'removed' }
}

/** The wait; none when it was over, and then it is used up. A request of another kind begins anew, for the owner was told of the first kind. */
async function wait(
  transaction: Transaction,
  actor: Actor,
  { kind, coolingMs }: RemovalInput,
): Promise<RemovalRequest | undefined> {
  const found = await readRequest(transaction, actor.accountId)
  if (found?.kind === kind) {
    if (actor.time < found.dueAt) return found
    // Taking the row is what decides against somebody who ends the wait just now.
    if (await dropRequest(transaction, actor.accountId)) return undefined
  }
  const dueAt = new Date(actor.time.getTime() + coolingMs)
  const request = { kind, deviceId: actor.device.id, requestedAt: actor.time, dueAt }
  await writeRequest(transaction, actor.accountId, request)
  await actor.record(done('removal_requested'))
  return request
}

async function dropBackup(
  transaction: Transaction,
  actor: Actor,
  dropped: {
    readonly state: BackupState
    readonly pointer: Pointer
    readonly kind: RemovalKind
    readonly signature: string | undefined
  },
): Promise<void> {
  const { accountId, time } = actor
  const { state, pointer, kind, signature } = dropped
  if (state.pending !== null) {
    await retirePending(transaction, { accountId, pointer, pending: state.pending, time })
  }
  const { registration, realms, generation } = pointer
  const { registrationAuthority: authority } = pointer
  await addRetired(transaction, { accountId, registration, realms, generation, time, authority })
  await transaction.query('DELETE FROM app.pointers WHERE user_id = $1', [accountId])
  await transaction.query('DELETE FROM app.slots WHERE user_id = $1', [accountId])
  await transaction.query('DELETE FROM app.links WHERE user_id = $1', [accountId])
  await dropContacts(transaction, accountId)
  await transaction.query('DELETE FROM app.segments WHERE user_id = $1', [accountId])
  await transaction.query(
    'UPDATE app.logs SET segments = 0, bytes = 0, tail_segments = 0, tail_bytes = 0 WHERE user_id = $1',
    [accountId],
  )
  // What opened earlier generations was sealed under roots that nobody has any more.
  await transaction.query('UPDATE app.retired_registrations SET previous_root = NULL WHERE user_id = $1', [
    accountId,
  ])
  await dropRequest(transaction, accountId)
  await transaction.query(
    `INSERT INTO app.removed_backups (user_id, kind, generation, etag, signature, removed_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (user_id) DO UPDATE SET (kind, generation, etag, signature, removed_at)
       = (excluded.kind, excluded.generation, excluded.etag, excluded.signature, excluded.removed_at)`,
    [
      accountId,
      kind,
      generation,
      pointer.etag,
      signature === undefined ? null : parseHex(signature, 'signature', 64),
      time,
    ],
  )
}

/** Ends the wait by the authority key. `ERR_NOT_FOUND` without one, `ERR_PROOF_REJECTED` for a signature that is none. */
export async function keepBackup(transaction: Transaction, actor: Actor, signature: string): Promise<void> {
  const { accountId } = actor
  const { pointer } = await lockState(transaction, accountId, actor.time)
  const found = await readRequest(transaction, accountId)
  if (pointer === null || found === undefined) throw new Refusal('ERR_NOT_FOUND')
  if (!isSignedKeep(pointer, { accountId, requestedAt: found.requestedAt, signature })) {
    throw new Refusal('ERR_PROOF_REJECTED')
  }
  await dropRequest(transaction, accountId)
  await actor.record(done('removal_cancelled'))
}
