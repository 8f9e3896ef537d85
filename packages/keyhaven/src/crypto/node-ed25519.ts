/**
 * Ed25519 by `node:crypto`: the same bytes and answers as ed25519.ts gives elsewhere, in a tenth of the time.
 */
import type { KeyObject } from 'node:crypto'
import { hexToBytes } from '@noble/curves/utils.js'
import { concat } from './bytes.ts'
import type { Ed25519Signed } from './ed25519.ts'
import type { NodeCrypto } from './node-crypto.ts'

/** What stands before the 32 bytes in PKCS #8 and in SubjectPublicKeyInfo (RFC 8410). */
const PRIVATE_PREFIX = hexToBytes('302e020100300506032b657004220420')
const PUBLIC_PREFIX = hexToBytes('302a300506032b6570032100')

export function deriveByNode(node: NodeCrypto, seed: Uint8Array): Uint8Array {
  const publicKey = node.createPublicKey(importSeed(node, seed))
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32))
}

export function signByNode(
  node: NodeCrypto,
  input: { readonly seed: Uint8Array; readonly message: Uint8Array },
): Uint8Array {
  return new Uint8Array(node.sign(null, input.message, importSeed(node, input.seed)))
}

export function verifyByNode(node: NodeCrypto, { publicKey, message, signature }: Ed25519Signed): boolean {
  const key = Buffer.from(concat(PUBLIC_PREFIX, publicKey))
  try {
    return node.verify(null, message, { key, format: 'der', type: 'spki' }, signature)
  } catch {
    return false
  }
}

function importSeed(node: NodeCrypto, seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new RangeError('An Ed25519 seed has 32 bytes.')
  const der = Buffer.concat([PRIVATE_PREFIX, seed])
  try {
    return node.createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}
