/**
 * Hex, base64 and base64url, strict: what does not decode to exactly what would be encoded again is refused. UUIDs
 * (RFC 9562) in lower case, and the rule for short texts that people type.
 */
import { hexToBytes } from '@noble/hashes/utils.js'
import { base64 as base64Coder, base64urlnopad } from '@scure/base'
import { KeyhavenError } from '../errors.ts'
import { toHex } from './bytes.ts'

export { toHex }

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Bytes of lower-case hex; `length` in bytes if it is fixed. `ERR_INPUT_INVALID` names `field`. */
export function parseHex(text: string, field: string, length?: number): Uint8Array {
  const shape = length === undefined ? /^(?:[0-9a-f]{2})*$/ : new RegExp(`^[0-9a-f]{${String(length * 2)}}$`)
  if (!shape.test(text)) {
    const expected = length === undefined ? 'lower-case hex' : `${String(length * 2)} lower-case hex digits`
    throw new KeyhavenError('ERR_INPUT_INVALID', { field, expected })
  }
  return hexToBytes(text)
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return base64Coder.encode(bytes)
}

/** Bytes of standard base64 with padding. `ERR_INPUT_INVALID` names `field`. */
export function parseBase64(text: string, field: string): Uint8Array {
  try {
    return base64Coder.decode(text)
  } catch {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field, expected: 'standard base64 with padding' })
  }
}

/** base64url without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  return base64urlnopad.encode(bytes)
}

/** Bytes of base64url without padding. `ERR_INPUT_INVALID` names `field`. */
export function parseBase64Url(text: string, field: string): Uint8Array {
  try {
    return base64urlnopad.decode(text)
  } catch {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field, expected: 'base64url without padding' })
  }
}

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** The 16 bytes, wherever its dashes are. `ERR_INPUT_INVALID` names `field`. */
export function parseUuid(text: string, field: string): Uint8Array {
  return parseHex(text.replaceAll('-', ''), field, 16)
}

export function formatUuid(bytes: Uint8Array): string {
  const digits = toHex(bytes)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`
}

/** Text that people type and others read: 1 to 64 characters, none of them a control character. */
export function isShortText(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}]{1,64}$/u.test(text)
}
