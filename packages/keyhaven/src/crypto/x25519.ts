/**
 * X25519 (RFC 7748): whether a public key is one to agree with.
 */
import { x25519 } from '@noble/curves/ed25519.js'

const SCALAR = new Uint8Array(32).fill(1)

/** False for another length, and for a point of small order, with which everybody agrees on zero. */
export function isX25519PublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false
  try {
    return x25519.getSharedSecret(SCALAR, publicKey).some((byte) => byte !== 0)
  } catch {
    return false
  }
}
