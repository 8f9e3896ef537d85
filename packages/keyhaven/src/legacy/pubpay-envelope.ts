/**
 * PubPay's envelope: reading its JSON, and writing it, for an app that still reads it.
 */
import { sealAead } from '../crypto/aead.ts'
import { randomBytes, utf8, wipe } from '../crypto/bytes.ts'
import { derivePbkdf2 } from '../crypto/pbkdf2.ts'
import { parseBase64, toBase64 } from '../crypto/text.ts'
import { KeyhavenError } from '../errors.ts'
import { deriveNostrPublicKey, encodeNsec } from '../nostr/text.ts'

export const ITERATIONS = 100_000
export const DEVICE_SALT = 'pubpay-device-salt'
const IV_LENGTH = 12
const SALT_LENGTH = 16
const LEAST_ENCRYPTED = 17
const MOST_ENCRYPTED = 1024
const MOST_TEXT = 4096

export interface PubPayEnvelope {
  readonly encrypted: Uint8Array
  readonly salt: Uint8Array
  readonly iv: Uint8Array
  readonly hasPassword: boolean
}

/** Reads the entry `privateKey`; `ERR_LEGACY_MALFORMED` names the field that is not in the format. */
export function parseEnvelope(text: string): PubPayEnvelope {
  const { encrypted, salt, iv, hasPassword } = parseFields(text)
  if (typeof hasPassword !== 'boolean') throw malformed('hasPassword')
  const envelope = {
    encrypted: parseField(encrypted, 'encrypted'),
    salt: parseField(salt, 'salt'),
    iv: parseField(iv, 'iv'),
    hasPassword,
  }
  const { length } = envelope.encrypted
  if (length < LEAST_ENCRYPTED || length > MOST_ENCRYPTED) throw malformed('encrypted')
  if (envelope.salt.length !== SALT_LENGTH) throw malformed('salt')
  if (envelope.iv.length !== IV_LENGTH) throw malformed('iv')
  return envelope
}

function parseFields(text: string): { readonly [K in keyof PubPayEnvelope]?: unknown } {
  if (text.length > MOST_TEXT) throw malformed('privateKey')
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    throw malformed('privateKey')
  }
  throw malformed('privateKey')
}

function parseField(value: unknown, field: string): Uint8Array {
  if (typeof value !== 'string') throw malformed(field)
  try {
    return parseBase64(value, field)
  } catch {
    throw malformed(field)
  }
}

function malformed(problem: string): KeyhavenError {
  return new KeyhavenError('ERR_LEGACY_MALFORMED', { problem })
}

/**
 * Writes a secret key in PubPay's format, as the entries that it expects in `localStorage`.
 *
 * Warning: this is as weak as it always was. Without a password the key to the ciphertext lies beside it; with one, a
 * guess costs 100,000 rounds of SHA-256. Write it only for an app that cannot read anything else yet.
 */
export async function sealPubPay(input: {
  readonly secretKey: Uint8Array
  readonly password?: string
  readonly acceptWeakFormat: true
}): Promise<
  Readonly<Record<'privateKey' | 'publicKey' | 'signInMethod', string> & { readonly _dk?: string }>
> {
  const deviceKey = input.password === undefined ? toBase64(randomBytes(32)) : undefined
  const salt = randomBytes(SALT_LENGTH)
  const iv = randomBytes(IV_LENGTH)
  const key = await derivePbkdf2({
    password: utf8(input.password ?? deviceKey ?? ''),
    salt: deviceKey === undefined ? salt : utf8(DEVICE_SALT),
    iterations: ITERATIONS,
    length: 32,
  })
  const nsec = utf8(encodeNsec(input.secretKey))
  const encrypted = await sealAead({ key, nonce: iv, associatedData: new Uint8Array(0) }, nsec)
  wipe(key, nsec)
  const fields = { encrypted: toBase64(encrypted), salt: toBase64(salt), iv: toBase64(iv) }
  return {
    publicKey: deriveNostrPublicKey(input.secretKey),
    signInMethod: 'nsec',
    privateKey: JSON.stringify({ ...fields, hasPassword: deviceKey === undefined }),
    ...(deviceKey !== undefined && { _dk: deviceKey }),
  }
}
