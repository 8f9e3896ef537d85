/**
 * Restoring: the PIN opens the backup, everything in it is verified, and only then do its keys join those on this
 * device, in one write.
 */
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import type { BackupState } from './backup-state.ts'
import { conflictsOf, isInUse, retryConflicts } from './backup.ts'
import type { SyncContext } from './context.ts'
import { enterWithSecret } from './enter.ts'
import { readLocalKeys } from './key-batches.ts'
import { countKeys } from './key-store.ts'
import type { RestoreOutcome } from './outcomes.ts'
import { push } from './push.ts'
import { tryPin } from './registration.ts'
import { settle } from './settle.ts'

/** Restores with a normalised PIN. */
export async function restore(context: SyncContext, pin: Uint8Array): Promise<RestoreOutcome> {
  return retryConflicts(async () => {
    const { pointer, state: remembered } = await settle(context)
    if (!isInUse(pointer)) return { status: 'no-backup' }
    const tried = await tryPin(context, pointer.pointer, pin)
    if (tried.status !== 'recovered') return tried
    const { state } = await enterWithSecret(context, pointer, { secret: tried.secret, remembered })
    const local = await readLocalKeys(context.vault)
    const counts = countKeys(local)
    await atLeastTry(() => context.transport.reportRestored({ success: true, ...counts }, context.signal))
    const deviceAdded = await atLeastTry(() => addDevice(context, state))
    const { generation } = state
    return { status: 'restored', ...counts, identityConflicts: conflictsOf(local), generation, deviceAdded }
  })
}

/** A push adds this device's way, and by the way what it has more. */
async function addDevice(context: SyncContext, state: BackupState): Promise<void> {
  await push(context, state)
}

/** What follows a restore may fail without making it a failed one: the next backup does it again. */
async function atLeastTry(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (fault) {
    if (!(fault instanceof KeyhavenError) || isKeyhavenError(fault, 'ERR_ABORTED')) throw fault
    return false
  }
}
