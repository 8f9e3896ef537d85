/**
 * ML-DSA-65 (FIPS 204) from a 32-byte seed, hedged signing, empty context.
 */
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { KeyhavenError } from '../errors.ts'

export const ML_DSA_65_SEED_LENGTH = 32
export const ML_DSA_65_PUBLIC_KEY_LENGTH = 1952
export const ML_DSA_65_SIGNATURE_LENGTH = 3309

/** The public key of a 32-byte seed. */
export function deriveMlDsa65PublicKey(seed: Uint8Array): Uint8Array {
  return ml_dsa65.keygen(requireSeed(seed)).publicKey
}

/** Signs a message of any length. */
export function signMlDsa65(input: { readonly message: Uint8Array; readonly seed: Uint8Array }): Uint8Array {
  const { secretKey } = ml_dsa65.keygen(requireSeed(input.seed))
  try {
    return ml_dsa65.sign(input.message, secretKey)
  } finally {
    secretKey.fill(0)
  }
}

/** Whether this is the key's signature of the message; false for anything malformed. */
export function verifyMlDsa65(input: {
  readonly signature: Uint8Array
  readonly message: Uint8Array
  readonly publicKey: Uint8Array
}): boolean {
  const { signature, message, publicKey } = input
  if (signature.length !== ML_DSA_65_SIGNATURE_LENGTH) return false
  if (publicKey.length !== ML_DSA_65_PUBLIC_KEY_LENGTH) return false
  return ml_dsa65.verify(signature, message, publicKey)
}

function requireSeed(seed: Uint8Array): Uint8Array {
  if (seed.length === ML_DSA_65_SEED_LENGTH) return seed
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'seed', expected: '32 bytes' })
}
