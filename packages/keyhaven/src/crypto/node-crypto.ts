/**
 * `node:crypto` where it is, in a way that bundlers for pages do not see. Node's WebCrypto sends each small operation
 * through its thread pool, which takes longer than the operation.
 */

/** The part that is used. */
export type NodeCrypto = Pick<
  ReturnType<typeof process.getBuiltinModule<'node:crypto'>>,
  | 'createCipheriv'
  | 'createDecipheriv'
  | 'createHash'
  | 'createPrivateKey'
  | 'createPublicKey'
  | 'hkdfSync'
  | 'KeyObject'
  | 'scrypt'
  | 'sign'
  | 'timingSafeEqual'
  | 'verify'
>

/** The module, or `undefined` in a browser. */
export function nodeCrypto(): NodeCrypto | undefined {
  if (typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function') return undefined
  return process.getBuiltinModule('node:crypto')
}
