/**
 * ristretto255 by noble: small, no wasm, for clients. noble does not blind a secret scalar times a point that is not
 * the generator; on a client that scalar is used once and never leaves the machine. Servers use libsodium.
 */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { KeyhavenError } from '../errors.ts'
import type { Group } from './group.ts'

const { Point } = ristretto255
const scalars = Point.Fn

/** The client's implementation of {@link Group}. */
export const groupNoble: Group = {
  isEncodedPoint(bytes) {
    try {
      Point.fromBytes(bytes)
      return true
    } catch {
      return false
    }
  },
  mapToPoint(uniform) {
    const point = ristretto255_hasher.deriveToCurve?.(uniform)
    if (point === undefined)
      throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'group', expected: 'a map' })
    return point.toBytes()
  },
  multiplyBase: (scalar) => Point.BASE.multiply(scalars.fromBytes(scalar)).toBytes(),
  multiply: ({ scalar, point }) => Point.fromBytes(point).multiply(scalars.fromBytes(scalar)).toBytes(),
  sumOfProducts(products) {
    let sum = Point.ZERO
    for (const { scalar, point } of products) {
      const decoded = point === 'base' ? Point.BASE : Point.fromBytes(point)
      sum = sum.add(decoded.multiplyUnsafe(scalars.fromBytes(scalar)))
    }
    return sum.toBytes()
  },
  reduceScalar(wide) {
    let value = 0n
    for (const byte of [...wide].reverse()) value = (value << 8n) | BigInt(byte)
    return scalars.toBytes(scalars.create(value))
  },
  addScalars: (left, right) =>
    scalars.toBytes(scalars.add(scalars.fromBytes(left), scalars.fromBytes(right))),
  multiplyScalars: (left, right) =>
    scalars.toBytes(scalars.mul(scalars.fromBytes(left), scalars.fromBytes(right))),
  negateScalar: (scalar) => scalars.toBytes(scalars.neg(scalars.fromBytes(scalar))),
  invertScalar: (scalar) => scalars.toBytes(scalars.inv(scalars.fromBytes(scalar))),
}
