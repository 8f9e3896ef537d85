import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, randomBytes } from 'keyhaven/crypto'
import { Refusal } from '../http/refusal.ts'
import { encodeSegmentHeader, parseSegmentHeader } from './segment-header.ts'
import type { SegmentHeader } from './segment-header.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

const headers: fc.Arbitrary<SegmentHeader> = fc.record({
  kind: fc.constantFrom('ways', 'identity', 'conversation', 'snapshot'),
  account: bytes(16),
  generation: fc.integer({ min: 0, max: 0xffffffff }),
  device: bytes(16),
  sequence: fc.maxSafeNat().map((value) => Math.max(1, value)),
  parents: fc
    .uniqueArray(bytes(32), { maxLength: 32, selector: (parent) => Buffer.from(parent).toString('hex') })
    .map((parents) => parents.sort((left, right) => Buffer.compare(left, right))),
  nonce: bytes(12),
  sealedLength: fc.integer({ min: 20, max: 2000 }),
})

function withPayload(header: SegmentHeader): Uint8Array {
  return concat(encodeSegmentHeader(header), randomBytes(header.sealedLength))
}

const SAMPLE: SegmentHeader = {
  kind: 'ways',
  account: randomBytes(16),
  generation: 1,
  device: randomBytes(16),
  sequence: 1,
  parents: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)],
  nonce: randomBytes(12),
  sealedLength: 20,
}

function isRefused(segment: Uint8Array): boolean {
  try {
    parseSegmentHeader(segment)
    return false
  } catch (fault) {
    return fault instanceof Refusal && fault.code === 'ERR_BODY_MALFORMED'
  }
}

describe('the header of a segment', () => {
  test('what is encoded is what is parsed', () => {
    fc.assert(
      fc.property(headers, (header) => {
        expect(parseSegmentHeader(withPayload(header))).toEqual(header)
      }),
    )
  })

  test('the layout is that of formats.md', () => {
    const segment = withPayload(SAMPLE)
    expect(segment.length).toBe(1 + 1 + 16 + 4 + 16 + 8 + 1 + 2 * 32 + 12 + 4 + 20)
    expect([segment[0], segment[1], segment[46]]).toEqual([1, 1, 2])
  })

  test('any bytes at all are parsed or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (segment) => {
        expect(isRefused(segment)).toBe(true)
      }),
    )
  })

  test('any other length than the header says is refused', () => {
    const segment = withPayload(SAMPLE)
    for (let length = 0; length < segment.length; length += 1)
      expect(isRefused(segment.subarray(0, length))).toBe(true)
    expect(isRefused(concat(segment, new Uint8Array(1)))).toBe(true)
    expect(isRefused(segment)).toBe(false)
  })

  test.each([
    ['an unknown format', 0, 2],
    ['kind 0', 1, 0],
    ['kind 5', 1, 5],
    ['sequence 0', 45, 0],
    ['a sequence beyond 2^53', 38, 0xff],
    ['33 parents', 46, 33],
    ['fewer parents than there are', 46, 1],
    ['parents out of order', 47, 3],
  ])('%s is refused', (_, offset, value) => {
    const segment = withPayload(SAMPLE)
    segment[offset] = value
    expect(isRefused(segment)).toBe(true)
  })

  test('a parent named twice is refused', () => {
    const parent = new Uint8Array(32)
    expect(isRefused(withPayload({ ...SAMPLE, parents: [parent, parent] }))).toBe(true)
  })

  test('a payload shorter than a length and a tag is refused', () => {
    expect(isRefused(withPayload({ ...SAMPLE, sealedLength: 19 }))).toBe(true)
    expect(isRefused(withPayload({ ...SAMPLE, sealedLength: 0 }))).toBe(true)
  })

  test('a segment of 1 MiB passes and one byte more does not', () => {
    const room = 1024 * 1024 - encodeSegmentHeader(SAMPLE).length
    expect(isRefused(withPayload({ ...SAMPLE, sealedLength: room }))).toBe(false)
    expect(isRefused(withPayload({ ...SAMPLE, sealedLength: room + 1 }))).toBe(true)
  })
})
