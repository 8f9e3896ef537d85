/**
 * AES-256-GCM by `node:crypto`, for small inputs: the same bytes as WebCrypto gives (aead.ts), without its way through
 * the thread pool. A key that may not be exported stays so.
 */
import type { KeyObject } from 'node:crypto'
import { concat } from './bytes.ts'
import { nodeCrypto } from './node-crypto.ts'
import type { NodeCrypto } from './node-crypto.ts'

/** Beyond this many bytes, other work of the process should not have to wait. */
const MOST_BYTES = 64 * 1024
const TAG_LENGTH = 16
const ALGORITHM = 'aes-256-gcm'
const OPTIONS = { authTagLength: TAG_LENGTH }

interface Input {
  readonly key: Uint8Array | CryptoKey
  readonly nonce: Uint8Array
  readonly associatedData: Uint8Array
}

/** `node:crypto` for an input of this length, or `undefined` where WebCrypto is to be used. */
export function nodeAead(length: number): NodeCrypto | undefined {
  return length <= MOST_BYTES ? nodeCrypto() : undefined
}

/** Ciphertext ‖ tag. */
export function sealByNode(node: NodeCrypto, input: Input, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  const cipher = node.createCipheriv(ALGORITHM, keyOf(node, input.key), input.nonce, OPTIONS)
  cipher.setAAD(input.associatedData)
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

/** The plaintext, or `undefined` when the tag does not fit; nothing of it is handed out before that is known. */
export function openByNode(
  node: NodeCrypto,
  input: Input,
  ciphertext: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  if (ciphertext.length < TAG_LENGTH) return undefined
  const decipher = node.createDecipheriv(ALGORITHM, keyOf(node, input.key), input.nonce, OPTIONS)
  decipher.setAAD(input.associatedData)
  decipher.setAuthTag(ciphertext.subarray(-TAG_LENGTH))
  const opened = decipher.update(ciphertext.subarray(0, -TAG_LENGTH))
  try {
    decipher.final()
    return new Uint8Array(opened)
  } catch {
    return undefined
  } finally {
    opened.fill(0)
  }
}

const keyObjects = new WeakMap<CryptoKey, KeyObject>()

function keyOf(node: NodeCrypto, key: Uint8Array | CryptoKey): Uint8Array | KeyObject {
  if (key instanceof Uint8Array) return key
  const known = keyObjects.get(key) ?? node.KeyObject.from(key)
  keyObjects.set(key, known)
  return known
}
