/**
 * Deleting a backup, and the account with it; starting afresh where neither the PIN nor a device is left.
 *
 * With the authority key (a device that has joined) it is done at once. Without it the realms' cooling periods are begun
 * first, then the server's, and the same call again carries it out when they are over. What a step has done is never
 * undone by the next one's failure, and every step may be repeated.
 */
import { KeyhavenError } from '../../errors.ts'
import { readState } from '../device/backup-state.ts'
import type { BackupState } from '../device/backup-state.ts'
import { backUp, replace } from './backup.ts'
import { isInUse, retryConflicts } from '../steps/catch-up.ts'
import type { PointerInUse } from '../steps/catch-up.ts'
import type { SyncContext } from '../steps/context.ts'
import { readAuthorities } from '../device/first-authority.ts'
import { findRemoval, forgetBackup } from '../steps/forget-backup.ts'
import type {
  AccountRemovalOutcome,
  FreshStartOutcome,
  BackupRemovalOutcome,
  RemovalWaiting,
  StillThere,
} from '../outcomes.ts'
import { challengeRegistration, keepRegistration } from '../steps/registration.ts'
import { removeRetired } from '../steps/retired-registrations.ts'
import { signKeep, signRemoval } from '../format/removal-messages.ts'
import type { RemovalKind } from '../format/removal-messages.ts'
import { settle } from '../steps/settle.ts'

/** Deletes the backup at the server and at its realms. This device's keys stay. */
export async function deleteBackup(context: SyncContext): Promise<BackupRemovalOutcome> {
  const waiting = await dropBackup(context, 'backup')
  if (waiting !== undefined) return waiting
  return { status: 'deleted', ...(await removeLeftOvers(context)) }
}

/** Deletes the backup and closes the account; `leaveRegistrations` also where a realm could not be reached. */
export async function deleteAccount(
  context: SyncContext,
  { leaveRegistrations }: { readonly leaveRegistrations: boolean },
): Promise<AccountRemovalOutcome> {
  const waiting = await dropBackup(context, 'account')
  if (waiting !== undefined) return waiting
  const left = await removeLeftOvers(context)
  if (left.remainsOn.length > 0 && !leaveRegistrations) return { status: 'remains', ...left }
  const body = { kind: 'account', etag: null, leaveRegistrations } as const
  await context.transport.requestRemoval(body, context.signal)
  return { status: 'account-deleted', ...left }
}

/** Makes a new backup of this device's keys in the place of one that nobody can open any more. */
export async function startFresh(
  context: SyncContext,
  pin: Uint8Array | undefined,
): Promise<FreshStartOutcome> {
  const { pointer, state } = await settle(context)
  if (isInUse(pointer) && state === undefined) {
    if (pin === undefined && pointer.removal?.due === true) return { status: 'pin-needed' }
    const waiting = await dropBackup(context, 'fresh-start')
    if (waiting !== undefined) return waiting
  }
  if (pin === undefined) return { status: 'pin-needed' }
  return isInUse(pointer) && state !== undefined
    ? replace(context, { pin, allowDamaged: false })
    : backUp(context, pin)
}

/** Ends the wait of somebody who wants the backup deleted, at the server and at the realms, by the authority key. */
export async function keepBackup(
  context: SyncContext,
): Promise<{ readonly status: 'kept' | 'nothing-waits' }> {
  const { pointer, state } = await settle(context)
  if (!isInUse(pointer)) return { status: 'nothing-waits' }
  if (state === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
  await keepRegistration(context, pointer.pointer, state)
  const { removal } = pointer
  if (removal === null) return { status: 'nothing-waits' }
  const { requestedAt } = removal
  const signature = signKeep({ account: context.account, requestedAt }, state.authoritySeed)
  await context.transport.keepBackup(signature, context.signal)
  return { status: 'kept' }
}

/** Has the server drop the backup, if there is one, and forgets it here; or says until when that waits. */
async function dropBackup(context: SyncContext, kind: RemovalKind): Promise<RemovalWaiting | undefined> {
  return retryConflicts(async () => {
    await acknowledgeRemoval(context)
    const { pointer, state } = await settle(context)
    if (isInUse(pointer)) {
      const waiting = await requestRemoval(context, { pointer, state, kind })
      if (waiting !== undefined) return waiting
    }
    await forgetBackup(context)
    return undefined
  })
}

/** Who deletes a backup that is gone already, has been told so: this device forgets it whoever deleted it. */
async function acknowledgeRemoval(context: SyncContext): Promise<void> {
  const state = await readState(context.vault)
  if (state === undefined) return
  const pointer = await context.transport.readPointer(context.signal)
  if (findRemoval(context, pointer, state) !== undefined) await forgetBackup(context)
}

async function requestRemoval(
  context: SyncContext,
  input: {
    readonly pointer: PointerInUse
    readonly state: BackupState | undefined
    readonly kind: RemovalKind
  },
): Promise<RemovalWaiting | undefined> {
  const { pointer, state, kind } = input
  const { generation } = pointer.pointer
  const etag = pointer.etag ?? ''
  const about = { account: context.account, kind, generation, etag }
  const signature = state && signRemoval(about, state.authoritySeed)
  const cooling = signature === undefined ? await challengeRegistration(context, pointer.pointer) : []
  const answer = await context.transport.requestRemoval(
    { kind, etag, ...(signature !== undefined && { signature }) },
    context.signal,
  )
  if (answer.status !== 'waiting') return undefined
  return { status: 'waiting', until: answer.dueAt, notBegunOn: cooling }
}

async function removeLeftOvers(context: SyncContext): Promise<StillThere> {
  const pointer = await context.transport.readPointer(context.signal)
  const known = await readAuthorities(context.vault)
  const { oldRegistrationRemainsOn: remainsOn, ...why } = await removeRetired(context, pointer, known)
  return { remainsOn, ...why }
}
