/**
 * The keys on this device, in its vault: what an app brings, what a restore brought. Works without a server; a later
 * `backup()` sends what has changed.
 *
 * Identity keys are never overwritten: another key under a name that is taken is `ERR_IDENTITY_CONFLICT` until the
 * old one is removed. Conversation keys are all kept; the newest is the current one.
 */
import { KeyhavenError } from '../../errors.ts'
import { equal } from '../../crypto/bytes.ts'
import type { Vault } from '../../vault/index.ts'
import { identityInUse, keepIdentityChoices, readIdentityChoices } from './identity-choice.ts'
import type { IdentityChoices } from './identity-choice.ts'
import type { ConversationIndex, NamedKeys } from './conversation-index.ts'
import { keepPending, readLocalKeys } from './key-batches.ts'
import type { LocalKeys } from './key-batches.ts'
import { conversationBodies } from '../format/key-bodies.ts'
import { NO_CHANGES, deriveKeyId, isEmpty, requireKey, requireName } from '../format/key-changes.ts'
import type { KeyEntry } from '../format/key-changes.ts'
import type { KeyTable } from './merge.ts'
import { inTurn } from './records.ts'
import { writeRecords } from './write-records.ts'

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

/** One key of a conversation. The array is the caller's. */
export interface ConversationKey {
  readonly key: Uint8Array
  /** The first 8 bytes of SHA-256 of the key, in hex. */
  readonly keyId: string
  /** From 1; a key that is added later has a higher one. */
  readonly version: number
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
  /** All keys of a conversation, the current one first; none when it has none. */
  getConversationKeys(name: string): Promise<readonly ConversationKey[]>
  /**
   * Makes a key the current one of a conversation, beside those that it has; false when it has this key already.
   * Writes one key's worth, however many there are. `ERR_INPUT_INVALID` unless the name has 1 to 256 bytes and the key
   * 1 to 65,536.
   */
  addConversationKey(name: string, key: Uint8Array): Promise<boolean>
  /** Removes one key of a conversation, or all of them; false when there is none. */
  removeConversationKey(which: { readonly name: string; readonly keyId?: string }): Promise<boolean>
}

/** The keys in a vault. */
export function openKeyStore(vault: Vault): KeyStore {
  const remove = (which: Parameters<KeyStore['removeKey']>[0]): Promise<boolean> =>
    inTurn(vault, 'keys', () => removeKeys(vault, which))
  return {
    importKeys: (keys) => inTurn(vault, 'keys', () => importKeys(vault, keys)),
    listKeys: async () => listKeys(await readIdentityChoices(vault), await readLocalKeys(vault)),
    exportKeys: async () => exportKeys(await readIdentityChoices(vault), await readLocalKeys(vault)),
    removeKey: remove,
    getConversationKeys: (name) => getConversationKeys(vault, name),
    addConversationKey: (name, key) => inTurn(vault, 'keys', () => addConversationKey(vault, { name, key })),
    removeConversationKey: (which) => remove({ kind: 'conversation', ...which }),
  }
}

/** How many names have a key. */
export function countKeys(keys: LocalKeys): {
  readonly identityKeys: number
  readonly conversationKeys: number
} {
  return {
    identityKeys: keys.identity.names().length,
    conversationKeys: keys.conversation.countNames(),
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
  const identityChanges = { set: identity, removed: [] }
  const pending = await keepPending(vault, {
    identity: identityChanges,
    conversation: conversationBodies({ set: conversation, removed: [] }),
  })
  const choices = await keepIdentityChoices(vault, identityChanges, { replace: true })
  await writeRecords(vault, new Map([...pending, ...choices]))
  return { identityKeys: identity.length, conversationKeys: conversation.length }
}

/** The keys that are not there yet, with the versions that they take. */
function newEntries(
  known: Pick<KeyTable, 'keysOf' | 'nextVersion'>,
  keys: Readonly<Record<string, Uint8Array>>,
): readonly KeyEntry[] {
  return Object.entries(keys).flatMap(([name, key]) => {
    requireKey({ name, key })
    if (known.keysOf(name).some((entry) => equal(entry.key, key))) return []
    return [{ name, key, version: known.nextVersion(name) }]
  })
}

async function getConversationKeys(vault: Vault, name: string): Promise<readonly ConversationKey[]> {
  requireName(name)
  const keys = (await readLocalKeys(vault)).conversation.keysOf(name)
  return keys.map(({ key, version }) => ({ key, keyId: deriveKeyId(key), version })).reverse()
}

async function addConversationKey(
  vault: Vault,
  { name, key }: { readonly name: string; readonly key: Uint8Array },
): Promise<boolean> {
  requireKey({ name, key })
  const set = newEntries((await readLocalKeys(vault)).conversation, Object.fromEntries([[name, key]]))
  if (set.length === 0) return false
  const conversation = conversationBodies({ set, removed: [] })
  await writeRecords(vault, await keepPending(vault, { identity: NO_CHANGES, conversation }))
  return true
}

function listKeys(choices: IdentityChoices, local: LocalKeys): readonly ListedKey[] {
  const { identity, conversation } = local
  return [
    ...identity
      .names()
      .flatMap((name) => listName('identity', identity.keysOf(name), identityInUse(identity, choices, name))),
    ...sortedNames(conversation).flatMap(({ keys }) => listName('conversation', keys, keys.at(-1))),
  ]
}

function listName(
  kind: ListedKey['kind'],
  keys: readonly KeyEntry[],
  inUse: KeyEntry | undefined,
): readonly ListedKey[] {
  const keyId = inUse && deriveKeyId(inUse.key)
  return keys.map(({ name, key, version }) => {
    const id = deriveKeyId(key)
    return { kind, name, keyId: id, length: key.length, version, current: id === keyId }
  })
}

function exportKeys(choices: IdentityChoices, { identity, conversation }: LocalKeys): KeySet {
  const identities = identity.names().flatMap((name) => {
    const inUse = identityInUse(identity, choices, name)
    return inUse === undefined ? [] : [[name, inUse.key.slice()] as const]
  })
  const conversations = sortedNames(conversation).map(
    ({ name, keys }) => [name, keys.at(-1)?.key ?? new Uint8Array()] as const,
  )
  return {
    identityKeys: Object.fromEntries(identities),
    conversationKeys: Object.fromEntries(conversations),
  }
}

function sortedNames(conversation: ConversationIndex): readonly NamedKeys[] {
  return [...conversation.all()].sort((left, right) => (left.name < right.name ? -1 : 1))
}

async function removeKeys(vault: Vault, which: Parameters<KeyStore['removeKey']>[0]): Promise<boolean> {
  requireName(which.name)
  const removed = (await readLocalKeys(vault))[which.kind]
    .keysOf(which.name)
    .map(({ name, key, version }) => ({ name, keyId: deriveKeyId(key), version }))
    .filter(({ keyId }) => which.keyId === undefined || which.keyId === keyId)
  const changes = { set: [], removed }
  const all =
    which.kind === 'identity'
      ? { identity: changes, conversation: [] }
      : { identity: NO_CHANGES, conversation: conversationBodies(changes) }
  if (isEmpty(all)) return false
  await writeRecords(vault, await keepPending(vault, all))
  return true
}
