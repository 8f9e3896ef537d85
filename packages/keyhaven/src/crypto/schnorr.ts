/**
 * Schnorr signatures over secp256k1 (BIP 340), as Nostr uses them: 32-byte secret keys and x-only public keys.
 */
import { schnorr } from '@noble/curves/secp256k1.js'
import { KeyhavenError } from '../errors.ts'

export const SCHNORR_KEY_LENGTH = 32
export const SCHNORR_SIGNATURE_LENGTH = 64

/** The 32-byte x-only public key. `ERR_INPUT_INVALID` for a secret that is zero or not below the group's order. */
export function deriveSchnorrPublicKey(secretKey: Uint8Array): Uint8Array {
  return withSecret(secretKey, () => schnorr.getPublicKey(secretKey))
}

/** Signs a 32-byte message, with fresh auxiliary randomness. */
export function signSchnorr(input: {
  readonly message: Uint8Array
  readonly secretKey: Uint8Array
}): Uint8Array {
  const { message, secretKey } = input
  if (message.length !== 32) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'message', expected: '32 bytes' })
  }
  return withSecret(secretKey, () => schnorr.sign(message, secretKey))
}

/** Whether this is the key's signature of the message; false for anything malformed. */
export function verifySchnorr(input: {
  readonly signature: Uint8Array
  readonly message: Uint8Array
  readonly publicKey: Uint8Array
}): boolean {
  const { signature, message, publicKey } = input
  if (signature.length !== SCHNORR_SIGNATURE_LENGTH || publicKey.length !== SCHNORR_KEY_LENGTH) return false
  return schnorr.verify(signature, message, publicKey)
}

/** The library's errors may describe their input; none of them leaves. */
function withSecret<T>(secretKey: Uint8Array, work: () => T): T {
  try {
    return work()
  } catch {
    throw new KeyhavenError('ERR_INPUT_INVALID', {
      field: secretKey.length === SCHNORR_KEY_LENGTH ? 'secretKey' : 'secretKey length',
      expected: 'a secp256k1 secret key',
    })
  }
}
