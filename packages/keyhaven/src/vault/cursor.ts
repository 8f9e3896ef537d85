/**
 * Reads big-endian fields from untrusted bytes, one after another. Whatever does not fit is
 * `ERR_ENVELOPE_MALFORMED`; nothing is allocated by a length that the bytes do not bear out.
 */
import { KeyhavenError } from '../errors.ts'

export interface Cursor {
  /** The next `length` bytes, as a view. */
  take(length: number): Uint8Array
  integer(length: 1 | 2 | 4 | 8): number
  /** The bytes of a field that is preceded by its be4 length. */
  prefixed(): Uint8Array
  position(): number
  /** Refuses bytes that are left over. */
  end(): void
}

export function createCursor(bytes: Uint8Array): Cursor {
  let offset = 0
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - offset) throw malformed()
    offset += length
    return bytes.subarray(offset - length, offset)
  }
  const integer = (length: 1 | 2 | 4 | 8): number => {
    let value = 0
    for (const byte of take(length)) value = value * 256 + byte
    if (!Number.isSafeInteger(value)) throw malformed()
    return value
  }
  return {
    take,
    integer,
    prefixed: () => take(integer(4)),
    position: () => offset,
    end: () => {
      if (offset !== bytes.length) throw malformed()
    },
  }
}

function malformed(): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'length' })
}
