import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pad, padmeSize, unpad } from './padding.ts'

/** True for what `pad` writes of some content. */
function isPadding(bytes: Uint8Array): boolean {
  const length = Buffer.from(bytes).readUInt32BE()
  const content = bytes.subarray(4, 4 + length)
  return content.length === length && Buffer.compare(pad(content), bytes) === 0
}

describe('Padmé', () => {
  test('rounds as the paper does', () => {
    const sizes = [0, 1, 2, 8, 9, 15, 16, 17, 100, 1000, 1025, 900_000].map(padmeSize)
    expect(sizes).toEqual([0, 1, 2, 8, 10, 16, 16, 18, 104, 1024, 1088, 901_120])
  })

  test('never shortens, costs less than 12 %, and maps a size to itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 2 ** 30 }), (length) => {
        const size = padmeSize(length)
        expect(size).toBeGreaterThanOrEqual(length)
        expect(size).toBeLessThan(length * 1.12 + 1)
        expect(padmeSize(size)).toBe(size)
      }),
    )
  })

  test('unpad undoes pad and refuses any other padding', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (content, place, flip) => {
          const padded = pad(content)
          expect(unpad(padded)).toEqual(content)
          const at = place % padded.length
          if (at >= 4 && at < 4 + content.length) return
          const altered = padded.slice()
          altered[at] = (altered[at] ?? 0) ^ flip
          // Another length may be the padding of another content: of one with more zeros at its end, or fewer.
          if (at < 4 && isPadding(altered)) return
          expect(() => unpad(altered)).toThrow(expect.objectContaining({ code: 'ERR_LOG_DAMAGED' }))
        },
      ),
    )
    expect(() => unpad(new Uint8Array(3))).toThrow(expect.objectContaining({ code: 'ERR_LOG_DAMAGED' }))
  })
})
