/**
 * Compares a log that was read from its beginning with what this device has seen before.
 */
import { equal } from '../crypto/index.ts'
import { KeyhavenError } from '../errors.ts'
import type { Absorbed } from './absorb.ts'
import type { BackupState } from './backup-state.ts'

/**
 * What was seen must be there: of the same generation the heads themselves, of a newer one a snapshot that knew as much of
 * each device. `ERR_LOG_ROLLED_BACK` otherwise; `ERR_LOG_DAMAGED` when the account's authority key is another.
 */
export function requireRemembered({ state, arranged }: Absorbed, remembered: BackupState): void {
  if (!equal(state.authoritySeed, remembered.authoritySeed)) {
    throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'authority' })
  }
  const served = new Set(arranged.fresh.map(({ entry }) => entry.id))
  const sameGeneration = state.generation === remembered.generation
  const headsThere = !sameGeneration || remembered.heads.every((id) => served.has(id))
  const sequencesThere = [...remembered.sequences].every(
    ([device, sequence]) => (state.sequences.get(device) ?? 0) >= sequence,
  )
  if (state.generation < remembered.generation || !headsThere || !sequencesThere) {
    throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
  }
}
