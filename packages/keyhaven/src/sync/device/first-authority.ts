/**
 * The authority key for a backup that is not there yet, as one vault record: made before the first registration is bound to
 * it, so that a first backup that is given up leaves nothing at the realms that nobody can delete.
 */
import { randomBytes } from '../../crypto/index.ts'
import type { Vault, VaultRecord } from '../../vault/index.ts'
import type { Authorities } from '../format/authority.ts'
import { encodeCbor, parseCborMap } from '../format/cbor.ts'
import { recordDamaged } from '../format/fields.ts'
import { readFormerAuthorities } from '../format/ways.ts'

const AUTHORITY = 'sync/authority'

/** The seed, 32 bytes, kept in the vault from now on. */
export async function prepareAuthoritySeed(vault: Vault): Promise<Uint8Array> {
  const known = await readAuthorities(vault)
  if (known !== undefined) return known.authoritySeed
  const authoritySeed = randomBytes(32)
  await vault.write(new Map([keepAuthorities({ authoritySeed, formerAuthorities: [] })]))
  return authoritySeed
}

/** The keys of a first backup that this device has tried, or of one that it has deleted. */
export async function readAuthorities(vault: Vault): Promise<Authorities | undefined> {
  const record = await vault.get(AUTHORITY)
  if (record === undefined) return undefined
  const fields = parseCborMap(record.bytes, recordDamaged)
  const formerAuthorities = readFormerAuthorities(fields, recordDamaged)
  return { authoritySeed: fields.bytes('seed', 32), formerAuthorities }
}

/** The change that keeps the keys. */
export function keepAuthorities(keys: Authorities): readonly [string, VaultRecord] {
  const { authoritySeed: seed, formerAuthorities } = keys
  const bytes = encodeCbor({ seed, formerAuthorities })
  return [AUTHORITY, { type: 'keyhaven/authority', bytes }]
}
