/**
 * Strict CBOR (RFC 8949) for the protocol's messages: one value, nothing after it, definite lengths, no duplicate
 * keys, text keys only. Fields are taken by name in any order; unknown fields are ignored.
 *
 * Every refusal is `ERR_MESSAGE_MALFORMED` with a fixed word for the problem; nothing of the message is in it.
 */
import { decode, encode } from 'cborg'
import { KeyhavenError } from '../errors.ts'

export type Fields = ReadonlyMap<unknown, unknown>

/** Reads one CBOR value of at most `limit` bytes; maps become `Map`s. */
export function parseCbor(bytes: Uint8Array, limit: number): unknown {
  if (bytes.length === 0) throw malformed('empty')
  if (bytes.length > limit) throw malformed('length')
  const value = decodeStrictly(bytes)
  if (hasStrayBreak(value)) throw malformed('cbor')
  return value
}

function decodeStrictly(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { useMaps: true, rejectDuplicateMapKeys: true, allowIndefinite: false }) as unknown
  } catch {
    throw malformed('cbor')
  }
}

/** cborg lets a break code (0xff) through as the value of a map entry, as a symbol. */
function hasStrayBreak(value: unknown): boolean {
  if (value instanceof Map) return [...value.values()].some(hasStrayBreak)
  return Array.isArray(value) ? value.some(hasStrayBreak) : typeof value === 'symbol'
}

/** Writes a value whose maps are plain objects. */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(value)
}

/** The error of every refusal here. */
export function malformed(problem: string): KeyhavenError<'ERR_MESSAGE_MALFORMED'> {
  return new KeyhavenError('ERR_MESSAGE_MALFORMED', { problem })
}

/** A map with text keys. */
export function asFields(value: unknown): Fields {
  if (!(value instanceof Map)) throw malformed('map')
  const fields: Fields = value
  for (const key of fields.keys()) if (typeof key !== 'string') throw malformed('key')
  return fields
}

/** The only entry of a map with one text key: how the protocol writes a variant with contents. */
export function asVariant(value: unknown): { readonly name: string; readonly contents: unknown } {
  const [entry, ...others] = [...asFields(value)]
  if (entry === undefined || others.length > 0) throw malformed('variant')
  return { name: String(entry[0]), contents: entry[1] }
}

/** A byte string of exactly `length` bytes, copied out of the message. */
export function takeBytes(fields: Fields, name: string, length: number): Uint8Array {
  const value = fields.get(name)
  if (!(value instanceof Uint8Array) || value.length !== length) throw malformed(name)
  return value.slice()
}

/** An integer from `least` to `most`. */
export function takeInteger(fields: Fields, name: string, least: number, most: number): number {
  const value = fields.get(name)
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw malformed(name)
  }
  return value
}
