/**
 * Moves the keys that QryptChat left in a browser into Keyhaven's, for people who never had a backup of them.
 *
 * QryptChat's entries, by age: `qryptchat_user_keys` (a master key and a key-exchange key), `qryptchat_pq_keypair` and
 * `qryptchat_pq_keypair_768` (ML-KEM pairs, at first in localStorage, later in an IndexedDB of the same names), and
 * `qryptchat_keys` (conversation keys; in clear, or AES-256-GCM under the entry `qryptchat_storage_enc_key`).
 *
 * Nothing is removed unless asked, and then only after every key has been read back. It cannot erase what the browser has
 * already written to disk or to backups.
 */
import { openAead } from '../crypto/aead.ts'
import { equalConstantTime, wipe } from '../crypto/bytes.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { readText } from './qryptchat-export.ts'
import {
  decodeBase64,
  malformed,
  parseBytes,
  parseFields,
  parseKey,
  parseKeyPair,
  prefixOf,
  requireName,
  requireObject,
} from './qryptchat-fields.ts'
import type { Fields, QryptChatKeys } from './qryptchat-fields.ts'

const PAIRS = ['qryptchat_pq_keypair', 'qryptchat_pq_keypair_768'] as const
const USER_KEYS = 'qryptchat_user_keys'
const CONVERSATIONS = 'qryptchat_keys'
const CONVERSATIONS_KEY = 'qryptchat_storage_enc_key'
const ENTRIES = [...PAIRS, USER_KEYS, CONVERSATIONS, CONVERSATIONS_KEY] as const
const NONCE_LENGTH = 12
const MOST_TEXT = 32 * 1024 * 1024

/** Where QryptChat's entries are. */
export interface QryptChatPlace {
  readonly localStorage: {
    getItem(key: string): string | null
    removeItem(key: string): void
  }
  /** The pairs in IndexedDB by their names; QryptChat's own `indexedDBManager` fits. */
  readonly pairs?: { get(name: string): Promise<unknown> }
}

/** Where the keys go: `openKeyStore(vault)` of keyhaven/sync fits. */
export interface KeyReceiver {
  importKeys(keys: QryptChatKeys): Promise<unknown>
  exportKeys(): Promise<QryptChatKeys>
}

export type QryptChatMigration =
  | {
      readonly status: 'migrated'
      readonly identityKeys: number
      readonly conversationKeys: number
      /** True when the entries of localStorage were removed. */
      readonly removed: boolean
    }
  | { readonly status: 'nothing' }
  /** The conversation keys are sealed, and the key to them is gone or another. */
  | { readonly status: 'rejected' }

/**
 * Takes every key over into `keys`, reads all of them back, and with `removeOld` removes the entries of localStorage.
 * A backup of them is one call more: `backup({ pin })` of keyhaven/sync.
 *
 * `ERR_LEGACY_MALFORMED` names an entry that is not in the format, `ERR_IDENTITY_CONFLICT` tells that there is another
 * key of that name already; nothing is changed then.
 */
export async function migrateQryptChat(
  input: QryptChatPlace & { readonly keys: KeyReceiver; readonly removeOld?: boolean },
): Promise<QryptChatMigration> {
  const { keys, removeOld = false } = input
  const old = await readQryptChatStorage(input)
  if (old === undefined) return { status: 'rejected' }
  const counts = {
    identityKeys: Object.keys(old.identityKeys).length,
    conversationKeys: Object.keys(old.conversationKeys).length,
  }
  if (counts.identityKeys + counts.conversationKeys === 0) return { status: 'nothing' }
  await keys.importKeys(old)
  requireKept(old, await keys.exportKeys())
  if (removeOld) for (const entry of ENTRIES) input.localStorage.removeItem(entry)
  return { status: 'migrated', ...counts, removed: removeOld }
}

/** Every key that QryptChat left here; `undefined` when its conversation keys do not open. Nothing is changed. */
export async function readQryptChatStorage(input: QryptChatPlace): Promise<QryptChatKeys | undefined> {
  const conversationKeys = await readConversations(input)
  if (conversationKeys === undefined) return undefined
  const pairs = await Promise.all(PAIRS.map((name) => readPair(input, name)))
  const identityKeys = Object.assign({}, readUserKeys(input), ...pairs) as QryptChatKeys['identityKeys']
  return { identityKeys, conversationKeys }
}

function readUserKeys({ localStorage }: QryptChatPlace): QryptChatKeys['identityKeys'] {
  const text = localStorage.getItem(USER_KEYS)
  if (text === null) return {}
  const fields = parseFields(text, USER_KEYS, MOST_TEXT)
  return {
    masterKey: parseKey(fields['masterKey'], USER_KEYS),
    keyExchangeKey: parseKey(fields['keyExchangeKey'], USER_KEYS),
  }
}

/** QryptChat read the database first once it had one, and so does this. */
async function readPair(
  { localStorage, pairs }: QryptChatPlace,
  name: (typeof PAIRS)[number],
): Promise<QryptChatKeys['identityKeys']> {
  const stored = await pairs?.get(name)
  if (stored !== undefined && stored !== null) return readPairFields(requireObject(stored, name))
  const text = localStorage.getItem(name)
  return text === null ? {} : readPairFields(parseFields(text, name, MOST_TEXT))
}

function readPairFields(fields: Fields): QryptChatKeys['identityKeys'] {
  return parseKeyPair(fields, prefixOf(fields['algorithm']))
}

async function readConversations(
  place: QryptChatPlace,
): Promise<QryptChatKeys['conversationKeys'] | undefined> {
  const text = place.localStorage.getItem(CONVERSATIONS)
  if (text === null) return {}
  const clear = text.startsWith('{') ? text : await openConversations(place, text)
  if (clear === undefined) return undefined
  const entries = Object.entries(parseFields(clear, CONVERSATIONS, MOST_TEXT))
  const keys = entries.map(([id, entry]) => {
    const { key } = requireObject(entry, CONVERSATIONS)
    return [requireName(id, CONVERSATIONS), parseKey(key, CONVERSATIONS)] as const
  })
  return Object.fromEntries(keys)
}

async function openConversations(place: QryptChatPlace, text: string): Promise<string | undefined> {
  const sealed = decodeBase64(text, CONVERSATIONS)
  if (sealed.length <= NONCE_LENGTH + 16) throw malformed(CONVERSATIONS)
  const stored = place.localStorage.getItem(CONVERSATIONS_KEY)
  if (stored === null) return undefined
  const key = parseBytes(stored, { field: CONVERSATIONS_KEY, least: 32, most: 32 })
  const nonce = sealed.subarray(0, NONCE_LENGTH)
  try {
    const aead = { key, nonce, associatedData: new Uint8Array(0) }
    return readText(await openAead(aead, sealed.subarray(NONCE_LENGTH)))
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) return undefined
    throw error
  } finally {
    wipe(key)
  }
}

/** The old entries are somebody's only copy until this has passed. */
function requireKept(old: QryptChatKeys, kept: QryptChatKeys): void {
  for (const kind of ['identityKeys', 'conversationKeys'] as const) {
    for (const [name, key] of Object.entries(old[kind])) {
      const there = Object.hasOwn(kept[kind], name) ? kept[kind][name] : undefined
      if (there === undefined || !equalConstantTime(there, key)) {
        throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'keys' })
      }
    }
  }
}
