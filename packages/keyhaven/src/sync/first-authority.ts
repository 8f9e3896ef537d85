/**
 * The authority key for a backup that is not there yet, as one vault record: made before the first registration is bound to
 * it, so that a first backup that is given up leaves nothing at the realms that nobody can delete.
 */
import { randomBytes } from '../crypto/index.ts'
import type { Vault, VaultRecord } from '../vault/index.ts'
import { encodeCbor, parseCborMap } from './cbor.ts'
import { recordDamaged } from './fields.ts'

const AUTHORITY = 'sync/authority'

/** The seed, 32 bytes, kept in the vault from now on. */
export async function prepareAuthoritySeed(vault: Vault): Promise<Uint8Array> {
  const known = await readAuthoritySeed(vault)
  if (known !== undefined) return known
  const seed = randomBytes(32)
  await vault.write(new Map([keepAuthoritySeed(seed)]))
  return seed
}

/** The seed of a first backup that this device has tried, or of one that it has deleted. */
export async function readAuthoritySeed(vault: Vault): Promise<Uint8Array | undefined> {
  const record = await vault.get(AUTHORITY)
  return record === undefined ? undefined : parseCborMap(record.bytes, recordDamaged).bytes('seed', 32)
}

/** The change that keeps a seed. */
export function keepAuthoritySeed(seed: Uint8Array): readonly [string, VaultRecord] {
  return [AUTHORITY, { type: 'keyhaven/authority', bytes: encodeCbor({ seed }) }]
}
