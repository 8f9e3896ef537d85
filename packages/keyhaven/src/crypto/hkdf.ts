/**
 * HKDF-SHA-256 (RFC 5869), the only way in which one key of Keyhaven becomes another.
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { nodeCrypto } from './node-crypto.ts'

/** From so many bytes on, node:crypto is quicker than its own way in. */
const LARGE_BYTES = 1024

/** Derives `length` bytes (32 unless told) from `secret`, with an empty salt unless one is given. */
export function deriveKey(input: {
  readonly secret: Uint8Array
  readonly info: Uint8Array
  readonly salt?: Uint8Array
  readonly length?: number
}): Uint8Array {
  return hkdf(nobleSha256, input.secret, input.salt, input.info, input.length ?? 32)
}

/** SHA-256 (FIPS 180-4). */
export function sha256(bytes: Uint8Array): Uint8Array {
  const node = bytes.length < LARGE_BYTES ? undefined : nodeCrypto()
  return node === undefined
    ? nobleSha256(bytes)
    : new Uint8Array(node.createHash('sha256').update(bytes).digest())
}
