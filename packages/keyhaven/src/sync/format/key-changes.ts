/**
 * What can happen to keys, whether on this device or in the log: a key is set under a name, or one is removed.
 *
 * A name is an identity's name or a conversation's id. A removal names the key it removes by its key id and the
 * highest version that it covers, so that a key which was removed and is set again, with a higher version, is there.
 */
import { utf8 } from '../../crypto/bytes.ts'
import { sha256 } from '../../crypto/hkdf.ts'
import { toHex } from '../../crypto/text.ts'
import { KeyhavenError } from '../../errors.ts'

export const MOST_NAME_BYTES = 256
export const MOST_KEY_BYTES = 65_536
export const KEY_ID_BYTES = 8

/** One key under one name. */
export interface KeyEntry {
  readonly name: string
  readonly key: Uint8Array
  /** From 1. */
  readonly version: number
}

/** One key that was removed from a name. */
export interface RemovedKey {
  readonly name: string
  /** The first 8 bytes of SHA-256 of the key, in hex. */
  readonly keyId: string
  /** Entries of this key up to this version are removed. */
  readonly version: number
}

/** A set of changes of one kind of key; their order does not matter. */
export interface KeyChanges {
  readonly set: readonly KeyEntry[]
  readonly removed: readonly RemovedKey[]
}

/** Changes of both kinds; those of conversations may be very many. */
export interface AllChanges {
  readonly identity: KeyChanges
  /** Bodies of conversation entries (conversation-entries.ts), each small enough for a segment. */
  readonly conversation: readonly Uint8Array[]
}

export const NO_CHANGES: KeyChanges = { set: [], removed: [] }

/** The key id of a key, in hex: the first 8 bytes of SHA-256. */
export function deriveKeyId(key: Uint8Array): string {
  return toHex(sha256(key).subarray(0, KEY_ID_BYTES))
}

/** True when nothing is set and nothing removed. */
export function isEmpty({ identity, conversation }: AllChanges): boolean {
  return identity.set.length + identity.removed.length + conversation.length === 0
}

/** `ERR_INPUT_INVALID` unless a name has 1 to 256 bytes of well-formed text and a key 1 to 65,536 bytes. */
export function requireKey(input: { readonly name: string; readonly key: Uint8Array }): void {
  requireName(input.name)
  if (!(input.key instanceof Uint8Array) || input.key.length < 1 || input.key.length > MOST_KEY_BYTES) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'key', expected: '1 to 65536 bytes' })
  }
}

/** `ERR_INPUT_INVALID` unless a name has 1 to 256 bytes of well-formed text. */
export function requireName(name: string): void {
  const length = typeof name === 'string' ? utf8(name).length : 0
  if (length >= 1 && length <= MOST_NAME_BYTES && !/\p{Cs}/u.test(name)) return
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'name', expected: '1 to 256 bytes of UTF-8' })
}
