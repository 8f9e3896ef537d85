/**
 * NIP-44, version 2: messages between two Nostr keys. secp256k1 ECDH, HKDF-SHA-256, ChaCha20, HMAC-SHA-256, padding.
 *
 * No forward secrecy and no deniability: whoever gets one of the two keys reads everything.
 */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { KeyhavenError } from '../errors.ts'
import { be2, concat, equalConstantTime, parseUtf8, randomBytes, utf8, wipe } from './bytes.ts'
import { parseBase64, toBase64 } from './text.ts'

const VERSION = 2
const NONCE_LENGTH = 32
const MAC_LENGTH = 32
const MOST_PLAINTEXT = 65_535
const LEAST_PAYLOAD = 99
const MOST_PAYLOAD = 65_603

/** The two parties' conversation key, the same from both sides. `ERR_INPUT_INVALID` for a public key that is none. */
export function deriveConversationKey(input: {
  readonly secretKey: Uint8Array
  readonly publicKey: Uint8Array
}): Uint8Array {
  try {
    const point = concat(Uint8Array.of(2), input.publicKey)
    const shared = secp256k1.getSharedSecret(input.secretKey, point)
    try {
      return extract(sha256, shared.subarray(1, 33), utf8('nip44-v2'))
    } finally {
      wipe(shared)
    }
  } catch {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'publicKey', expected: 'an x-only secp256k1 key' })
  }
}

/** Seals a text of 1 to 65,535 bytes; base64. `nonce` is random unless a test vector gives it. */
export function sealNip44(
  text: string,
  conversationKey: Uint8Array,
  nonce: Uint8Array = randomBytes(NONCE_LENGTH),
): string {
  const keys = deriveMessageKeys(conversationKey, nonce)
  const padded = pad(utf8(text))
  const ciphertext = chacha20(keys.cipherKey, keys.cipherNonce, padded)
  const mac = hmac(sha256, keys.macKey, concat(nonce, ciphertext))
  wipe(padded, keys.all)
  return toBase64(concat(Uint8Array.of(VERSION), nonce, ciphertext, mac))
}

/** Opens what {@link sealNip44} made. `ERR_ENVELOPE_MALFORMED`, or `ERR_ENVELOPE_REJECTED` when it is not authentic. */
export function openNip44(payload: string, conversationKey: Uint8Array): string {
  const bytes = parsePayload(payload)
  const nonce = bytes.subarray(1, 1 + NONCE_LENGTH)
  const ciphertext = bytes.subarray(1 + NONCE_LENGTH, -MAC_LENGTH)
  const keys = deriveMessageKeys(conversationKey, nonce)
  const mac = hmac(sha256, keys.macKey, concat(nonce, ciphertext))
  if (!equalConstantTime(mac, bytes.subarray(-MAC_LENGTH))) {
    throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
  }
  const padded = chacha20(keys.cipherKey, keys.cipherNonce, ciphertext)
  try {
    return parseUtf8(unpad(padded))
  } finally {
    wipe(padded, keys.all)
  }
}

function parsePayload(payload: string): Uint8Array {
  if (payload.length > (MOST_PAYLOAD / 3) * 4 + 4) throw malformed('length')
  if (payload.startsWith('#')) throw malformed('version')
  const bytes = parseBase64(payload, 'payload')
  if (bytes.length < LEAST_PAYLOAD || bytes.length > MOST_PAYLOAD) throw malformed('length')
  if (bytes[0] !== VERSION) throw malformed('version')
  return bytes
}

interface MessageKeys {
  readonly all: Uint8Array
  readonly cipherKey: Uint8Array
  readonly cipherNonce: Uint8Array
  readonly macKey: Uint8Array
}

function deriveMessageKeys(conversationKey: Uint8Array, nonce: Uint8Array): MessageKeys {
  const all = expand(sha256, conversationKey, nonce, 76)
  return {
    all,
    cipherKey: all.subarray(0, 32),
    cipherNonce: all.subarray(32, 44),
    macKey: all.subarray(44),
  }
}

function pad(plaintext: Uint8Array): Uint8Array {
  if (plaintext.length < 1 || plaintext.length > MOST_PLAINTEXT) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'text', expected: '1 to 65,535 bytes of UTF-8' })
  }
  const padded = new Uint8Array(2 + paddedLength(plaintext.length))
  padded.set(be2(plaintext.length))
  padded.set(plaintext, 2)
  return padded
}

function unpad(padded: Uint8Array): Uint8Array {
  const length = (padded[0] ?? 0) * 256 + (padded[1] ?? 0)
  if (length === 0 || padded.length !== 2 + paddedLength(length)) throw malformed('length')
  return padded.subarray(2, 2 + length)
}

function paddedLength(length: number): number {
  if (length <= 32) return 32
  const nextPower = 2 ** (Math.floor(Math.log2(length - 1)) + 1)
  const chunk = nextPower <= 256 ? 32 : nextPower / 8
  return chunk * (Math.floor((length - 1) / chunk) + 1)
}

function malformed(problem: 'length' | 'version'): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem })
}
