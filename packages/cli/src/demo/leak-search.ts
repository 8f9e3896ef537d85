/**
 * Finds any of many thousands of needles in many megabytes, in one pass.
 *
 * Every needle has at least 15 bytes, so wherever it lies it covers eight bytes that begin at a multiple of eight of
 * the text. The index therefore holds the eight-byte grams at the first eight places of each needle, and the pass looks
 * up one gram in eight bytes of text; a gram that is known is then compared in full.
 */
import type { Needle } from './needles.ts'

const STRIDE = 8
const SHORTEST = 2 * STRIDE - 1
const SLOTS = 1 << 20

/** A search that was prepared for a list of needles. */
export interface LeakSearch {
  /** The needles, as indexes into the given list, that occur in `text`; each once. */
  find(text: Uint8Array): ReadonlySet<number>
}

interface Index {
  /** The first entry of each slot, or -1. */
  readonly heads: Int32Array
  readonly next: Int32Array
  readonly low: Uint32Array
  readonly high: Uint32Array
}

/** Prepares a search; each needle must have at least 15 bytes. */
export function createLeakSearch(needles: readonly Needle[]): LeakSearch {
  const index = buildIndex(needles)
  return { find: (text) => scan({ index, needles, text: aligned(text) }) }
}

function buildIndex(needles: readonly Needle[]): Index {
  const entries = needles.length * STRIDE
  const index = {
    heads: new Int32Array(SLOTS).fill(-1),
    next: new Int32Array(entries),
    low: new Uint32Array(entries),
    high: new Uint32Array(entries),
  }
  for (const [number, { bytes }] of needles.entries()) {
    if (bytes.length < SHORTEST) throw new RangeError('a needle needs at least 15 bytes')
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let offset = 0; offset < STRIDE; offset += 1) {
      const entry = number * STRIDE + offset
      const low = view.getUint32(offset, LITTLE_ENDIAN)
      const high = view.getUint32(offset + 4, LITTLE_ENDIAN)
      const slot = slotOf(low, high)
      index.low[entry] = low
      index.high[entry] = high
      index.next[entry] = index.heads[slot] ?? -1
      index.heads[slot] = entry
    }
  }
  return index
}

function scan(input: {
  readonly index: Index
  readonly needles: readonly Needle[]
  readonly text: Uint8Array
}): Set<number> {
  const { index, needles, text } = input
  const words = new Uint32Array(text.buffer, text.byteOffset, text.length >> 2)
  const found = new Set<number>()
  for (let word = 0; word + 1 < words.length; word += 2) {
    const low = words[word] ?? 0
    const high = words[word + 1] ?? 0
    let entry = index.heads[slotOf(low, high)] ?? -1
    while (entry !== -1) {
      if (index.low[entry] === low && index.high[entry] === high) {
        const number = Math.floor(entry / STRIDE)
        const start = word * 4 - (entry % STRIDE)
        if (occursAt({ text, start, needle: needles[number]?.bytes })) found.add(number)
      }
      entry = index.next[entry] ?? -1
    }
  }
  return found
}

function occursAt(input: {
  readonly text: Uint8Array
  readonly start: number
  readonly needle: Uint8Array | undefined
}): boolean {
  const { text, start, needle } = input
  if (needle === undefined || start < 0 || start + needle.length > text.length) return false
  return needle.every((byte, offset) => text[start + offset] === byte)
}

function slotOf(low: number, high: number): number {
  const mixed = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) & (SLOTS - 1)
}

/** Typed views of whole words need a start that is a multiple of four. */
function aligned(text: Uint8Array): Uint8Array {
  return text.byteOffset % 4 === 0 ? text : new Uint8Array(text)
}

/** The byte order of this machine, in which the words of a text are read. */
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
