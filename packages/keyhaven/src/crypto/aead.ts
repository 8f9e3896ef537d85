/**
 * AES-256-GCM (NIST SP 800-38D) by WebCrypto, or for small inputs in Node by `node:crypto`: 32-byte key, 12-byte nonce, 16-byte tag appended to the ciphertext.
 *
 * The caller answers for nonces: random ones, or a fixed one under a key that is used once.
 */
import { KeyhavenError } from '../errors.ts'
import { nodeAead, openByNode, sealByNode } from './node-aead.ts'

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
  requireLengths(input)
  const node = nodeAead(plaintext.length)
  if (node !== undefined) return sealByNode(node, input, plaintext)
  return sealByWebCrypto(input, plaintext)
}

/** Verifies and decrypts ciphertext ‖ tag; `ERR_ENVELOPE_REJECTED` for a wrong key, purpose or altered bytes. */
export async function openAead(input: AeadInput, ciphertext: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  requireLengths(input)
  const node = nodeAead(ciphertext.length)
  const opened = node ? openByNode(node, input, ciphertext) : await openByWebCrypto(input, ciphertext)
  if (opened === undefined) throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
  return opened
}

/** The way that browsers take; exported so that tests can hold it against Node's. */
export async function sealByWebCrypto(
  input: AeadInput,
  plaintext: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await importAeadKey(input.key)
  return new Uint8Array(await crypto.subtle.encrypt(parameters(input), key, buffer(plaintext)))
}

/** As {@link openAead}, but `undefined` for a rejection. */
export async function openByWebCrypto(
  input: AeadInput,
  ciphertext: Uint8Array,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const key = await importAeadKey(input.key)
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(input), key, buffer(ciphertext)))
  } catch {
    return undefined
  }
}

/** Imports a raw 32-byte key as a non-extractable `CryptoKey`, once, for many operations; keeps a `CryptoKey`. */
export async function importAeadKey(key: Uint8Array | CryptoKey): Promise<CryptoKey> {
  if (!(key instanceof Uint8Array)) return key
  requireKeyLength(key)
  return crypto.subtle.importKey('raw', buffer(key), 'AES-GCM', false, ['encrypt', 'decrypt'])
}

function requireKeyLength(key: Uint8Array): void {
  if (key.length === AEAD_KEY_LENGTH) return
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'key', expected: '32 bytes' })
}

function requireLengths({ key, nonce }: AeadInput): void {
  if (key instanceof Uint8Array) requireKeyLength(key)
  if (nonce.length === AEAD_NONCE_LENGTH) return
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'nonce', expected: '12 bytes' })
}

function parameters(input: AeadInput): AesGcmParams {
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
