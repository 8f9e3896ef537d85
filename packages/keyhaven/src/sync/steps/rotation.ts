/**
 * When a new root key is due by schedule.
 */
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'

const DAY_SECONDS = 86_400

/**
 * True when the generation is older than the schedule allows. One that begins in the future was begun by a device whose
 * clock was wrong: it is due too, or it might never be.
 */
export function isRotationDue(
  { rotateAfterDays }: Pick<SyncContext, 'rotateAfterDays'>,
  { begun }: Pick<BackupState, 'begun'>,
): boolean {
  if (rotateAfterDays === undefined) return false
  const age = Date.now() / 1000 - begun
  return age > rotateAfterDays * DAY_SECONDS || age < -DAY_SECONDS
}
