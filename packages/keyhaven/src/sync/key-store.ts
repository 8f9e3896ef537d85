/**
 * The keys on this device, in its vault: what an app brings, what a restore brought. Works without a server; a later
 * `backup()` sends what has changed.
 *
 * Identity keys are never overwritten: another key under a name that is taken is `ERR_IDENTITY_CONFLICT` until the
 * old one is removed. Conversation keys are all kept; the newest is the current one.
 */
import { KeyhavenError } from '../errors.ts'
import { equal } from '../crypto/index.ts'
import type { Vault } from '../vault/index.ts'
import { identityInUse, keepIdentityChoices, readIdentityChoices } from './identity-choice.ts'
import type { IdentityChoices } from './identity-choice.ts'
import { keepPending, readLocalKeys } from './key-batches.ts'
import type { LocalKeys } from './key-batches.ts'
import { NO_CHANGES, deriveKeyId, isEmpty, requireKey } from './key-changes.ts'
import type { KeyChanges, KeyEntry } from './key-changes.ts'
import type { KeyTable } from './merge.ts'
import { inTurn } from './records.ts'

/** Keys by name, and by conversation id. */
export interface KeySet {
  readonly identityKeys: Readonly<Record<string, Uint8Array>>
  readonly conversationKeys: Readonly<Record<string, Uint8Array>>
}

export interface ListedKey {
  readonly kind: 'identity' | 'conversation'
  /** The identity's name or the conversation's id. */
  readonly name: string
  /** The first 8 bytes of SHA-256 of the key, in hex. */
  readonly keyId: string
  /** The key's length in bytes. */
  readonly length: number
  readonly version: number
  /** True for the key that {@link KeyStore.exportKeys} gives for this name. */
  readonly current: boolean
}

export interface KeyStore {
  /** Adds keys in one atomic write; those that are there already change nothing. Says how many were added. */
  importKeys(keys: KeySet): Promise<{ readonly identityKeys: number; readonly conversationKeys: number }>
  /** Every key, also those of a conversation that are no longer current and identity keys in conflict. */
  listKeys(): Promise<readonly ListedKey[]>
  /** The current key of each name. The arrays are the caller's. */
  exportKeys(): Promise<KeySet>
  /** Removes one key, or all keys of a name; false when there is none. Other devices follow at their next sync. */
  removeKey(which: {
    readonly kind: ListedKey['kind']
    readonly name: string
    readonly keyId?: string
  }): Promise<boolean>
}

/** The keys in a vault. */
export function openKeyStore(vault: Vault): KeyStore {
  return {
    importKeys: (keys) => inTurn(vault, 'keys', () => importKeys(vault, keys)),
    listKeys: async () => listKeys(await readLocalKeys(vault), await readIdentityChoices(vault)),
    exportKeys: async () => exportKeys(await readLocalKeys(vault), await readIdentityChoices(vault)),
    removeKey: (which) => inTurn(vault, 'keys', () => removeKeys(vault, which)),
  }
}

/** How many names have a key. */
export function countKeys(keys: LocalKeys): {
  readonly identityKeys: number
  readonly conversationKeys: number
} {
  return {
    identityKeys: keys.identity.names().length,
    conversationKeys: keys.conversation.names().length,
  }
}

async function importKeys(
  vault: Vault,
  keys: KeySet,
): Promise<{ readonly identityKeys: number; readonly conversationKeys: number }> {
  const local = await readLocalKeys(vault)
  const identity = newEntries(local.identity, keys.identityKeys)
  const conversation = newEntries(local.conversation, keys.conversationKeys)
  const conflicts = identity.filter(({ name }) => local.identity.keysOf(name).length > 0)
  if (conflicts.length > 0) throw new KeyhavenError('ERR_IDENTITY_CONFLICT', { count: conflicts.length })
  const changes = {
    identity: { set: identity, removed: [] },
    conversation: { set: conversation, removed: [] },
  }
  const choices = await keepIdentityChoices(vault, changes.identity, { replace: true })
  await vault.write(new Map([...keepPending(changes), ...choices]))
  return { identityKeys: identity.length, conversationKeys: conversation.length }
}

/** The keys that the table does not have as the current ones, with the versions that they take. */
function newEntries(table: KeyTable, keys: Readonly<Record<string, Uint8Array>>): readonly KeyEntry[] {
  return Object.entries(keys).flatMap(([name, key]) => {
    requireKey({ name, key })
    const known = table.keysOf(name)
    if (known.some((entry) => equal(entry.key, key))) return []
    return [{ name, key, version: table.nextVersion(name) }]
  })
}

type CurrentKey = (name: string) => KeyEntry | undefined

function listKeys(local: LocalKeys, choices: IdentityChoices): readonly ListedKey[] {
  return [
    ...listTable('identity', local.identity, (name) => identityInUse(local.identity, choices, name)),
    ...listTable('conversation', local.conversation, (name) => local.conversation.keysOf(name).at(-1)),
  ]
}

function listTable(kind: ListedKey['kind'], table: KeyTable, currentKey: CurrentKey): readonly ListedKey[] {
  return table.names().flatMap((name) => {
    const keyId = deriveKeyId(currentKey(name)?.key ?? new Uint8Array())
    return table.keysOf(name).map(({ key, version }) => {
      const id = deriveKeyId(key)
      return { kind, name, keyId: id, length: key.length, version, current: id === keyId }
    })
  })
}

function exportKeys(local: LocalKeys, choices: IdentityChoices): KeySet {
  return {
    identityKeys: exportTable(local.identity, (name) => identityInUse(local.identity, choices, name)),
    conversationKeys: exportTable(local.conversation, (name) => local.conversation.keysOf(name).at(-1)),
  }
}

function exportTable(table: KeyTable, currentKey: CurrentKey): Record<string, Uint8Array> {
  return Object.fromEntries(
    table.names().flatMap((name) => {
      const current = currentKey(name)
      return current === undefined ? [] : [[name, current.key.slice()]]
    }),
  )
}

async function removeKeys(vault: Vault, which: Parameters<KeyStore['removeKey']>[0]): Promise<boolean> {
  const table = (await readLocalKeys(vault))[which.kind]
  const removed = table
    .keysOf(which.name)
    .map(({ name, key, version }) => ({ name, keyId: deriveKeyId(key), version }))
    .filter(({ keyId }) => which.keyId === undefined || which.keyId === keyId)
  const changes: KeyChanges = { set: [], removed }
  const all = { identity: NO_CHANGES, conversation: NO_CHANGES, [which.kind]: changes }
  if (isEmpty(all)) return false
  await vault.write(keepPending(all))
  return true
}
