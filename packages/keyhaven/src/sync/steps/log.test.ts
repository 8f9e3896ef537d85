import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseHex, toHex } from '../../crypto/index.ts'
import { createLogEntries } from '../device/log-entries.ts'
import { EMPTY_LOG, arrangeSegments } from './log.ts'
import type { LogPosition } from './log.ts'
import { sealSegment } from '../format/segment.ts'
import type { Segment } from '../format/segment.ts'

const account = new Uint8Array(16).fill(1)
const root = new Uint8Array(32).fill(2)

async function segment(input: {
  readonly device?: number
  readonly sequence: number
  readonly parents?: readonly Segment[]
  readonly generation?: number
  readonly content?: number
}): Promise<Segment> {
  const parents = (input.parents ?? []).map(({ id }) => toHex(id)).sort()
  const header = {
    kind: 'conversation' as const,
    account,
    generation: input.generation ?? 1,
    device: new Uint8Array(16).fill(input.device ?? 1),
    sequence: input.sequence,
    parents: parents.map((id) => parseHex(id, 'id', 32)),
  }
  return sealSegment({ header, content: Uint8Array.of(input.content ?? 0), root })
}

const arrange = (served: readonly Segment[], known: LogPosition = EMPTY_LOG) =>
  arrangeSegments({ account, generation: 1, known, served })
const ids = (segments: readonly Segment[]): readonly string[] => segments.map(({ id }) => toHex(id)).sort()

async function diamond(): Promise<readonly [Segment, Segment, Segment, Segment]> {
  const start = await segment({ sequence: 1 })
  const left = await segment({ sequence: 2, parents: [start] })
  const right = await segment({ device: 2, sequence: 1, parents: [start] })
  return [start, left, right, await segment({ sequence: 3, parents: [left, right] })]
}

describe('the log', () => {
  test('is arranged with parents before children in whatever order it was served, and its heads are found', async () => {
    const whole = await diamond()
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...whole], { minLength: 4 }), async (served) => {
        const { fresh, heads, outside } = arrange([...served, ...served])
        expect(await Promise.resolve(fresh.map(({ entry }) => entry.depth))).toEqual([0, 1, 1, 2])
        expect(fresh.map(({ entry }) => entry.id)).toEqual(arrange(whole).fresh.map(({ entry }) => entry.id))
        expect(heads).toEqual(ids([whole[3]]))
        expect(outside).toEqual([])
      }),
    )
  })

  test('goes on after what is known, in parts as in one', async () => {
    const [start, left, right, end] = await diamond()
    const first = arrange([start, left])
    const known = { entries: createLogEntries(...first.fresh.map(({ entry }) => entry)), heads: first.heads }
    const second = arrange([left, right, end], known)
    expect(second.fresh.map(({ entry }) => entry.depth)).toEqual([1, 2])
    expect(second.heads).toEqual(ids([end]))
  })

  test('names the parents that are missing', async () => {
    const [start, left, right, end] = await diamond()
    expect(arrange([start, left, end]).outside).toEqual(ids([right]))
    expect(arrange([left, right, end]).outside).toEqual(ids([start]))
  })

  test('is refused when one sequence of a device has two segments, served together or one after the other', async () => {
    const one = await segment({ sequence: 1, content: 1 })
    const two = await segment({ sequence: 1, content: 2 })
    const forked: unknown = expect.objectContaining({ code: 'ERR_LOG_FORKED' })
    expect(() => arrange([one, two])).toThrow(forked)
    const first = arrange([one])
    const known = { entries: createLogEntries(...first.fresh.map(({ entry }) => entry)), heads: first.heads }
    expect(() => arrange([two], known)).toThrow(forked)
  })

  test('ignores older generations, and asks to read the pointer again when there is a newer one', async () => {
    const old = await segment({ sequence: 1, generation: 1 })
    const fresh = await segment({ sequence: 2, generation: 2, parents: [old] })
    const arranged = arrangeSegments({ account, generation: 2, known: EMPTY_LOG, served: [old, fresh] })
    expect(arranged.heads).toEqual(ids([fresh]))
    expect(arranged.outside).toEqual(ids([old]))
    expect(() => arrange([old, fresh])).toThrow(expect.objectContaining({ code: 'ERR_POINTER_CONFLICT' }))
  })

  test("is refused with another account's segment", async () => {
    const own = await segment({ sequence: 1 })
    expect(() =>
      arrangeSegments({ account: root.slice(16), generation: 1, known: EMPTY_LOG, served: [own] }),
    ).toThrow(expect.objectContaining({ code: 'ERR_LOG_DAMAGED' }))
  })

  test('may be fifty thousand segments deep', async () => {
    const template = await segment({ sequence: 1 })
    const id = (index: number): Uint8Array => parseHex(index.toString(16).padStart(64, '0'), 'id', 32)
    const chain = Array.from({ length: 50_000 }, (_, index) => ({
      ...template,
      id: id(index + 1),
      sequence: index + 1,
      parents: index === 0 ? [] : [id(index)],
    }))
    const { fresh, heads } = arrange(chain.reverse())
    expect(fresh.at(-1)?.entry.depth).toBe(49_999)
    expect(heads.length).toBe(1)
  })
})
