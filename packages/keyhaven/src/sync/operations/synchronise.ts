/**
 * Brings a device that has joined up to date with its backup, and the backup with the device; then does what is due: a new
 * root key by schedule, a shorter log.
 */
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { readState } from '../device/backup-state.ts'
import type { BackupState } from '../device/backup-state.ts'
import { catchUp, isInUse, retryConflicts } from '../steps/catch-up.ts'
import type { PointerInUse } from '../steps/catch-up.ts'
import { rotate } from './change-generation.ts'
import type { SyncContext } from '../steps/context.ts'
import { describeKeys } from '../device/describe-keys.ts'
import type { SyncOutcome } from '../outcomes.ts'
import { pull } from '../steps/pull.ts'
import { push } from '../steps/push.ts'
import { removeRetired } from '../steps/retired-registrations.ts'
import { isRotationDue } from '../steps/rotation.ts'
import { settle } from '../steps/settle.ts'
import { isTooLong, shortenLog } from './shorten-log.ts'

/** Both ways, without a PIN. */
export async function synchronise(context: SyncContext): Promise<SyncOutcome> {
  return retryConflicts(async () => {
    const { pointer, state } = await settle(context)
    if (!isInUse(pointer)) return { status: 'no-backup' }
    const current = await catchUp(context, pointer, state)
    if (current === undefined) return { status: 'pin-needed' }
    const done = await bringUpToDate(context, pointer, current)
    const received = done.received || current.generation !== state?.generation
    const left = await removeRetired(context, pointer, done.state)
    const { uploaded } = done
    const { generation } = done.state
    const keys = await describeKeys(context.vault)
    return { status: 'synced', ...keys, received, uploaded, generation, ...left }
  })
}

export interface BroughtUpToDate {
  readonly state: BackupState
  readonly uploaded: number
  readonly received: boolean
}

/** Pull, push, and what is due. */
export async function bringUpToDate(
  context: SyncContext,
  pointer: PointerInUse,
  current: BackupState,
): Promise<BroughtUpToDate> {
  const { state, received, served } = await pull(context, pointer.pointer, current)
  const pushed = await push(context, state)
  const { uploaded } = pushed
  if (isRotationDue(context, pushed.state)) {
    const rotated = await atLeastTry(() => rotate(context, undefined))
    const after = rotated?.status === 'rotated' ? await readState(context.vault) : undefined
    if (after !== undefined) return { state: after, uploaded, received }
  }
  if (isTooLong(served, context.snapshotAfterSegments)) await atLeastTry(() => shortenLog(context))
  return { state: pushed.state, uploaded, received }
}

/** The result; `undefined` when it failed, for a later operation does it again. */
export async function atLeastTry<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (fault) {
    if (!(fault instanceof KeyhavenError) || isKeyhavenError(fault, 'ERR_ABORTED')) throw fault
    return undefined
  }
}
