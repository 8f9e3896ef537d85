/**
 * AES-256-GCM (NIST SP 800-38D) by WebCrypto: 32-byte key, 12-byte nonce, 16-byte tag appended to the ciphertext.
 *
 * The caller answers for nonces: random ones, or a fixed one under a key that is used once.
 */
import { KeyhavenError } from '../errors.ts'

export const AEAD_KEY_LENGTH = 32
export const AEAD_NONCE_LENGTH = 12
export const AEAD_TAG_LENGTH = 16

/** Inputs of one AES-256-GCM operation; the buffers stay the caller's. */
export interface AeadInput {
  /** A raw 32-byte key, or a `CryptoKey` that may be non-extractable. */
  readonly key: Uint8Array | CryptoKey
  readonly nonce: Uint8Array
  readonly associatedData: Uint8Array
}

/** Encrypts and authenticates; returns ciphertext ‖ tag. */
export async function sealAead(input: AeadInput, plaintext: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const key = await importAeadKey(input.key)
  return new Uint8Array(await crypto.subtle.encrypt(parameters(input), key, buffer(plaintext)))
}

/** Verifies and decrypts ciphertext ‖ tag; `ERR_ENVELOPE_REJECTED` for a wrong key, purpose or altered bytes. */
export async function openAead(input: AeadInput, ciphertext: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const key = await importAeadKey(input.key)
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(input), key, buffer(ciphertext)))
  } catch {
    throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
  }
}

/** Imports a raw 32-byte key as a non-extractable `CryptoKey`, once, for many operations; keeps a `CryptoKey`. */
export async function importAeadKey(key: Uint8Array | CryptoKey): Promise<CryptoKey> {
  if (!(key instanceof Uint8Array)) return key
  if (key.length !== AEAD_KEY_LENGTH) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'key', expected: '32 bytes' })
  }
  return crypto.subtle.importKey('raw', buffer(key), 'AES-GCM', false, ['encrypt', 'decrypt'])
}

function parameters(input: AeadInput): AesGcmParams {
  if (input.nonce.length !== AEAD_NONCE_LENGTH) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'nonce', expected: '12 bytes' })
  }
  return {
    name: 'AES-GCM',
    iv: buffer(input.nonce),
    additionalData: buffer(input.associatedData),
    tagLength: 128,
  }
}

/** WebCrypto's types refuse views of shared memory, which nothing here makes; others are copied. */
function buffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes)
}
