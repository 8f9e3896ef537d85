import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseHex, randomBytes, toHex } from 'keyhaven/crypto'
import type { Group } from 'keyhaven/recovery/realm'
import { generateScalar, groupNoble, isPoint } from 'keyhaven/recovery/realm'
import { loadGroupLibsodium } from './group-libsodium.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../../../../vectors/rfc9496-ristretto255.json', import.meta.url), 'utf8'),
) as {
  readonly multiples: readonly string[]
  readonly invalid: readonly string[]
  readonly derivation: readonly { readonly input: string; readonly output: string }[]
}

function bytes(hex: string): Uint8Array {
  return parseHex(hex, 'vector')
}

let sodium: Group
beforeAll(async () => {
  sodium = await loadGroupLibsodium()
})

describe('the group of the server', () => {
  it('meets RFC 9496: multiples, invalid encodings, derivation', () => {
    const base = bytes(vectors.multiples[1] ?? '')
    vectors.multiples.slice(1).forEach((encoded, index) => {
      const scalar = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? index + 1 : 0))
      expect(toHex(sodium.multiplyBase(scalar))).toBe(encoded)
      expect(toHex(sodium.multiply({ scalar, point: base }))).toBe(encoded)
      expect(isPoint(sodium, bytes(encoded))).toBe(true)
    })
    for (const encoded of vectors.invalid) expect(isPoint(sodium, bytes(encoded))).toBe(false)
    for (const { input, output } of vectors.derivation) {
      expect(toHex(sodium.mapToPoint(bytes(input)))).toBe(output)
    }
  })

  it('refuses the identity and wrong lengths as points', () => {
    for (const refused of [new Uint8Array(32), new Uint8Array(31), new Uint8Array(33), new Uint8Array()]) {
      expect(isPoint(sodium, refused)).toBe(false)
    }
  })

  it('gives the client’s bytes in every operation', () => {
    for (let run = 0; run < 20; run += 1) {
      const [one, other] = [generateScalar(groupNoble), generateScalar(groupNoble)]
      const [wide, point] = [randomBytes(64), groupNoble.multiplyBase(generateScalar(groupNoble))]
      const products = [
        { scalar: one, point: 'base' as const },
        { scalar: other, point },
        { scalar: new Uint8Array(32), point },
      ]
      const results = [groupNoble, sodium].map((group) => [
        group.mapToPoint(wide),
        group.multiplyBase(one),
        group.multiply({ scalar: one, point }),
        group.sumOfProducts(products),
        group.sumOfProducts([]),
        group.reduceScalar(wide),
        group.addScalars(one, other),
        group.multiplyScalars(one, other),
        group.negateScalar(one),
        group.invertScalar(one),
      ])
      expect(results[1]?.map(toHex)).toEqual(results[0]?.map(toHex))
    }
  })

  it('takes and refuses the same 32 bytes as points', () => {
    const any = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const near = fc
      .tuple(fc.constantFrom(...vectors.multiples), fc.nat(255))
      .map(([encoded, bit]) =>
        bytes(encoded).map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)),
      )
    fc.assert(
      fc.property(fc.oneof(any, near), (candidate) => {
        expect(isPoint(sodium, candidate)).toBe(isPoint(groupNoble, candidate))
      }),
      { numRuns: 300 },
    )
  })
})
