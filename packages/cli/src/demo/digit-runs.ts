/**
 * Finds a PIN as a whole run of ASCII digits: `482913` in `"pin":"482913"`, but not within `1482913` or `4829130`,
 * where six digits come together by chance.
 */
import { Buffer } from 'node:buffer'

/** Where a block of a text stands: cut off at its start, at its end, or neither. */
export interface BlockEdges {
  readonly cutAtStart: boolean
  readonly cutAtEnd: boolean
}

/** True when `digits` is a whole run in `text`. A run that touches a cut edge is left to the neighbouring block. */
export function hasDigitRun(text: Uint8Array, digits: string, edges: BlockEdges): boolean {
  const haystack = Buffer.from(text.buffer, text.byteOffset, text.byteLength)
  let at = haystack.indexOf(digits, 0, 'latin1')
  while (at !== -1) {
    const end = at + digits.length
    const startsRun = at === 0 ? !edges.cutAtStart : !isDigit(haystack[at - 1])
    const endsRun = end === haystack.length ? !edges.cutAtEnd : !isDigit(haystack[end])
    if (startsRun && endsRun) return true
    at = haystack.indexOf(digits, at + 1, 'latin1')
  }
  return false
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}
