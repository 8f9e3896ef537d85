/**
 * Ed25519 (RFC 8032), verified strictly, so that a signature has one reading wherever it is checked: canonical encodings,
 * no key of small order, and the equation without the cofactor, which is the one that `node:crypto` checks.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToNumberLE, hexToBytes } from '@noble/curves/utils.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concat, equal } from './bytes.ts'
import { nodeCrypto } from './node-crypto.ts'
import { deriveByNode, signByNode, verifyByNode } from './node-ed25519.ts'

const { Point } = ed25519

/** The y coordinates of the eight points of small order; the sign of x is the top bit. */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map(hexToBytes)

export interface Ed25519Signed {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** The public key (32 bytes) of a seed (32 bytes). */
export function deriveEd25519PublicKey(seed: Uint8Array): Uint8Array {
  const node = nodeCrypto()
  return node === undefined ? ed25519.getPublicKey(seed) : deriveByNode(node, seed)
}

/** A 64-byte signature. */
export function signEd25519(input: { readonly seed: Uint8Array; readonly message: Uint8Array }): Uint8Array {
  const node = nodeCrypto()
  return node === undefined ? ed25519.sign(input.message, input.seed) : signByNode(node, input)
}

/** True for the canonical encoding of a point that is not of small order. */
export function isEd25519PublicKey(publicKey: Uint8Array): boolean {
  if (!isCanonicalAndLarge(publicKey)) return false
  try {
    Point.fromBytes(publicKey, false)
    return true
  } catch {
    return false
  }
}

/** True when the signature is good; malformed keys and signatures are just not good. */
export function verifyEd25519(input: Ed25519Signed): boolean {
  if (!isCanonicalAndLarge(input.publicKey) || input.signature.length !== 64) return false
  const node = nodeCrypto()
  return node === undefined ? verifyByPoints(input) : verifyByNode(node, input)
}

/** The same without `node:crypto`; for a key that {@link verifyEd25519} lets pass. */
export function verifyByPoints({ publicKey, message, signature }: Ed25519Signed): boolean {
  const r = signature.subarray(0, 32)
  const s = bytesToNumberLE(signature.subarray(32))
  if (s >= Point.Fn.ORDER) return false
  const k = Point.Fn.create(bytesToNumberLE(sha512(concat(r, publicKey, message))))
  try {
    const a = Point.fromBytes(publicKey, false)
    return equal(Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).toBytes(), r)
  } catch {
    return false
  }
}

/** Whether y is below 2^255 - 19, and not that of a point of small order. */
function isCanonicalAndLarge(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false
  const y = publicKey.slice()
  y[31] = (y[31] ?? 0) & 0x7f
  if (bytesToNumberLE(y) >= Point.Fp.ORDER) return false
  return !SMALL_ORDER.some((small) => equal(small, y))
}
