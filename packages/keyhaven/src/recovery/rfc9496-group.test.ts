import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../crypto/text.ts'
import { groupNoble } from './group-noble.ts'
import { isPoint, isScalar } from './group.ts'
import { bytes, readVectors } from './testing/vectors.ts'

const vectors = readVectors('rfc9496-ristretto255.json') as {
  readonly multiples: readonly string[]
  readonly invalid: readonly string[]
  readonly derivation: readonly { readonly input: string; readonly output: string }[]
}
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

function littleEndian(value: bigint, length = 32): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn))
}

describe('the group of the client against RFC 9496', () => {
  it('gives the multiples of the generator of A.1', () => {
    vectors.multiples.slice(1).forEach((encoded, index) => {
      expect(toHex(groupNoble.multiplyBase(littleEndian(BigInt(index + 1))))).toBe(encoded)
      expect(isPoint(groupNoble, bytes(encoded))).toBe(true)
    })
  })

  it('multiplies any point as it multiplies the generator', () => {
    const base = bytes(vectors.multiples[1] ?? '')
    vectors.multiples.slice(1).forEach((encoded, index) => {
      const scalar = littleEndian(BigInt(index + 1))
      expect(toHex(groupNoble.multiply({ scalar, point: base }))).toBe(encoded)
    })
  })

  it('refuses every invalid encoding of A.2', () => {
    for (const encoded of vectors.invalid) expect(isPoint(groupNoble, bytes(encoded))).toBe(false)
  })

  it('derives the elements of A.3', () => {
    for (const { input, output } of vectors.derivation) {
      expect(toHex(groupNoble.mapToPoint(bytes(input)))).toBe(output)
    }
  })
})

describe('our own checks', () => {
  it('refuse the identity and wrong lengths as points', () => {
    expect(isPoint(groupNoble, new Uint8Array(32))).toBe(false)
    expect(isPoint(groupNoble, new Uint8Array(31))).toBe(false)
    expect(isPoint(groupNoble, bytes(`${vectors.multiples[1] ?? ''}00`))).toBe(false)
  })

  it('take scalars from 1 to the order less 1, and no others', () => {
    expect(isScalar(littleEndian(1n))).toBe(true)
    expect(isScalar(littleEndian(ORDER - 1n))).toBe(true)
    for (const refused of [0n, ORDER, ORDER + 1n, 2n ** 255n, 2n ** 256n - 1n]) {
      expect(isScalar(littleEndian(refused))).toBe(false)
    }
    expect(isScalar(new Uint8Array(31).fill(1))).toBe(false)
    expect(isScalar(new Uint8Array(33).fill(1))).toBe(false)
  })

  it('agree with big-integer comparison on any 32 bytes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (value) => {
        expect(isScalar(littleEndian(value))).toBe(value > 0n && value < ORDER)
      }),
    )
  })

  it('reduction and arithmetic of scalars agree with big integers', () => {
    const scalar = fc.bigInt({ min: 1n, max: ORDER - 1n })
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 512n - 1n }), scalar, scalar, (wide, left, right) => {
        const [one, other] = [littleEndian(left), littleEndian(right)]
        expect(groupNoble.reduceScalar(littleEndian(wide, 64))).toEqual(littleEndian(wide % ORDER))
        expect(groupNoble.addScalars(one, other)).toEqual(littleEndian((left + right) % ORDER))
        expect(groupNoble.multiplyScalars(one, other)).toEqual(littleEndian((left * right) % ORDER))
        expect(groupNoble.negateScalar(one)).toEqual(littleEndian(ORDER - left))
        expect(groupNoble.multiplyScalars(one, groupNoble.invertScalar(one))).toEqual(littleEndian(1n))
      }),
      { numRuns: 25 },
    )
  })
})
