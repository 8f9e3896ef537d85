/**
 * The prime-order group of the protocol: ristretto255 (RFC 9496), behind one small interface.
 *
 * Scalars are 32 bytes, little-endian; points are 32-byte ristretto255 encodings. Two implementations give equal
 * bytes: noble ({@link file://./group-noble.ts}) for clients, libsodium for the server. Libraries differ in what
 * they let through (libsodium takes unreduced scalars, noble multiplies the identity), so {@link isScalar} and
 * {@link isPoint} here run on everything that comes from outside, before any library call.
 */

export const POINT_LENGTH = 32
export const SCALAR_LENGTH = 32

/** One summand of {@link Group.sumOfProducts}. */
export interface Product {
  readonly scalar: Uint8Array
  /** A point, or `'base'` for the group's generator. */
  readonly point: Uint8Array | 'base'
}

/** What a ristretto255 library must do. All inputs have passed {@link isScalar} and {@link isPoint}. */
export interface Group {
  /** True for a canonical encoding of a group element; the identity counts as one. */
  isEncodedPoint(bytes: Uint8Array): boolean
  /** The one-way map of 64 uniform bytes (RFC 9496 section 4.3.4). */
  mapToPoint(uniform: Uint8Array): Uint8Array
  /** scalar · G, without a branch on the scalar as far as the library can promise it. */
  multiplyBase(scalar: Uint8Array): Uint8Array
  /** scalar · point, without a branch on the scalar as far as the library can promise it. */
  multiply(input: { readonly scalar: Uint8Array; readonly point: Uint8Array }): Uint8Array
  /** Σ scalar · point over public values; may take time that depends on them. */
  sumOfProducts(products: readonly Product[]): Uint8Array
  /** 64 bytes, little-endian, reduced by the group's order. */
  reduceScalar(wide: Uint8Array): Uint8Array
  addScalars(left: Uint8Array, right: Uint8Array): Uint8Array
  multiplyScalars(left: Uint8Array, right: Uint8Array): Uint8Array
  negateScalar(scalar: Uint8Array): Uint8Array
  /** The inverse of a scalar that is not zero. */
  invertScalar(scalar: Uint8Array): Uint8Array
}

/** 2^252 + 27742317777372353535851937790883648493, the order of the group, little-endian. */
const ORDER = Uint8Array.from([
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
])

/** True for 32 bytes that encode a scalar below the order and above zero. Takes the same time for each scalar. */
export function isScalar(bytes: Uint8Array): boolean {
  if (bytes.length !== SCALAR_LENGTH) return false
  let borrow = 0
  let any = 0
  for (let index = 0; index < SCALAR_LENGTH; index += 1) {
    const byte = bytes[index] ?? 0
    borrow = ((byte - (ORDER[index] ?? 0) - borrow) >> 8) & 1
    any |= byte
  }
  return borrow === 1 && any !== 0
}

/** True for 32 bytes that canonically encode a point other than the identity. */
export function isPoint(group: Group, bytes: Uint8Array): boolean {
  return bytes.length === POINT_LENGTH && bytes.some((byte) => byte !== 0) && group.isEncodedPoint(bytes)
}
