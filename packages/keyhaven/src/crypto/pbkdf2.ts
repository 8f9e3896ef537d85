/**
 * PBKDF2-HMAC-SHA-256 (RFC 8018, NIST SP 800-132) by WebCrypto, for where only FIPS algorithms may be used, and to read
 * what other systems left. It costs an attacker with GPUs far less than Argon2id does.
 */

/** Derives `length` bytes; the buffers stay the caller's. */
export async function derivePbkdf2(input: {
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly iterations: number
  readonly length: number
}): Promise<Uint8Array> {
  const { iterations } = input
  const password = new Uint8Array(input.password)
  try {
    const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits'])
    const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(input.salt), iterations }
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, input.length * 8))
  } finally {
    password.fill(0)
  }
}
