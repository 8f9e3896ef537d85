/**
 * Which identity key of a name is in use on this device, by key id. The first that the device had stays, whatever
 * arrives later under the same name: an identity is never replaced silently.
 */
import type { Vault, VaultRecord } from '../../vault/index.ts'
import { encodeCbor, parseCborMap } from '../format/cbor.ts'
import { recordDamaged } from '../format/fields.ts'
import { deriveKeyId } from '../format/key-changes.ts'
import type { KeyChanges, KeyEntry } from '../format/key-changes.ts'
import { createKeyTable } from './merge.ts'
import type { KeyTable } from './merge.ts'

const CHOICES = 'sync/identity-in-use'

/** Key ids by name. */
export type IdentityChoices = ReadonlyMap<string, string>

/** The choices of this device. */
export async function readIdentityChoices(vault: Vault): Promise<IdentityChoices> {
  const record = await vault.get(CHOICES)
  if (record === undefined) return new Map()
  const choices = new Map<string, string>()
  for (const [name, keyId] of parseCborMap(record.bytes, recordDamaged).map('choices')) {
    if (typeof name !== 'string' || typeof keyId !== 'string') throw recordDamaged()
    choices.set(name, keyId)
  }
  return choices
}

/** The changes that choose a key for each name that had none before, or with `replace` for each name. */
export async function keepIdentityChoices(
  vault: Vault,
  arriving: KeyChanges,
  options: { readonly replace: boolean } = { replace: false },
): Promise<ReadonlyMap<string, VaultRecord>> {
  const choices = new Map(await readIdentityChoices(vault))
  const table = createKeyTable(arriving)
  const unchosen = table.names().filter((name) => options.replace || !choices.has(name))
  if (unchosen.length === 0) return new Map()
  for (const name of unchosen) {
    const first = table.keysOf(name)[0]
    if (first !== undefined) choices.set(name, deriveKeyId(first.key))
  }
  return new Map([[CHOICES, { type: 'keyhaven/identity-in-use', bytes: encodeCbor({ choices }) }]])
}

/** The identity key in use: the chosen one while it is there, else the lowest (version, key bytes). */
export function identityInUse(table: KeyTable, choices: IdentityChoices, name: string): KeyEntry | undefined {
  const keys = table.keysOf(name)
  const chosen = choices.get(name)
  return keys.find(({ key }) => deriveKeyId(key) === chosen) ?? keys[0]
}
