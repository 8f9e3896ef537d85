/**
 * Reads a byte string from front to back. Used for everything that comes out of the log; whatever does not fit is
 * `ERR_LOG_DAMAGED` with the fixed word of what was being read.
 */
import { parseUtf8 } from '../../crypto/bytes.ts'
import { KeyhavenError } from '../../errors.ts'

export interface ByteReader {
  /** How many bytes are left. */
  readonly rest: () => number
  /** The next `length` bytes, a view of the input. */
  readonly bytes: (length: number) => Uint8Array
  /** A big-endian integer of `length` bytes, at most 2^53 − 1. */
  readonly integer: (length: number) => number
  /** An unsigned LEB128 integer of at most 32 bits, in its shortest form. */
  readonly varint: () => number
  /** UTF-8 text of `length` bytes. */
  readonly text: (length: number) => string
  readonly fault: () => KeyhavenError
}

/** Reads `input`; `problem` is what `ERR_LOG_DAMAGED` says. */
export function createByteReader(input: Uint8Array, problem: string): ByteReader {
  let offset = 0
  const fault = (): KeyhavenError => new KeyhavenError('ERR_LOG_DAMAGED', { problem })
  const bytes = (length: number): Uint8Array => {
    if (length > input.length - offset) throw fault()
    offset += length
    return input.subarray(offset - length, offset)
  }
  const integer = (length: number): number => {
    const value = bytes(length).reduce((sum, byte) => sum * 256 + byte, 0)
    if (!Number.isSafeInteger(value)) throw fault()
    return value
  }
  const text = (length: number): string => {
    try {
      return parseUtf8(bytes(length))
    } catch {
      throw fault()
    }
  }
  const varint = (): number => {
    let value = 0
    for (let place = 0; place < 5; place += 1) {
      const byte = integer(1)
      value += (byte & 0x7f) * 2 ** (7 * place)
      if (byte < 0x80) {
        if ((byte === 0 && place > 0) || value > 0xffffffff) throw fault()
        return value
      }
    }
    throw fault()
  }
  return { rest: () => input.length - offset, bytes, integer, varint, text, fault }
}

/** `value` (at most 32 bits) as unsigned LEB128 in its shortest form. */
export function varint(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'varint', expected: '0 to 4294967295' })
  }
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  return Uint8Array.of(...bytes, rest)
}
