/**
 * Ed25519 (RFC 8032), verified strictly: canonical encodings and no small-order keys, so that a signature has one reading.
 */
import { ed25519 } from '@noble/curves/ed25519.js'

/** The public key (32 bytes) of a seed (32 bytes). */
export function deriveEd25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed)
}

/** A 64-byte signature. */
export function signEd25519(input: { readonly seed: Uint8Array; readonly message: Uint8Array }): Uint8Array {
  return ed25519.sign(input.message, input.seed)
}

/** True for the canonical encoding of a point that is not of small order. */
export function isEd25519PublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false
  try {
    return !ed25519.Point.fromBytes(publicKey, false).isSmallOrder()
  } catch {
    return false
  }
}

/** True when the signature is good; malformed keys and signatures are just not good. */
export function verifyEd25519(input: {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}): boolean {
  if (!isEd25519PublicKey(input.publicKey) || input.signature.length !== 64) return false
  try {
    return ed25519.verify(input.signature, input.message, input.publicKey, { zip215: false })
  } catch {
    return false
  }
}
