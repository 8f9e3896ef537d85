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

/**
 * A fresh shared secret and the ciphertext that carries it to the holder of the seed. `ERR_INPUT_INVALID` for a public
 * key of which nobody has the seed: an X25519 point of small order, or ML-KEM coefficients that are not reduced.
 */
export function encapsulate(publicKey: Uint8Array): {
  readonly ciphertext: Uint8Array
  readonly sharedSecret: Uint8Array
} {
  requireLength('publicKey', publicKey, XWING_PUBLIC_KEY_LENGTH)
  try {
    const { cipherText, sharedSecret } = ml_kem768_x25519.encapsulate(publicKey)
    return { ciphertext: cipherText, sharedSecret }
  } catch {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'publicKey', expected: 'an X-Wing public key' })
  }
}

/**
 * The shared secret of a ciphertext. A foreign or altered ciphertext gives another secret, not an error, but for one whose
 * X25519 point is of small order: `ERR_ENVELOPE_REJECTED`.
 */
export function decapsulate(input: {
  readonly ciphertext: Uint8Array
  readonly seed: Uint8Array
}): Uint8Array {
  requireLength('ciphertext', input.ciphertext, XWING_CIPHERTEXT_LENGTH)
  requireLength('seed', input.seed, XWING_SEED_LENGTH)
  try {
    return ml_kem768_x25519.decapsulate(input.ciphertext, input.seed)
  } catch {
    throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
  }
}

function requireLength(field: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field, expected: `${String(length)} bytes` })
  }
}
