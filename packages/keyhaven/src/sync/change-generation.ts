/**
 * A new PIN, or a new root key under the same PIN, by a device that has the backup open. No old PIN is asked for.
 *
 * Both start a new generation that is sealed to every way in that is listed; a new PIN takes the place of the old
 * one's way, and after the commit the old PIN has no slot any more. A rotation leaves the registration as it is: what it
 * holds opens the new generation through the PIN's slot, and its anchor is among those that the snapshot covers.
 */
import { KeyhavenError } from '../errors.ts'
import { catchUp, describeKeys, isInUse, retryConflicts } from './backup.ts'
import type { SyncContext } from './context.ts'
import { startGeneration } from './new-generation.ts'
import type { ChangeOutcome } from './outcomes.ts'
import { pullAll } from './pull.ts'
import { removeRetired } from './registration.ts'
import { settle } from './settle.ts'

/** Starts a new generation; with `pin` (normalised) that PIN is the only one that opens it. The ways in `without` are left out. */
export async function changeGeneration(
  context: SyncContext,
  pin: Uint8Array | undefined,
  without?: ReadonlySet<string>,
): Promise<ChangeOutcome> {
  return retryConflicts(async () => {
    const { pointer, state } = await settle(context)
    if (!isInUse(pointer)) return { status: 'no-backup' }
    const current = state && (await catchUp(context, pointer, state))
    if (current === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
    const replaced = await pullAll(context, pointer.pointer, current)
    const changed = await startGeneration(context, { pointer, pin, replaced, ...(without && { without }) })
    const after = await context.transport.readPointer(context.signal)
    const oldRegistrationRemainsOn = await removeRetired(context, after, changed.state.authoritySeed)
    const { generation } = changed.state
    const keys = await describeKeys(context)
    return {
      status: pin === undefined ? 'rotated' : 'pin-changed',
      ...keys,
      uploaded: changed.uploaded,
      generation,
      oldRegistrationRemainsOn,
    }
  })
}
