/**
 * NIP-49: a Nostr secret key under a password, as `ncryptsec1…`, which other Nostr apps read.
 *
 * scrypt with r = 8, p = 1; XChaCha20-Poly1305 with the key security byte as associated data. The format has no
 * verifier besides the tag: a rejection is a wrong password or damage. For keys at rest here use the vault itself;
 * this is for carrying a key elsewhere.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { concat, randomBytes, utf8, wipe } from '../crypto/bytes.ts'
import { loadScrypt } from '../crypto/scrypt.ts'
import type { Scrypt } from '../crypto/scrypt.ts'
import { KeyhavenError } from '../errors.ts'
import { encodeBech32, parseBech32 } from './text.ts'

const VERSION = 2
const SALT_LENGTH = 16
const NONCE_LENGTH = 24
const LENGTH = 1 + 1 + SALT_LENGTH + NONCE_LENGTH + 1 + 48
const LEAST_LOG_N = 16
const MOST_LOG_N = 20

/** What is known of how the key was handled before: the key security byte. */
export type KeySecurity = 'handled-insecurely' | 'not-known-insecure' | 'not-tracked'

const SECURITY_BYTES: readonly KeySecurity[] = ['handled-insecurely', 'not-known-insecure', 'not-tracked']

/**
 * Seals a 32-byte secret key under a password, taken in NFKC. `logN` 16 to 20, 16 unless told: memory is
 * 2^(logN + 10) bytes, 64 MiB at 16.
 */
export async function sealNcryptsec(input: {
  readonly secretKey: Uint8Array
  readonly password: string
  readonly logN?: number
  readonly keySecurity?: KeySecurity
  readonly scrypt?: Scrypt
}): Promise<string> {
  const logN = input.logN ?? LEAST_LOG_N
  if (!Number.isInteger(logN) || logN < LEAST_LOG_N || logN > MOST_LOG_N) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'logN', expected: '16 to 20' })
  }
  if (input.secretKey.length !== 32) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'secretKey', expected: '32 bytes' })
  }
  const salt = randomBytes(SALT_LENGTH)
  const nonce = randomBytes(NONCE_LENGTH)
  const security = Uint8Array.of(SECURITY_BYTES.indexOf(input.keySecurity ?? 'not-tracked'))
  const key = await deriveKey({ ...input, salt, logN })
  try {
    const sealed = xchacha20poly1305(key, nonce, security).encrypt(input.secretKey)
    return encodeBech32('ncryptsec', concat(Uint8Array.of(VERSION, logN), salt, nonce, security, sealed))
  } finally {
    wipe(key)
  }
}

/**
 * Opens an `ncryptsec1…`. `ERR_INPUT_INVALID` when it is none, `ERR_ENVELOPE_MALFORMED` for an unknown version or a
 * `logN` above `mostLogN` (20 unless told: 1 GiB), `ERR_ENVELOPE_REJECTED` for a wrong password or damage.
 */
export async function openNcryptsec(input: {
  readonly ncryptsec: string
  readonly password: string
  readonly mostLogN?: number
  readonly scrypt?: Scrypt
}): Promise<{ readonly secretKey: Uint8Array; readonly keySecurity: KeySecurity }> {
  const envelope = parseEnvelope(input.ncryptsec, input.mostLogN ?? MOST_LOG_N)
  const key = await deriveKey({ ...input, ...envelope })
  try {
    const opened = xchacha20poly1305(key, envelope.nonce, envelope.security).decrypt(envelope.sealed)
    return { secretKey: opened, keySecurity: SECURITY_BYTES[envelope.security[0] ?? 2] ?? 'not-tracked' }
  } catch {
    throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
  } finally {
    wipe(key)
  }
}

interface Envelope {
  readonly logN: number
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly security: Uint8Array
  readonly sealed: Uint8Array
}

function parseEnvelope(text: string, mostLogN: number): Envelope {
  const bytes = parseBech32(text, 'ncryptsec')
  if (bytes.length !== LENGTH) throw malformed('length')
  const [version = 0, logN = 0] = bytes
  if (version !== VERSION) throw malformed('version')
  const nonceAt = 2 + SALT_LENGTH
  const securityAt = nonceAt + NONCE_LENGTH
  const security = bytes.subarray(securityAt, securityAt + 1)
  const known = (security[0] ?? 0) < SECURITY_BYTES.length
  if (logN < 1 || logN > Math.min(mostLogN, 22) || !known) throw malformed('parameters')
  return {
    logN,
    salt: bytes.subarray(2, nonceAt),
    nonce: bytes.subarray(nonceAt, securityAt),
    security,
    sealed: bytes.subarray(securityAt + 1),
  }
}

async function deriveKey(input: {
  readonly password: string
  readonly salt: Uint8Array
  readonly logN: number
  readonly scrypt?: Scrypt
}): Promise<Uint8Array> {
  const password = utf8(input.password.normalize('NFKC'))
  const scrypt = input.scrypt ?? (await loadScrypt())
  try {
    return await scrypt({ password, salt: input.salt, logN: input.logN, length: 32 })
  } finally {
    wipe(password)
  }
}

function malformed(problem: 'length' | 'version' | 'parameters'): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem })
}
