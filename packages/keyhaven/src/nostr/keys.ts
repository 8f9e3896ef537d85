/**
 * A person's Nostr key into a vault and, on explicit demand, out of it.
 */
import { equalConstantTime, wipe } from '../crypto/bytes.ts'
import type { Scrypt } from '../crypto/scrypt.ts'
import { toHex } from '../crypto/text.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { loadModule } from '../load-module.ts'
import { KEY_TYPES } from '../vault/operations.ts'
import type { Vault } from '../vault/types.ts'
import { deriveNostrPublicKey, encodeNsec, parseNsec, parseSecretKeyHex } from './text.ts'

/** The record that holds a person's Nostr key unless another is named. */
export const NOSTR_RECORD = 'nostr'

/** A Nostr secret key as text. */
export type NostrKeyText =
  | { readonly as: 'nsec'; readonly text: string }
  | { readonly as: 'hex'; readonly text: string }
  | { readonly as: 'ncryptsec'; readonly text: string; readonly password: string }

/**
 * Puts a Nostr key into the vault and reads it back. The public key in hex is the answer.
 *
 * The same key again is no change; another key under this name is `ERR_IDENTITY_CONFLICT`, and nothing is overwritten.
 */
export async function importNostrKey(input: {
  readonly vault: Vault
  readonly key: NostrKeyText
  readonly record?: string
  /** For `ncryptsec`, such as one in a worker; our own unless told. */
  readonly scrypt?: Scrypt
}): Promise<{ readonly publicKey: string }> {
  const secretKey = await parseKeyText(input.key, input)
  try {
    return await storeNostrKey({ vault: input.vault, secretKey, record: input.record ?? NOSTR_RECORD })
  } finally {
    wipe(secretKey)
  }
}

/** As {@link importNostrKey}, for 32 bytes; the buffer stays the caller's. */
export async function storeNostrKey(input: {
  readonly vault: Vault
  readonly secretKey: Uint8Array
  readonly record: string
}): Promise<{ readonly publicKey: string }> {
  const { vault, secretKey, record } = input
  const publicKey = deriveNostrPublicKey(secretKey)
  try {
    await vault.put(record, { type: KEY_TYPES.nostr, bytes: secretKey }, { ifMissing: true })
  } catch (error) {
    if (!isKeyhavenError(error, 'ERR_RECORD_EXISTS')) throw error
    await requireSameKey(input)
  }
  const kept = toHex(await vault.use(record, 'schnorr-public-key', undefined))
  if (kept !== publicKey) throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'record' })
  return { publicKey }
}

async function requireSameKey(input: {
  readonly vault: Vault
  readonly secretKey: Uint8Array
  readonly record: string
}): Promise<void> {
  const there = await input.vault.get(input.record)
  if (there === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  const same = there.type === KEY_TYPES.nostr && equalConstantTime(there.bytes, input.secretKey)
  wipe(there.bytes)
  if (!same) throw new KeyhavenError('ERR_IDENTITY_CONFLICT', { count: 1 })
}

/** The key as text. It leaves the vault: show it only to the person who asked for it. */
export async function exportNostrKey(input: {
  readonly vault: Vault
  readonly as: 'nsec' | 'hex' | 'ncryptsec'
  readonly record?: string
  /** For `ncryptsec`. */
  readonly password?: string
  /** As of {@link importNostrKey}. */
  readonly scrypt?: Scrypt
}): Promise<string> {
  const found = await input.vault.get(input.record ?? NOSTR_RECORD)
  if (found === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  try {
    if (found.type !== KEY_TYPES.nostr) {
      throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'record', expected: 'a Nostr key' })
    }
    return await formatKey(found.bytes, input)
  } finally {
    wipe(found.bytes)
  }
}

async function formatKey(
  secretKey: Uint8Array,
  form: {
    readonly as: 'nsec' | 'hex' | 'ncryptsec'
    readonly password?: string
    readonly scrypt?: Scrypt
  },
): Promise<string> {
  if (form.as === 'hex') return toHex(secretKey)
  if (form.as === 'nsec') return encodeNsec(secretKey)
  if (form.password === undefined || form.password === '') {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'password', expected: 'a password for ncryptsec' })
  }
  const { sealNcryptsec } = await loadModule(import('./ncryptsec.ts'))
  return sealNcryptsec({ secretKey, password: form.password, ...(form.scrypt && { scrypt: form.scrypt }) })
}

async function parseKeyText(
  key: NostrKeyText,
  { scrypt }: { readonly scrypt?: Scrypt },
): Promise<Uint8Array> {
  if (key.as === 'hex') return parseSecretKeyHex(key.text)
  if (key.as === 'nsec') return parseNsec(key.text)
  const { openNcryptsec } = await loadModule(import('./ncryptsec.ts'))
  const { text: ncryptsec, password } = key
  return (await openNcryptsec({ ncryptsec, password, ...(scrypt && { scrypt }) })).secretKey
}
