/** Decimal digits that people read to one another. */
import { deriveKey } from './hkdf.ts'

const BYTES_PER_GROUP = 5

/** So many groups of five digits with blanks between them: 16.6 bits each, by HKDF over what both sides know. */
export function deriveDigits(input: {
  readonly secret: Uint8Array
  readonly info: Uint8Array
  readonly groups: number
}): string {
  const bytes = deriveKey({ ...input, length: input.groups * BYTES_PER_GROUP })
  return Array.from({ length: input.groups }, (_, group) => digitsOf(bytes, group)).join(' ')
}

function digitsOf(bytes: Uint8Array, group: number): string {
  const start = group * BYTES_PER_GROUP
  const value = bytes.subarray(start, start + BYTES_PER_GROUP).reduce((sum, byte) => sum * 256 + byte, 0)
  return String(value % 100_000).padStart(5, '0')
}
