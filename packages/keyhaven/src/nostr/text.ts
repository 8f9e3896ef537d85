/**
 * Nostr keys as text (NIP-19): `nsec1…` for a secret key, `npub1…` for a public key, and plain hex.
 */
import { bech32 } from '@scure/base'
import { parseHex, toHex } from '../crypto/text.ts'
import { deriveSchnorrPublicKey } from '../crypto/schnorr.ts'
import { KeyhavenError } from '../errors.ts'

const KEY_LENGTH = 32
const MOST_CHARACTERS = 200

/** The `nsec1…` of a 32-byte secret key. */
export function encodeNsec(secretKey: Uint8Array): string {
  return encodeBech32('nsec', requireSecretKey(secretKey, 'secretKey'))
}

/** The secret key of an `nsec1…`; `ERR_INPUT_INVALID` for any other text. */
export function parseNsec(text: string): Uint8Array {
  return requireSecretKey(parseBech32(text, 'nsec'), 'nsec')
}

/** The secret key of 64 hex digits, either case; `ERR_INPUT_INVALID` for any other text. */
export function parseSecretKeyHex(text: string): Uint8Array {
  return requireSecretKey(parseHex(text.toLowerCase(), 'secret key in hex', KEY_LENGTH), 'secret key in hex')
}

/** The `npub1…` of a public key in hex. */
export function encodeNpub(publicKey: string): string {
  return encodeBech32('npub', parseHex(publicKey, 'publicKey', KEY_LENGTH))
}

/** The public key in hex of an `npub1…`. */
export function parseNpub(text: string): string {
  const bytes = parseBech32(text, 'npub')
  if (bytes.length !== KEY_LENGTH) throw invalid('npub')
  return toHex(bytes)
}

/** The public key of a secret key, in hex, as Nostr names people. */
export function deriveNostrPublicKey(secretKey: Uint8Array): string {
  return toHex(deriveSchnorrPublicKey(secretKey))
}

/** Bytes of a bech32 text with this prefix, at most 200 characters; `ERR_INPUT_INVALID` names the prefix. */
export function parseBech32(text: string, prefix: string): Uint8Array {
  if (text.length > MOST_CHARACTERS) throw invalid(prefix)
  try {
    // The type asks for a "1"; the decoder itself checks for it.
    const decoded = bech32.decode(text as `${string}1${string}`, MOST_CHARACTERS)
    if (decoded.prefix === prefix) return bech32.fromWords(decoded.words)
  } catch {
    throw invalid(prefix)
  }
  throw invalid(prefix)
}

export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  return bech32.encode(prefix, bech32.toWords(bytes), MOST_CHARACTERS)
}

/** A secret key must be a scalar of the group: not zero, and below its order. */
function requireSecretKey(bytes: Uint8Array, field: string): Uint8Array {
  try {
    deriveSchnorrPublicKey(bytes)
    return bytes
  } catch {
    throw invalid(field)
  }
}

function invalid(field: string): KeyhavenError {
  return new KeyhavenError('ERR_INPUT_INVALID', { field, expected: `a Nostr ${field}` })
}
