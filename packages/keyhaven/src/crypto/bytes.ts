/**
 * Byte strings: joining, comparing, hex, and the length-prefixed encodings that every format of Keyhaven is built from.
 *
 * `lp(x) = be4(length of x) ‖ x`; integers are big-endian. Nothing here is secret-aware except
 * {@link equalConstantTime} and {@link wipe}.
 */
import { KeyhavenError } from '../errors.ts'
import { nodeCrypto } from './node-crypto.ts'

const encoder = new TextEncoder()
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text of UTF-8 bytes; malformed UTF-8 is `ERR_ENVELOPE_MALFORMED`. */
export function parseUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
  }
}

/** One new array holding all parts in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** `value` as 2 bytes, big-endian. */
export function be2(value: number): Uint8Array {
  return bigEndian(value, 2, 0xffff)
}

/** `value` as 4 bytes, big-endian. */
export function be4(value: number): Uint8Array {
  return bigEndian(value, 4, 0xffffffff)
}

/** `value` as 8 bytes, big-endian; at most 2^53 − 1. */
export function be8(value: number): Uint8Array {
  return bigEndian(value, 8, Number.MAX_SAFE_INTEGER)
}

function bigEndian(value: number, length: number, most: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'integer', expected: `0 to ${String(most)}` })
  }
  const bytes = new Uint8Array(length)
  let rest = value
  for (let index = length - 1; index >= 0; index -= 1) {
    bytes[index] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return bytes
}

/** Length-prefixed: `be4(length) ‖ bytes`; a text stands for its UTF-8 bytes. */
export function lp(value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? utf8(value) : value
  return concat(be4(bytes.length), bytes)
}

/** Compares public bytes. For secrets and tags use {@link equalConstantTime}. */
export function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

/** Compares without a data-dependent branch, in a browser as far as JavaScript lets one say so; lengths are public. */
export function equalConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  const node = nodeCrypto()
  if (node !== undefined) return node.timingSafeEqual(left, right)
  let difference = 0
  for (let index = 0; index < left.length; index += 1) difference |= (left[index] ?? 0) ^ (right[index] ?? 0)
  return difference === 0
}

/** `length` bytes from the platform's cryptographically secure generator. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let offset = 0; offset < length; offset += 65536) {
    crypto.getRandomValues(bytes.subarray(offset, Math.min(offset + 65536, length)))
  }
  return bytes
}

/** Overwrites with zeros. JavaScript may hold copies elsewhere; this removes only the ones named. */
export function wipe(...buffers: readonly Uint8Array[]): void {
  for (const buffer of buffers) buffer.fill(0)
}

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += DIGITS[byte] ?? ''
  return text
}

/** The bytes of hex digits that we wrote ourselves; what others wrote is read by `parseHex` (text.ts). */
export function bytesOfHex(digits: string): Uint8Array {
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  )
}
