/**
 * Where every operation on a backup begins: is there one, and is this device in the generation that is in use?
 */
import { isKeyhavenError } from '../../errors.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { enterWithDevice } from './enter.ts'
import type { Pointer } from '../format/pointer.ts'
import type { PointerState } from '../transport/transport.ts'

/** How often an operation starts again because another device was quicker. */
const MOST_ATTEMPTS = 4

/** The account has a backup. */
export type PointerInUse = PointerState & { readonly pointer: Pointer }

/** True when the account has a backup. */
export function isInUse(pointer: PointerState): pointer is PointerInUse {
  return pointer.pointer !== null
}

/** The state in the pointer's generation: as it is, or entered by this device's own way; none if that is shut. */
export async function catchUp(
  context: SyncContext,
  pointer: PointerInUse,
  state: BackupState | undefined,
): Promise<BackupState | undefined> {
  if (state === undefined || state.generation === pointer.pointer.generation) return state
  return (await enterWithDevice(context, pointer, state))?.state
}

/** Runs again from the pointer when another device moved it, or the log, meanwhile; tells when it is for the last time. */
export async function retryConflicts<T>(run: (isLast: boolean) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run(attempt === MOST_ATTEMPTS)
    } catch (fault) {
      if (!isKeyhavenError(fault, 'ERR_POINTER_CONFLICT') || attempt === MOST_ATTEMPTS) throw fault
    }
  }
}
