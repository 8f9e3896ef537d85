/**
 * Strict CBOR (RFC 8949) for the protocol's messages: one value, nothing after it, definite lengths, no duplicate
 * keys, text keys only. Fields are taken by name in any order; unknown fields are ignored.
 *
 * Our own, because cborg would be a fifth of a page's whole client, lets a break code through as a map's value, and bounds
 * no depth; the tests hold the two against each other.
 *
 * Every refusal is `ERR_MESSAGE_MALFORMED` with a fixed word for the problem; nothing of the message is in it.
 */
import { be2, be4, concat, utf8 } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'

export type Fields = ReadonlyMap<string, unknown>

/**
 * Reads one CBOR value of at most `limit` bytes. Maps become `Map`s, integers numbers; integers beyond 53 bits,
 * floats and simple values, which no message of ours has, become null.
 */
export function parseCbor(bytes: Uint8Array, limit: number): unknown {
  if (bytes.length > limit) throw malformed('length')
  const cursor = { bytes, offset: 0 }
  const value = readItem(cursor, 0)
  if (cursor.offset !== bytes.length) throw malformed('trailing')
  return value
}

interface Cursor {
  readonly bytes: Uint8Array
  offset: number
}

const DEPTH_LIMIT = 16

function readItem(cursor: Cursor, depth: number): unknown {
  if (depth > DEPTH_LIMIT) throw malformed('depth')
  const { majorType, argument } = readHead(cursor)
  switch (majorType) {
    case 0:
      return exactInteger(argument)
    case 1:
      return exactInteger(-1 - argument)
    case 2:
      return take(cursor, argument)
    case 3:
      return readText(take(cursor, argument))
    case 4:
      return readList(cursor, argument, depth)
    case 5:
      return readMap(cursor, argument, depth)
    case 7:
      return null
    default:
      throw malformed('tag')
  }
}

function exactInteger(value: number): number | null {
  return Number.isSafeInteger(value) ? value : null
}

/** The initial byte and its argument. Indefinite lengths, breaks and reserved values are refused. */
function readHead(cursor: Cursor): { readonly majorType: number; readonly argument: number } {
  const [initial = 0] = take(cursor, 1)
  const information = initial & 0x1f
  if (information > 27) throw malformed('indefinite')
  const following = information < 24 ? Uint8Array.of(information) : take(cursor, 2 ** (information - 24))
  return { majorType: initial >> 5, argument: following.reduce((value, byte) => value * 256 + byte, 0) }
}

function readList(cursor: Cursor, length: number, depth: number): readonly unknown[] {
  const items: unknown[] = []
  while (items.length < length) items.push(readItem(cursor, depth + 1))
  return items
}

function readMap(cursor: Cursor, length: number, depth: number): Fields {
  const fields = new Map<string, unknown>()
  while (fields.size < length) {
    const name = readItem(cursor, depth + 1)
    if (typeof name !== 'string' || fields.has(name)) throw malformed('key')
    fields.set(name, readItem(cursor, depth + 1))
  }
  return fields
}

function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed('text')
  }
}

function take(cursor: Cursor, length: number): Uint8Array {
  const end = cursor.offset + length
  if (end > cursor.bytes.length) throw malformed('length')
  const taken = cursor.bytes.slice(cursor.offset, end)
  cursor.offset = end
  return taken
}

/** All that the protocol's messages are made of. */
export type CborValue = string | number | Uint8Array | { readonly [name: string]: CborValue }

/**
 * Writes a value, deterministically: shortest heads, map keys by length, then bytes (RFC 8949 section 4.2.3). Integers
 * and lengths of at most four bytes.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  if (typeof value === 'number') return head(0, value)
  if (value instanceof Uint8Array) return concat(head(2, value.length), value)
  if (typeof value === 'string') return concat(head(3, utf8(value).length), utf8(value))
  const names = Object.keys(value).sort((one, other) => one.length - other.length || (one < other ? -1 : 1))
  const entries = names.flatMap((name) => [encodeCbor(name), encodeCbor(value[name] ?? 0)])
  return concat(head(5, names.length), ...entries)
}

function head(majorType: number, argument: number): Uint8Array {
  const major = majorType << 5
  if (argument < 24) return Uint8Array.of(major | argument)
  if (argument < 0x100) return Uint8Array.of(major | 24, argument)
  return argument < 0x10000
    ? concat(Uint8Array.of(major | 25), be2(argument))
    : concat(Uint8Array.of(major | 26), be4(argument))
}

/** The error of every refusal here. */
export function malformed(problem: string): KeyhavenError<'ERR_MESSAGE_MALFORMED'> {
  return new KeyhavenError('ERR_MESSAGE_MALFORMED', { problem })
}

/** A map. */
export function asFields(value: unknown): Fields {
  if (!(value instanceof Map)) throw malformed('map')
  return value as Fields
}

/** The only entry of a map with one text key: how the protocol writes a variant with contents. */
export function asVariant(value: unknown): { readonly name: string; readonly contents: unknown } {
  const [entry, ...others] = [...asFields(value)]
  if (entry === undefined || others.length > 0) throw malformed('variant')
  return { name: entry[0], contents: entry[1] }
}

/** A byte string of exactly `length` bytes. */
export function takeBytes(fields: Fields, name: string, length: number): Uint8Array {
  const value = fields.get(name)
  if (!(value instanceof Uint8Array) || value.length !== length) throw malformed(name)
  return value
}

/** An integer from `least` to `most`. */
export function takeInteger(fields: Fields, name: string, least: number, most: number): number {
  const value = fields.get(name)
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw malformed(name)
  }
  return value
}
