/**
 * CBOR maps (RFC 8949, deterministic encoding) for the parts of the log and of the vault's records that are not bulk.
 * Reading is strict: duplicate keys, indefinite lengths, longer than needed integers, tags and trailing bytes are
 * refused.
 */
import { decode, encode } from 'cborg'
import { readFields } from './fields.ts'
import type { Fault, Fields } from './fields.ts'

/** What a field of a CBOR map may hold here. */
export type CborValue =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<string, CborValue>
  | { readonly [field: string]: CborValue }

/** Deterministic CBOR of a map. */
export function encodeCbor(value: CborValue): Uint8Array {
  return encode(value)
}

/** Decodes one CBOR map and nothing after it. */
export function parseCborMap(bytes: Uint8Array, fault: Fault): Fields {
  return readFields(decodeStrictly(bytes, fault), fault)
}

function decodeStrictly(bytes: Uint8Array, fault: Fault): unknown {
  try {
    return decode(bytes, {
      strict: true,
      useMaps: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
    })
  } catch {
    throw fault()
  }
}
