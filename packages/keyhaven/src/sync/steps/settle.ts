/**
 * The first step of everything: reads the pointer and settles what an earlier run left in the outbox. A change of the
 * pointer that was committed is completed, one that was not is abandoned; segments on their way are sent again.
 */
import { toHex } from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { requireSignedPointer } from '../format/authority.ts'
import { readState } from '../device/backup-state.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { findRemoval, forgetBackup } from './forget-backup.ts'
import { readAuthorities } from '../device/first-authority.ts'
import { dropOutbox, readOutbox } from '../device/outbox.ts'
import type { Outbox } from '../device/outbox.ts'
import { removeRegistration } from './retired-registrations.ts'
import { completeChange, deliver } from './send.ts'
import { isNotFound } from '../transport/not-found.ts'
import type { PointerState } from '../transport/transport.ts'

export interface Settled {
  readonly pointer: PointerState
  readonly state: BackupState | undefined
  /** True when a change of the pointer that an earlier run had begun turned out to be committed. */
  readonly completed: boolean
  /** True when that change was the account's first backup. */
  readonly created: boolean
}

/**
 * A backup that another device deleted by the authority key is forgotten here as well; `ERR_BACKUP_REMOVED` when it was
 * deleted without that key. `ERR_POINTER_REJECTED` when its key did not sign the pointer. `ERR_LOG_ROLLED_BACK` when the server shows no backup, or an older generation, where this device knows one.
 */
export async function settle(context: SyncContext): Promise<Settled> {
  const remembered = await readState(context.vault)
  const outbox = await readOutbox(context.vault)
  const settled = await settleOutbox(context, outbox)
  const { pointer, state } = settled
  const removal = state && findRemoval(context, pointer, state)
  if (removal === 'unsigned') throw new KeyhavenError('ERR_BACKUP_REMOVED', undefined)
  if (removal === 'signed') {
    await forgetBackup(context)
    return { ...settled, state: undefined }
  }
  const generation = pointer.pointer?.generation ?? 0
  if (state !== undefined && generation < state.generation) {
    throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
  }
  if (pointer.pointer !== null && state?.generation === generation) {
    const { authoritySeed } = state
    requireSignedPointer(pointer.pointer, { account: context.account, authoritySeed, remembered })
  }
  return settled
}

async function settleOutbox(context: SyncContext, outbox: Outbox | undefined): Promise<Settled> {
  const { transport, vault, signal } = context
  const pointer = await transport.readPointer(signal)
  const state = await readState(vault)
  if (outbox === undefined) return { pointer, state, ...NOTHING_COMPLETED }
  const { registration } = outbox
  if (registration === undefined) return resend(context, { outbox, pointer, state })
  if (isCommitted({ ...outbox, registration }, { pointer, state })) {
    const after = await completeChange(context, { ...outbox, registration }, pointer.pointer?.serial ?? 0)
    return { pointer, state: after, completed: true, created: state === undefined }
  }
  if (isOwnPending(context, pointer, registration) && !(await abandon(context, registration))) {
    throw new KeyhavenError('ERR_POINTER_CONFLICT', undefined)
  }
  await vault.write(await dropOutbox(vault))
  const now = await transport.readPointer(signal)
  if (state === undefined) await removeFirstRegistration(context, now, registration)
  return { pointer: now, state, ...NOTHING_COMPLETED }
}

/** A first backup that was given up: what it registered is bound to a key that no other device will ever have. */
async function removeFirstRegistration(
  context: SyncContext,
  { retired }: PointerState,
  registration: string,
): Promise<void> {
  const left = retired.find((entry) => entry.registration === registration)
  const first = await readAuthorities(context.vault)
  if (left === undefined || first === undefined) return
  await removeRegistration(context, { ...left, authoritySeed: first.authoritySeed })
}

/**
 * True when the pointer is where this change puts it. A rotation and a snapshot keep the registration, so that another
 * device's may have put it to the same generation: then its anchor is another.
 */
function isCommitted(
  outbox: Outbox & { readonly registration: string },
  found: { readonly pointer: PointerState; readonly state: BackupState | undefined },
): boolean {
  const { pointer } = found.pointer
  const last = outbox.segments.at(-1)
  const same = pointer?.registration === outbox.registration && pointer.generation === outbox.generation
  if (!same || last === undefined || outbox.registration !== found.state?.registration) return same
  return pointer.anchor === toHex(last.id)
}

const NOTHING_COMPLETED = { completed: false, created: false }

function isOwnPending(context: SyncContext, { pending }: PointerState, registration: string): boolean {
  return pending?.registration === registration && pending.device === toHex(context.device.id)
}

async function resend(
  context: SyncContext,
  found: { readonly outbox: Outbox; readonly pointer: PointerState; readonly state: BackupState | undefined },
): Promise<Settled> {
  const { outbox, pointer, state } = found
  if (state?.generation === outbox.generation && pointer.pointer?.generation === outbox.generation) {
    return { pointer, state: (await deliver(context, outbox, state)) ?? state, ...NOTHING_COMPLETED }
  }
  await context.vault.write(await dropOutbox(context.vault))
  return { pointer, state, ...NOTHING_COMPLETED }
}

/** False when the server refuses because the change was committed after all: then the pointer says so. */
async function abandon(context: SyncContext, registration: string): Promise<boolean> {
  try {
    await context.transport.abandonChange(registration, context.signal)
    return true
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_POINTER_CONFLICT') || isNotFound(fault)) return false
    throw fault
  }
}
