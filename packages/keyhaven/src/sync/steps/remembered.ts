/**
 * Compares a log that was read from its beginning with what this device has seen before.
 */
import { KeyhavenError } from '../../errors.ts'
import type { Absorbed } from './absorb.ts'
import { requireHeir } from '../format/authority.ts'
import type { BackupState } from '../device/backup-state.ts'

/**
 * What was seen must be there: the heads themselves, or a snapshot that knew as much of each device. `ERR_LOG_ROLLED_BACK`
 * otherwise; `ERR_LOG_DAMAGED` when the account's authority key is neither that which was known nor made by who had it.
 */
export function requireRemembered({ state, arranged, reading }: Absorbed, remembered: BackupState): void {
  requireHeir(state, remembered)
  const served = new Set(arranged.fresh.map(({ entry }) => entry.id))
  const knowsAsMuch = (sequences: ReadonlyMap<string, number>): boolean =>
    [...remembered.sequences].every(([device, sequence]) => (sequences.get(device) ?? 0) >= sequence)
  const headsThere =
    state.generation > remembered.generation ||
    remembered.heads.every((id) => served.has(id)) ||
    reading.snapshots.some(({ sequences }) => knowsAsMuch(sequences))
  if (state.generation < remembered.generation || !headsThere || !knowsAsMuch(state.sequences)) {
    throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
  }
}
