/**
 * Writes to the vault that add or drop batches, so that what is kept of them in memory goes along.
 */
import type { Vault } from '../../vault/index.ts'
import type { Writes } from './batches.ts'
import { localKeys } from './key-batches.ts'
import { knownLog } from './known-log.ts'
import { inTurn } from './records.ts'

/** One atomic write. */
export function writeRecords(vault: Vault, writes: Writes): Promise<void> {
  return inTurn(vault, 'batches', async () => {
    await vault.write(writes)
    localKeys.note(vault, writes)
    knownLog.note(vault, writes)
  })
}
