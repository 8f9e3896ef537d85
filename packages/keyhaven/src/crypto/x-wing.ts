/**
 * X-Wing (draft-connolly-cfrg-xwing-kem): X25519 and ML-KEM-768 together, so that one of them broken is not enough.
 *
 * Seed 32 bytes, public key 1216, ciphertext 1120, shared secret 32.
 */
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js'
import { KeyhavenError } from '../errors.ts'
import { XWING_CIPHERTEXT_LENGTH, XWING_PUBLIC_KEY_LENGTH, XWING_SEED_LENGTH } from './load-x-wing.ts'

/** The public key of a 32-byte seed. */
export function deriveXWingPublicKey(seed: Uint8Array): Uint8Array {
  requireLength('seed', seed, XWING_SEED_LENGTH)
  return ml_kem768_x25519.keygen(seed).publicKey
}

/** A fresh shared secret and the ciphertext that carries it to the holder of the seed. */
export function encapsulate(publicKey: Uint8Array): {
  readonly ciphertext: Uint8Array
  readonly sharedSecret: Uint8Array
} {
  requireLength('publicKey', publicKey, XWING_PUBLIC_KEY_LENGTH)
  const { cipherText, sharedSecret } = ml_kem768_x25519.encapsulate(publicKey)
  return { ciphertext: cipherText, sharedSecret }
}

/** The shared secret of a ciphertext. A foreign or altered ciphertext gives another secret, not an error. */
export function decapsulate(input: {
  readonly ciphertext: Uint8Array
  readonly seed: Uint8Array
}): Uint8Array {
  requireLength('ciphertext', input.ciphertext, XWING_CIPHERTEXT_LENGTH)
  requireLength('seed', input.seed, XWING_SEED_LENGTH)
  return ml_kem768_x25519.decapsulate(input.ciphertext, input.seed)
}

function requireLength(field: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field, expected: `${String(length)} bytes` })
  }
}
