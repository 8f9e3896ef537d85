/**
 * Numbers names from 0 by their bytes, where the bytes lie in somebody else's buffer: a hash table in one array of
 * 32-bit numbers, with open addressing.
 *
 * Names may come from other people, so the hash is a sum of the name's 16-bit halves, each times a random number of
 * this table (multiply-shift, Dietzfelbinger et al. 1997): nobody can prepare names that meet in one place.
 */
import { MOST_NAME_BYTES } from './key-changes.ts'

/** Names as entries hold them: a type and a length come before the bytes, so no name is the beginning of another. */
const MOST_HALVES = (MOST_NAME_BYTES + 4) / 2
const FIRST_BITS = 6

/** Where the names lie that have a number. */
export interface NameHome {
  readonly bytes: () => Uint8Array
  readonly startOf: (number: number) => number
}

export interface NameTable {
  /** The number of the name that lies in `bytes`; -1 when it has none. */
  readonly find: (bytes: Uint8Array, start: number, end: number) => number
  /**
   * The same, but a new name takes the next number, under which its home must find it from then on; room for it has
   * been reserved.
   */
  readonly add: (bytes: Uint8Array, start: number, end: number) => number
  readonly size: () => number
  /** Makes room for so many names more. */
  readonly reserve: (more: number) => void
}

/** An empty table of names that lie in `home`. */
export function createNameTable(home: NameHome): NameTable {
  const factors = crypto.getRandomValues(new Uint32Array(MOST_HALVES + 1))
  let bits = FIRST_BITS
  /** Numbers, counted from 1, by place; at most half of the places are taken. */
  let slots = new Uint32Array(2 ** bits)
  let hashes = new Uint32Array(slots.length / 2)
  let size = 0
  const placeOf = (hash: number, isName: (number: number) => boolean): number => {
    let place = hash >>> (32 - bits)
    for (;;) {
      const number = (slots[place] ?? 0) - 1
      if (number < 0 || (hashes[number] === hash && isName(number))) return place
      place = (place + 1) & (slots.length - 1)
    }
  }
  const nowhere = (): boolean => false
  return {
    find: (bytes, start, end) => {
      const hash = hashName(factors, bytes, start, end)
      return (slots[placeOf(hash, (number) => isSame(home, number, bytes, start, end))] ?? 0) - 1
    },
    add: (bytes, start, end) => {
      const hash = hashName(factors, bytes, start, end)
      const place = placeOf(hash, (number) => isSame(home, number, bytes, start, end))
      const known = slots[place] ?? 0
      if (known > 0) return known - 1
      hashes[size] = hash
      size += 1
      slots[place] = size
      return size - 1
    },
    size: () => size,
    reserve: (more) => {
      if (size + more <= hashes.length) return
      bits = Math.ceil(Math.log2(size + more)) + 1
      slots = new Uint32Array(2 ** bits)
      const old = hashes
      hashes = new Uint32Array(slots.length / 2)
      hashes.set(old)
      for (let number = 0; number < size; number += 1) {
        slots[placeOf(hashes[number] ?? 0, nowhere)] = number + 1
      }
    },
  }
}

function hashName(factors: Uint32Array, bytes: Uint8Array, start: number, end: number): number {
  let sum = 0
  for (let at = start, half = 0; at < end; at += 2, half += 1) {
    const high = at + 1 < end ? (bytes[at + 1] ?? 0) : 0
    sum = (sum + Math.imul(factors[half] ?? 0, (bytes[at] ?? 0) | (high << 8))) | 0
  }
  return sum >>> 0
}

function isSame(home: NameHome, number: number, bytes: Uint8Array, start: number, end: number): boolean {
  const known = home.bytes()
  const offset = home.startOf(number) - start
  for (let at = start; at < end; at += 1) if (known[at + offset] !== bytes[at]) return false
  return true
}
