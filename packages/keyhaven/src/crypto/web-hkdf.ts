/**
 * SHA-256 and HKDF-SHA-256 by WebCrypto: the same bytes as hkdf.ts gives, for where every kilobyte of a page counts and
 * waiting is no trouble.
 */

/** Derives `length` bytes (32 unless told) from `secret`, with an empty salt (RFC 5869). */
export async function deriveKeyByWebCrypto(input: {
  readonly secret: Uint8Array
  readonly info: Uint8Array
  readonly length?: number
}): Promise<Uint8Array> {
  const secret = new Uint8Array(input.secret)
  try {
    const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
    const info = new Uint8Array(input.info)
    const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info }
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, (input.length ?? 32) * 8))
  } finally {
    secret.fill(0)
  }
}

/** SHA-256 (FIPS 180-4). */
export async function sha256ByWebCrypto(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)))
}
