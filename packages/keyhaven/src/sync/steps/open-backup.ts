/**
 * Where a change of the ways in begins: the pointer, and what this device knows after everything that the server has.
 */
import type { BackupState } from '../device/backup-state.ts'
import { catchUp, isInUse, retryConflicts } from './catch-up.ts'
import type { PointerInUse } from './catch-up.ts'
import type { SyncContext } from './context.ts'
import { pull } from './pull.ts'
import { settle } from './settle.ts'

/** Both where this device has joined; without a state where it has not; neither without a backup. */
export async function readOpenBackup(context: SyncContext): Promise<{
  readonly pointer: PointerInUse | undefined
  readonly state: BackupState | undefined
}> {
  return retryConflicts(async () => {
    const { pointer, state } = await settle(context)
    if (!isInUse(pointer)) return { pointer: undefined, state: undefined }
    const current = await catchUp(context, pointer, state)
    return { pointer, state: current && (await pull(context, pointer.pointer, current)).state }
  })
}
