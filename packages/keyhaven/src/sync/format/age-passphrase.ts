/**
 * age's scrypt recipient (age-encryption.org/v1) over our own scrypt, or the caller's: native and off the main thread in Node,
 * WebAssembly in pages, where the library's plain JavaScript would stop everything else for seconds.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { base64nopad } from '@scure/base'
import type { Identity, Recipient, Stanza } from 'age-encryption'
import { concat, randomBytes, utf8, wipe } from '../../crypto/index.ts'
import { loadScrypt } from '../../crypto/scrypt.ts'
import type { Scrypt } from '../../crypto/scrypt.ts'
import { KeyhavenError } from '../../errors.ts'

const LABEL = 'age-encryption.org/v1/scrypt'
const SALT_LENGTH = 16
const BODY_LENGTH = 32
/** The key is used once. */
const NONCE = new Uint8Array(12)

/** Wraps a file key under a passphrase; 2^workFactor · 1 KiB of memory. */
export function passphraseRecipient(
  passphrase: string,
  options: {
    readonly workFactor: number
    /** The best that works here unless told. */
    readonly scrypt: Scrypt | undefined
    readonly makeStanza: (args: string[], body: Uint8Array) => Stanza
  },
): Recipient {
  return {
    wrapFileKey: async (fileKey) => {
      const { workFactor, scrypt } = options
      const salt = randomBytes(SALT_LENGTH)
      const key = await deriveKey(passphrase, { salt, workFactor, scrypt })
      const body = chacha20poly1305(key, NONCE).encrypt(fileKey)
      wipe(key)
      return [options.makeStanza(['scrypt', base64nopad.encode(salt), String(workFactor)], body)]
    },
  }
}

/**
 * Unwraps it; `null` for a wrong passphrase. `ERR_ENVELOPE_MALFORMED` when the header has another recipient, too, or asks for
 * more work than `mostWork`, before any is done.
 */
export function passphraseIdentity(
  passphrase: string,
  { mostWork, scrypt }: { readonly mostWork: number; readonly scrypt: Scrypt | undefined },
): Identity {
  return {
    unwrapFileKey: async (stanzas) => {
      const { salt, workFactor, body } = readStanza(stanzas)
      if (workFactor > mostWork) throw malformed()
      const key = await deriveKey(passphrase, { salt, workFactor, scrypt })
      try {
        return chacha20poly1305(key, NONCE).decrypt(body)
      } catch {
        return null
      } finally {
        wipe(key)
      }
    },
  }
}

function readStanza(stanzas: readonly Stanza[]): {
  readonly salt: Uint8Array
  readonly workFactor: number
  readonly body: Uint8Array
} {
  const [stanza, another] = stanzas
  const [type, salt = '', factor = '', ...more] = stanza?.args ?? []
  const known = type === 'scrypt' && /^[A-Za-z0-9+/]{22}$/.test(salt) && /^[1-9][0-9]?$/.test(factor)
  if (stanza === undefined || another !== undefined || !known || more.length > 0) throw malformed()
  if (stanza.body.length !== BODY_LENGTH) throw malformed()
  return { salt: decodeSalt(salt), workFactor: Number(factor), body: stanza.body }
}

function decodeSalt(text: string): Uint8Array {
  try {
    return base64nopad.decode(text)
  } catch {
    throw malformed()
  }
}

async function deriveKey(
  passphrase: string,
  input: { readonly salt: Uint8Array; readonly workFactor: number; readonly scrypt: Scrypt | undefined },
): Promise<Uint8Array> {
  const { salt, workFactor } = input
  const password = utf8(passphrase)
  const scrypt = input.scrypt ?? (await loadScrypt())
  try {
    return await scrypt({ password, salt: concat(utf8(LABEL), salt), logN: workFactor, length: 32 })
  } finally {
    wipe(password)
  }
}

function malformed(): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
}
