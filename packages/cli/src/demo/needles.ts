/**
 * The byte strings that a leak of a secret would leave behind: raw, hex, base64 and base64url, the last two also as JSON
 * and addresses escape them, hex also as Node prints a Buffer, and the decimal list that JSON makes of one.
 *
 * A secret is cut into parts of 16 bytes, and each part is a needle of its own in each form: so half a key is found as
 * well as a whole one, and a long key also where it was stored in pieces. In base64 a part looks different at each of
 * the three places where it can begin within a group of three bytes; for each of them the needle is the characters that
 * depend on nothing but the part.
 */
import { Buffer } from 'node:buffer'

const PART = 16

/** How a needle is written. */
export type NeedleForm = 'raw' | 'hex' | 'base64' | 'base64url' | 'numbers'

/** One byte string to look for. */
export interface Needle {
  /** The place of the secret in the list that was given. */
  readonly secret: number
  readonly form: NeedleForm
  readonly bytes: Uint8Array
}

/** All needles of all secrets; each secret has at least 16 bytes. */
export function deriveNeedles(secrets: readonly Uint8Array[]): Needle[] {
  return secrets.flatMap((bytes, secret) =>
    splitIntoParts(bytes).flatMap((part) => deriveForms(part, secret)),
  )
}

function splitIntoParts(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length < PART) throw new RangeError('a secret to search for needs at least 16 bytes')
  const count = Math.ceil(bytes.length / PART)
  return Array.from({ length: count }, (_, index) => {
    const start = Math.min(index * PART, bytes.length - PART)
    return bytes.subarray(start, start + PART)
  })
}

function deriveForms(part: Uint8Array, secret: number): Needle[] {
  const hex = Buffer.from(part).toString('hex')
  const forms = new Map<string, NeedleForm>([
    [hex, 'hex'],
    [hex.toUpperCase(), 'hex'],
    [hex.replaceAll(/(..)(?!$)/g, '$1 '), 'hex'],
    [part.join(','), 'numbers'],
  ])
  for (const before of [0, 1, 2]) {
    const text = innerBase64(part, before)
    forms.set(text.replaceAll('+', '-').replaceAll('/', '_'), 'base64url')
    for (const written of [text, text.replaceAll('/', '\\/'), encodeURIComponent(text)]) {
      forms.set(written, 'base64')
    }
  }
  const texts = [...forms].map(([text, form]) => ({ secret, form, bytes: Buffer.from(text) }))
  return [{ secret, form: 'raw', bytes: part }, ...texts]
}

/** The base64 characters that `part` alone decides when `before` bytes of its first group belong to something else. */
function innerBase64(part: Uint8Array, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), part]).toString('base64')
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + part.length) * 8) / 6))
}
