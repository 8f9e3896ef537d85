/**
 * Moves what PubPay left in a browser's storage into a vault, so that its users notice nothing.
 *
 * PubPay's format: JSON `{ encrypted, salt, iv, hasPassword }` in standard base64, AES-256-GCM without associated data,
 * a key of PBKDF2-SHA-256 at 100,000 iterations. With a password: its UTF-8 as it is, and the stored salt. Without: the
 * base64 text under `_dk` as password, a fixed salt, and a stored salt that means nothing. The plaintext is the nsec.
 * Older versions stored the nsec in clear. There is no verifier in the format, so a rejection is "wrong password or
 * damaged", and cannot be told apart.
 *
 * What is old is removed only when the vault has the key and both agree with the public key; anything else changes
 * nothing. Running it again is harmless. It cannot erase what the browser has already written to disk or to backups.
 */
import { openAead } from '../crypto/aead.ts'
import { parseUtf8, utf8, wipe } from '../crypto/bytes.ts'
import { derivePbkdf2 } from '../crypto/pbkdf2.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { NOSTR_RECORD, storeNostrKey } from '../nostr/keys.ts'
import { deriveNostrPublicKey, parseNsec } from '../nostr/text.ts'
import type { Vault } from '../vault/types.ts'
import { DEVICE_SALT, ITERATIONS, parseEnvelope } from './pubpay-envelope.ts'
import type { PubPayEnvelope } from './pubpay-envelope.ts'

const ENTRIES = ['privateKey', 'publicKey', 'signInMethod', '_dk'] as const

/** What is used of a browser's `localStorage` and `sessionStorage`. */
export interface PubPayStorage {
  getItem(key: string): string | null
  removeItem(key: string): void
}

/** Where PubPay's entries are; it looks into the first, then into the second. */
export interface PubPayPlace {
  readonly localStorage: PubPayStorage
  readonly sessionStorage?: PubPayStorage
}

/** What PubPay left. */
export type PubPayFinding =
  | { readonly mode: 'nothing' }
  | {
      readonly mode: 'plaintext' | 'device' | 'password'
      readonly publicKey: string | undefined
      readonly signInMethod: string | undefined
    }

/** What opening it comes to. */
export type PubPayOpening =
  | { readonly status: 'opened'; readonly secretKey: Uint8Array; readonly publicKey: string }
  | { readonly status: 'nothing' }
  | { readonly status: 'password-needed' }
  /** The device mode's key, `_dk`, is gone: nothing opens this. */
  | { readonly status: 'device-key-missing' }
  /** The password is wrong, or the entry is damaged: the format cannot tell. */
  | { readonly status: 'rejected' }

export type PubPayMigration =
  | { readonly status: 'migrated'; readonly publicKey: string; readonly record: string }
  | Exclude<PubPayOpening, { readonly status: 'opened' }>

/** Says what PubPay left, without opening it. `ERR_LEGACY_MALFORMED` when it is not in its format. */
export function inspectPubPay(place: PubPayPlace): PubPayFinding {
  const text = readEntry(place, 'privateKey')
  if (text === undefined) return { mode: 'nothing' }
  const publicKey = readEntry(place, 'publicKey')
  const signInMethod = readEntry(place, 'signInMethod')
  const envelope = parseKeyEntry(text)
  const mode = envelope === undefined ? 'plaintext' : envelope.hasPassword ? 'password' : 'device'
  return { mode, publicKey, signInMethod }
}

/**
 * Opens what PubPay left; the caller wipes the secret key. Nothing is changed.
 *
 * `ERR_LEGACY_MALFORMED` when it is not in PubPay's format, `ERR_LEGACY_MISMATCH` when the key does not belong to the
 * public key that is stored beside it.
 */
export async function openPubPay(
  input: PubPayPlace & { readonly password?: string },
): Promise<PubPayOpening> {
  const text = readEntry(input, 'privateKey')
  if (text === undefined) return { status: 'nothing' }
  const opened = await openEntry(text, input)
  if (opened.status !== 'opened') return opened
  const stored = readEntry(input, 'publicKey')
  if (stored === undefined || stored.toLowerCase() === opened.publicKey) return opened
  wipe(opened.secretKey)
  throw new KeyhavenError('ERR_LEGACY_MISMATCH', undefined)
}

/**
 * Moves the key into the vault's record (`nostr` unless told), checks that the vault gives it back, and only then removes
 * PubPay's entries. `ERR_IDENTITY_CONFLICT` when the record holds another key; nothing is changed then.
 */
export async function migratePubPay(
  input: PubPayPlace & { readonly vault: Vault; readonly password?: string; readonly record?: string },
): Promise<PubPayMigration> {
  const opened = await openPubPay(input)
  if (opened.status !== 'opened') return opened
  const record = input.record ?? NOSTR_RECORD
  try {
    const { publicKey } = await storeNostrKey({ vault: input.vault, secretKey: opened.secretKey, record })
    await removeEntries(input, publicKey)
    return { status: 'migrated', publicKey, record }
  } finally {
    wipe(opened.secretKey)
  }
}

/**
 * Removes PubPay's entries from both storages. A `privateKey` that does not open to the key that was moved stays, with all
 * that is beside it: it is somebody's only copy.
 */
async function removeEntries(
  input: PubPayPlace & { readonly password?: string },
  publicKey: string,
): Promise<void> {
  const storages = [input.localStorage, ...(input.sessionStorage ? [input.sessionStorage] : [])]
  for (const storage of storages) {
    const text = storage.getItem('privateKey')
    if (text !== null && !(await isCopyOf(text, input, publicKey))) return
  }
  // The secret entries go first, the key to them after what it opens.
  for (const entry of ENTRIES) for (const storage of storages) storage.removeItem(entry)
}

async function isCopyOf(
  text: string,
  input: PubPayPlace & { readonly password?: string },
  publicKey: string,
): Promise<boolean> {
  try {
    const opened = await openEntry(text, input)
    if (opened.status !== 'opened') return false
    wipe(opened.secretKey)
    return opened.publicKey === publicKey
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_LEGACY_MALFORMED')) return false
    throw error
  }
}

async function openEntry(
  text: string,
  input: PubPayPlace & { readonly password?: string },
): Promise<PubPayOpening> {
  const envelope = parseKeyEntry(text)
  if (envelope === undefined) return present(text)
  const deviceKey = readEntry(input, '_dk')
  if (envelope.hasPassword && input.password === undefined) return { status: 'password-needed' }
  if (!envelope.hasPassword && deviceKey === undefined) return { status: 'device-key-missing' }
  const password = (envelope.hasPassword ? input.password : deviceKey) ?? ''
  const nsec = await openEnvelope(envelope, password)
  if (nsec === undefined) return { status: 'rejected' }
  try {
    return present(parseUtf8(nsec))
  } finally {
    wipe(nsec)
  }
}

async function openEnvelope(envelope: PubPayEnvelope, password: string): Promise<Uint8Array | undefined> {
  const salt = envelope.hasPassword ? envelope.salt : utf8(DEVICE_SALT)
  const key = await derivePbkdf2({ password: utf8(password), salt, iterations: ITERATIONS, length: 32 })
  try {
    const aead = { key, nonce: envelope.iv, associatedData: new Uint8Array(0) }
    return await openAead(aead, envelope.encrypted)
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) return undefined
    throw error
  } finally {
    wipe(key)
  }
}

/** `undefined` for the old plaintext nsec; which of the two it is stands in its first characters. */
function parseKeyEntry(text: string): PubPayEnvelope | undefined {
  if (text.startsWith('nsec1')) return undefined
  return parseEnvelope(text)
}

function present(nsec: string): PubPayOpening {
  try {
    const secretKey = parseNsec(nsec)
    return { status: 'opened', secretKey, publicKey: deriveNostrPublicKey(secretKey) }
  } catch {
    throw new KeyhavenError('ERR_LEGACY_MALFORMED', { problem: 'nsec' })
  }
}

function readEntry(place: PubPayPlace, entry: (typeof ENTRIES)[number]): string | undefined {
  const text = place.localStorage.getItem(entry) ?? place.sessionStorage?.getItem(entry)
  return text === null || text === '' ? undefined : text
}

/**
 * PubPay's entries out of a file: a JSON object of them, `null` for one that is not there. `removeItem` works on the copy.
 * `ERR_LEGACY_MALFORMED` for anything else.
 */
export function parsePubPayEntries(text: string): PubPayStorage {
  const entries = new Map<string, string>()
  for (const [key, value] of Object.entries(parseObject(text))) {
    if (typeof value === 'string') entries.set(key, value)
    else if (value !== null) throw new KeyhavenError('ERR_LEGACY_MALFORMED', { problem: 'entries' })
  }
  return {
    getItem: (key) => entries.get(key) ?? null,
    removeItem: (key) => {
      entries.delete(key)
    },
  }
}

function parseObject(text: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new KeyhavenError('ERR_LEGACY_MALFORMED', { problem: 'entries' })
}

export { sealPubPay } from './pubpay-envelope.ts'
