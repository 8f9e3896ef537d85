/**
 * Signatures of tokens (RFC 7518, 3.2 and 3.3; RFC 8037) by `node:crypto`, at once. WebCrypto makes each of them a task of another
 * thread, and to wake that thread takes the event loop longer than the check itself.
 */
import { createHmac, createPublicKey, createSecretKey, timingSafeEqual, verify } from 'node:crypto'
import type { TenantAlgorithm } from '../settings/tenants.ts'

/** True when the signature is the key's over just these bytes. */
export type CheckSignature = (signed: Uint8Array, signature: Uint8Array) => boolean

/** A check by one key: a secret for HS256, else a SubjectPublicKeyInfo, of the kind and length that settings/tenants.ts requires. */
export function createSignatureCheck(algorithm: TenantAlgorithm, data: Uint8Array): CheckSignature {
  const bytes = Buffer.from(data)
  if (algorithm === 'HS256') {
    const secret = createSecretKey(bytes)
    return (signed, signature) => {
      const expected = createHmac('sha256', secret).update(signed).digest()
      return signature.length === expected.length && timingSafeEqual(signature, expected)
    }
  }
  const key = createPublicKey({ key: bytes, format: 'der', type: 'spki' })
  // RSA keys check by PKCS #1 v1.5, which is what RS256 means.
  const digest = algorithm === 'RS256' ? 'sha256' : null
  return (signed, signature) => verify(digest, signed, key, signature)
}
