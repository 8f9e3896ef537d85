import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, randomBytes, sha256 } from '../../crypto/index.ts'
import { isKeyhavenError } from '../../errors.ts'
import { compareBytes, openSegment, parseSegment, sealSegment } from './segment.ts'
import type { SegmentHeader } from './segment.ts'

const root = new Uint8Array(32).fill(1)
const header: SegmentHeader = {
  kind: 'conversation',
  account: new Uint8Array(16).fill(2),
  generation: 3,
  device: new Uint8Array(16).fill(4),
  sequence: 5,
  parents: [new Uint8Array(32).fill(6), new Uint8Array(32).fill(7)],
}

const headers: fc.Arbitrary<SegmentHeader> = fc.record({
  kind: fc.constantFrom('ways' as const, 'identity' as const, 'conversation' as const, 'snapshot' as const),
  account: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  generation: fc.integer({ min: 1, max: 0xffffffff }),
  device: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  parents: fc
    .uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 32, selector: String })
    .map((parents) => parents.sort(compareBytes)),
})

describe('a segment', () => {
  test('opens to what was sealed, and its header is read as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(headers, fc.uint8Array({ maxLength: 500 }), async (some, content) => {
        const sealed = await sealSegment({ header: some, content, root })
        const parsed = parseSegment(sealed.bytes)
        expect(parsed).toMatchObject(some)
        expect(parsed.id).toEqual(sha256(sealed.bytes))
        expect(await openSegment(parsed, root)).toEqual(content)
      }),
    )
  })

  test('is refused with any bit flipped', async () => {
    const { bytes } = await sealSegment({ header, content: new Uint8Array([1, 2, 3]), root })
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const altered = bytes.slice()
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const code = await codeOf(async () => openSegment(parseSegment(altered), root))
      expect(['ERR_LOG_DAMAGED', 'ERR_CLIENT_TOO_OLD']).toContain(code)
    }
  })

  test('does not open under another root key', async () => {
    const segment = await sealSegment({ header, content: new Uint8Array([1]), root })
    expect(await codeOf(() => openSegment(segment, randomBytes(32)))).toBe('ERR_LOG_DAMAGED')
  })

  test('of a format or kind of the future says that this client is too old', async () => {
    const { bytes } = await sealSegment({ header, content: new Uint8Array([1]), root })
    for (const place of [0, 1]) {
      const newer = bytes.slice()
      newer[place] = 200
      expect(() => parseSegment(newer)).toThrow(expect.objectContaining({ code: 'ERR_CLIENT_TOO_OLD' }))
    }
  })

  test('is not sealed when it would not fit, nor with parents that are unsorted or repeated', async () => {
    expect(await codeOf(() => sealSegment({ header, content: new Uint8Array(900_001), root }))).toBe(
      'ERR_INPUT_INVALID',
    )
    const [low = root, high = root] = header.parents
    for (const parents of [
      [high, low],
      [low, low],
    ]) {
      const refused = { ...header, parents }
      expect(await codeOf(() => sealSegment({ header: refused, content: root, root }))).toBe(
        'ERR_INPUT_INVALID',
      )
    }
    const largest = await sealSegment({ header, content: new Uint8Array(900_000), root })
    expect(largest.bytes.length).toBeLessThanOrEqual(1_048_576)
  })

  test('that is garbage, cut or too long throws nothing but a coded error', async () => {
    const { bytes } = await sealSegment({ header, content: new Uint8Array([1]), root })
    for (let length = 0; length < bytes.length; length += 1) {
      expect(await codeOf(async () => Promise.resolve(parseSegment(bytes.slice(0, length))))).toBe(
        'ERR_LOG_DAMAGED',
      )
    }
    expect(await codeOf(async () => Promise.resolve(parseSegment(concat(bytes, root))))).toBe(
      'ERR_LOG_DAMAGED',
    )
    expect(await codeOf(async () => Promise.resolve(parseSegment(new Uint8Array(1_048_577).fill(1))))).toBe(
      'ERR_LOG_DAMAGED',
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        try {
          parseSegment(concat(Uint8Array.of(1, 2), garbage))
        } catch (fault) {
          expect(isKeyhavenError(fault)).toBe(true)
        }
      }),
    )
  })
})

async function codeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (fault) {
    if (!isKeyhavenError(fault)) throw fault
    return fault.code
  }
}
