/**
 * A new PIN, or a new root key under the same PIN, by a device that has the backup open. No old PIN is asked for.
 *
 * Both start a new generation that is sealed to every way in that is listed; a new PIN takes the place of the old
 * one's way, and after the commit the old PIN has no slot any more. A rotation leaves the registration as it is: what it
 * holds opens the new generation through the PIN's slot, and its anchor is among those that the snapshot covers.
 * A rotation that is given the PIN registers it anew, so that no log from before it passes at a fresh device.
 */
import { KeyhavenError } from '../../errors.ts'
import { catchUp, isInUse, retryConflicts } from '../steps/catch-up.ts'
import type { CarriedOut } from '../steps/change-pointer.ts'
import type { SyncContext } from '../steps/context.ts'
import { describeKeys } from '../device/describe-keys.ts'
import { startGeneration } from '../steps/new-generation.ts'
import type { ChangeOutcome, Changed, LeftBehind } from '../outcomes.ts'
import { pullAll } from '../steps/pull.ts'
import { removeRetired } from '../steps/retired-registrations.ts'
import { checkPinAtRealms } from '../steps/try-pin.ts'
import { settle } from '../steps/settle.ts'

/** Makes `pin` (normalised) the only one that opens the backup. */
export async function changePin(context: SyncContext, pin: Uint8Array): Promise<ChangeOutcome> {
  return changeGeneration(context, { status: 'pin-changed', pin })
}

/**
 * Puts the backup under a new root key; with its `pin` (normalised), which is checked first, it is registered anew too. The
 * ways in `without` are left out.
 */
export async function rotate(
  context: SyncContext,
  pin: Uint8Array | undefined,
  without?: ReadonlySet<string>,
): Promise<ChangeOutcome> {
  return changeGeneration(context, { status: 'rotated', pin, without })
}

async function changeGeneration(
  context: SyncContext,
  change: {
    readonly status: Changed['status']
    readonly pin: Uint8Array | undefined
    readonly without?: ReadonlySet<string> | undefined
  },
): Promise<ChangeOutcome> {
  const { status, pin } = change
  return retryConflicts(async () => {
    const { pointer, state } = await settle(context)
    if (!isInUse(pointer)) return { status: 'no-backup' }
    const current = await catchUp(context, pointer, state)
    if (current === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
    const checked = status === 'rotated' && pin !== undefined
    const refused = checked ? await checkPinAtRealms(context, pointer.pointer, pin, current) : undefined
    if (refused !== undefined) return refused
    const replaced = await pullAll(context, pointer.pointer, current)
    const { without } = change
    const newPin = status === 'pin-changed' ? true : undefined
    const done = await startGeneration(context, {
      pointer,
      pin,
      newPin,
      replaced,
      ...(without && { without }),
    })
    return { status, ...(await describeChanged(context, done)) }
  })
}

/** What a change left behind at realms, without the rest of what is said of it. */
export function leftBehind({ oldRegistrationRemainsOn, clockIsWrong }: Changed): LeftBehind {
  return { oldRegistrationRemainsOn, ...(clockIsWrong && { clockIsWrong }) }
}

/** What is said of a new generation once it is in use; deletes the registrations that it left behind. */
export async function describeChanged(
  context: SyncContext,
  { state, uploaded }: CarriedOut,
): Promise<Omit<Changed, 'status'>> {
  const after = await context.transport.readPointer(context.signal)
  const left = await removeRetired(context, after, state)
  const keys = await describeKeys(context.vault)
  return { ...keys, uploaded, generation: state.generation, ...left }
}
