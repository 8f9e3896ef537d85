import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deriveKeyId } from '../format/key-changes.ts'
import { createKeyTable } from './merge.ts'
import { keyChanges } from '../testing/arbitraries.ts'

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const set = (byte: number, version: number) => ({
  set: [{ name: 'a', key: key(byte), version }],
  removed: [],
})
const remove = (byte: number, version: number) => ({
  set: [],
  removed: [{ name: 'a', keyId: deriveKeyId(key(byte)), version }],
})

describe('merging', () => {
  test('gives the same table in any order, with repeats, and from its own changes', () => {
    fc.assert(
      fc.property(
        fc.array(keyChanges, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (batches, picks) => {
          const expected = createKeyTable(...batches).changes()
          const shuffled = [...batches].reverse()
          const repeated = picks.flatMap((pick) => batches[pick % Math.max(batches.length, 1)] ?? [])
          expect(createKeyTable(...repeated, ...shuffled).changes()).toEqual(expected)
          expect(createKeyTable(expected).changes()).toEqual(expected)
          const halves = [batches.slice(0, 3), batches.slice(3)].map((half) =>
            createKeyTable(...half).changes(),
          )
          expect(createKeyTable(...halves.reverse()).changes()).toEqual(expected)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('keeps every key of a name, lowest version first', () => {
    const table = createKeyTable(set(2, 2), set(1, 1), set(3, 2))
    expect(table.keysOf('a').map((entry) => entry.key[0])).toEqual([1, 2, 3])
    expect(table.nextVersion('a')).toBe(3)
  })

  test('a removal takes away the key that it names up to its version, and no other', () => {
    expect(
      createKeyTable(set(1, 1), set(2, 1), remove(1, 1))
        .keysOf('a')
        .map((entry) => entry.key[0]),
    ).toEqual([2])
    expect(createKeyTable(remove(1, 1), set(1, 1)).names()).toEqual([])
  })

  test('a key that was removed and is set again with the next version is there', () => {
    const table = createKeyTable(set(1, 1), remove(1, 1))
    const again = table.nextVersion('a')
    expect(again).toBe(2)
    expect(createKeyTable(set(1, again), remove(1, 1), set(1, 1)).keysOf('a')).toEqual(set(1, again).set)
  })
})
