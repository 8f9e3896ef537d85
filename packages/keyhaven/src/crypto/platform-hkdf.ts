/**
 * SHA-256 and HKDF-SHA-256 by what the platform brings: node:crypto where it is, else WebCrypto. The same bytes as
 * hkdf.ts gives, for pages, where every kilobyte counts, and for opening a vault in well under a millisecond in Node,
 * whose WebCrypto spends most of that on its own way in.
 */

import { nodeCrypto } from './node-crypto.ts'

/** Derives `length` bytes (32 unless told) from `secret`, with an empty salt (RFC 5869). */
export async function deriveKeyByPlatform(input: {
  readonly secret: Uint8Array
  readonly info: Uint8Array
  readonly length?: number
}): Promise<Uint8Array> {
  const { secret, info, length = 32 } = input
  const native = nodeCrypto()
  if (native !== undefined) {
    return new Uint8Array(native.hkdfSync('sha256', secret, new Uint8Array(0), info, length))
  }
  return deriveKeyByWebCrypto({ secret, info, length })
}

/** SHA-256 (FIPS 180-4). */
export async function sha256ByPlatform(bytes: Uint8Array): Promise<Uint8Array> {
  const native = nodeCrypto()
  if (native !== undefined) return new Uint8Array(native.createHash('sha256').update(bytes).digest())
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)))
}

/** The way that browsers take; named so that tests can hold it against the others. */
export async function deriveKeyByWebCrypto(input: {
  readonly secret: Uint8Array
  readonly info: Uint8Array
  readonly length: number
}): Promise<Uint8Array> {
  const secret = new Uint8Array(input.secret)
  try {
    const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
    const info = new Uint8Array(input.info)
    const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info }
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, input.length * 8))
  } finally {
    secret.fill(0)
  }
}
