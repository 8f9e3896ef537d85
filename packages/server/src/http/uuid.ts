/**
 * UUIDs as text and as 16 bytes (RFC 9562), lower case only.
 */
import { KeyhavenError } from 'keyhaven'
import { parseHex, toHex } from 'keyhaven/crypto'

const SHAPE = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/

/** True for a UUID in lower case. */
export function isUuid(text: string): boolean {
  return SHAPE.test(text)
}

/** The 16 bytes of a UUID; `ERR_INPUT_INVALID` for any other text. */
export function parseUuid(text: string): Uint8Array {
  if (!isUuid(text)) throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'uuid', expected: 'a UUID' })
  return parseHex(text.replaceAll('-', ''), 'uuid', 16)
}

/** The text of 16 bytes. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = toHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
