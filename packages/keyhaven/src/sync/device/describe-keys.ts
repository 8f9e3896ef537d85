/**
 * What outcomes say about the keys on this device.
 */
import type { Vault } from '../../vault/index.ts'
import { readLocalKeys } from './key-batches.ts'
import { countKeys } from './key-store.ts'
import type { KeysHere } from '../outcomes.ts'

/** Counts and conflicts of the keys on this device. */
export async function describeKeys(vault: Vault): Promise<KeysHere> {
  const local = await readLocalKeys(vault)
  const names = local.identity.names()
  const identityConflicts = names.filter((name) => local.identity.keysOf(name).length > 1)
  return { ...countKeys(local), identityConflicts }
}
