/**
 * Reading QryptChat's JSON: every field is checked before any work is done with it, and `ERR_LEGACY_MALFORMED` names the
 * one that is not in the format.
 */
import { parseBase64 } from '../crypto/text.ts'
import { KeyhavenError } from '../errors.ts'

/** QryptChat derived with 100,000 iterations, and later with 600,000. */
export const FIRST_ITERATIONS = 100_000
const LEAST_ITERATIONS = 1000
const MOST_ITERATIONS = 1_000_000
/** The least and the most bytes of a key. */
const MOST_KEY_BYTES = 65_536
const MOST_KEYS = 250_000

export type Fields = Readonly<Record<string, unknown>>

/** Private and public keys by name, conversation keys by conversation; the arrays are the caller's. */
export interface QryptChatKeys {
  readonly identityKeys: Readonly<Record<string, Uint8Array>>
  readonly conversationKeys: Readonly<Record<string, Uint8Array>>
}

export function malformed(problem: string): KeyhavenError {
  return new KeyhavenError('ERR_LEGACY_MALFORMED', { problem })
}

/** The JSON object in a text of at most so many characters. */
export function parseFields(text: string, what: string, most: number): Fields {
  if (text.length > most) throw malformed(what)
  try {
    return requireObject(JSON.parse(text), what)
  } catch {
    throw malformed(what)
  }
}

export function requireObject(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what)
  return value as Fields
}

/** Bytes in standard base64, of a length between two. */
export function parseBytes(
  value: unknown,
  input: { readonly field: string; readonly least: number; readonly most: number },
): Uint8Array {
  const { field, least, most } = input
  if (typeof value !== 'string' || value.length > most * 2) throw malformed(field)
  const bytes = decodeBase64(value, field)
  if (bytes.length < least || bytes.length > most) throw malformed(field)
  return bytes
}

export function decodeBase64(text: string, field: string): Uint8Array {
  try {
    return parseBase64(text, field)
  } catch {
    throw malformed(field)
  }
}

/** An iteration count that a person can wait for; the first one where there is none. */
export function parseIterations(value: unknown, field: string): number {
  if (value === undefined || value === null) return FIRST_ITERATIONS
  const known = typeof value === 'number' && Number.isInteger(value)
  if (!known || value < LEAST_ITERATIONS || value > MOST_ITERATIONS) throw malformed(field)
  return value
}

/** One key in base64. */
export function parseKey(value: unknown, field: string): Uint8Array {
  return parseBytes(value, { field, least: 1, most: MOST_KEY_BYTES })
}

/** Keys in base64 by name, none of which is longer than 256 bytes. */
export function parseKeysByName(value: unknown, field: string): Readonly<Record<string, Uint8Array>> {
  const entries = Object.entries(requireObject(value, field))
  if (entries.length > MOST_KEYS) throw malformed(field)
  const keys = entries.map(([name, key]) => [requireName(name, field), parseKey(key, field)] as const)
  return Object.fromEntries(keys)
}

/** A conversation's id, at most 256 bytes in UTF-8. */
export function requireName(name: string, field: string): string {
  const { length } = new TextEncoder().encode(name)
  if (length < 1 || length > 256) throw malformed(field)
  return name
}

/** ML-KEM's private key holds its public key after the secret vector (FIPS 203, algorithm 16): how long both are. */
const ML_KEM = [
  { publicLength: 800, privateLength: 1632 },
  { publicLength: 1184, privateLength: 2400 },
  { publicLength: 1568, privateLength: 3168 },
]

/**
 * A key pair as two keys named `<prefix>publicKey` and `<prefix>privateKey`. `ERR_LEGACY_MISMATCH` where both are of
 * ML-KEM and do not belong together; others cannot be told.
 */
export function parseKeyPair(pair: Fields, prefix: string): Readonly<Record<string, Uint8Array>> {
  const publicKey = parseKey(pair['publicKey'], 'publicKey')
  const privateKey = parseKey(pair['privateKey'], 'privateKey')
  const kind = ML_KEM.find(
    ({ publicLength, privateLength }) =>
      publicKey.length === publicLength && privateKey.length === privateLength,
  )
  if (kind !== undefined) {
    const start = kind.privateLength - 64 - kind.publicLength
    const inside = privateKey.subarray(start, start + kind.publicLength)
    if (publicKey.some((byte, at) => byte !== inside[at])) {
      throw new KeyhavenError('ERR_LEGACY_MISMATCH', undefined)
    }
  }
  return { [`${prefix}publicKey`]: publicKey, [`${prefix}privateKey`]: privateKey }
}

/** `keys1024.` for ML-KEM-1024, and so on. */
export function prefixOf(algorithm: unknown): string {
  const [, size] = /^ML-KEM-(512|768|1024)$/.exec(typeof algorithm === 'string' ? algorithm : '') ?? []
  if (size === undefined) throw malformed('algorithm')
  return `keys${size}.`
}

/** Bytes that JSON wrote as `{"0":1,"1":2,…}`, each index in its place. */
export function parseIndexed(value: Fields, field: string): Uint8Array {
  const entries = Object.entries(value)
  const bytes = new Uint8Array(entries.length)
  for (const [at, [index, byte]] of entries.entries()) {
    const known = typeof byte === 'number' && Number.isInteger(byte) && byte >= 0 && byte <= 255
    if (index !== String(at) || !known) throw malformed(field)
    bytes[at] = byte
  }
  return bytes
}
