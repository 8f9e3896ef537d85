import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat } from '../../crypto/index.ts'
import { parseConversationEntries } from '../format/conversation-entries.ts'
import { createConversationIndex } from './conversation-index.ts'
import type { ConversationIndex } from './conversation-index.ts'
import { conversationBodies } from '../format/key-bodies.ts'
import { deriveKeyId } from '../format/key-changes.ts'
import { createKeyTable } from './merge.ts'
import { keyChanges } from '../testing/arbitraries.ts'

const key = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const bodyOf = (set: readonly { name: string; key: Uint8Array; version: number }[]): Uint8Array =>
  concat(...conversationBodies({ set, removed: [] }))
/** What an index says, in the order of names. */
const tell = (index: ConversationIndex) =>
  [...index.all()].sort((left, right) => (left.name < right.name ? -1 : 1))

describe('the index of conversation keys', () => {
  test('says what the merge of all changes says, in any order, with repeats, and from its own bodies', () => {
    fc.assert(
      fc.property(
        fc.array(keyChanges, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        (batches, picks) => {
          const table = createKeyTable(...batches)
          const bodies = batches.flatMap(conversationBodies)
          const repeated = picks.flatMap((pick) => bodies[pick % Math.max(bodies.length, 1)] ?? [])
          const index = createConversationIndex(...repeated, ...[...bodies].reverse())
          const names = table.names()
          expect(tell(index)).toEqual(names.map((name) => ({ name, keys: table.keysOf(name) })))
          expect(index.countNames()).toBe(names.length)
          for (const name of ['main', '__proto__', 'nobody']) {
            expect(index.keysOf(name)).toEqual(table.keysOf(name))
            expect(index.nextVersion(name)).toBe(table.nextVersion(name))
          }
          const merged = createKeyTable(parseConversationEntries(concat(...index.bodies())))
          expect(merged.changes()).toEqual(table.changes())
          const halves = [bodies.slice(0, 3), bodies.slice(3)].map((half) => createConversationIndex(...half))
          const again = createConversationIndex(...halves.reverse().flatMap((half) => half.bodies()))
          expect(tell(again)).toEqual(tell(index))
        },
      ),
      { numRuns: 100 },
    )
  })

  test('counts names while keys come and go', () => {
    const index = createConversationIndex()
    const removal = (version: number): Uint8Array =>
      concat(
        ...conversationBodies({ set: [], removed: [{ name: 'a', keyId: deriveKeyId(key(1)), version }] }),
      )
    const counts = [
      bodyOf([{ name: 'a', key: key(1), version: 1 }]),
      bodyOf([{ name: 'b', key: key(1), version: 1 }]),
      removal(1),
      bodyOf([{ name: 'a', key: key(1), version: 1 }]),
      bodyOf([{ name: 'a', key: key(1), version: 2 }]),
      removal(2),
    ].map((body) => {
      index.append(body)
      return index.countNames()
    })
    expect(counts).toEqual([1, 2, 1, 1, 2, 1])
  })

  test('holds a hundred thousand and one names, UUIDs, texts and names of JavaScript itself', () => {
    const hex = (number: number): string => number.toString(16).padStart(8, '0')
    const nameOf = (number: number): string =>
      number % 2 === 0 ? `${hex(number)}-0000-4000-8000-000000000000` : `conversation ${String(number)}`
    const set = Array.from({ length: 100_000 }, (_, number) => ({
      name: nameOf(number),
      key: key(number % 251),
      version: 1,
    }))
    const index = createConversationIndex(
      ...conversationBodies({ set, removed: [] }),
      bodyOf([{ name: '__proto__', key: key(9, 65_536), version: 7 }]),
    )
    expect(index.countNames()).toBe(100_001)
    for (const number of [0, 1, 49_998, 99_999]) expect(index.keysOf(nameOf(number))).toEqual([set[number]])
    expect(index.keysOf('__proto__')).toEqual([{ name: '__proto__', key: key(9, 65_536), version: 7 }])
    expect(index.keysOf('constructor')).toEqual([])
    const bodies = index.bodies()
    expect(bodies.length).toBeGreaterThan(1)
    expect(createConversationIndex(...bodies).countNames()).toBe(100_001)
  })

  test('takes names that differ in few bits, and thousands of keys and removals of one name', () => {
    const names = Array.from({ length: 2 ** 12 }, (_, bits) => {
      const digits = Array.from({ length: 12 }, (__, place) => ((bits >> place) & 1 ? '8' : '0'))
      return `${digits.slice(0, 8).join('')}-${digits.slice(8).join('')}-4000-8000-000000000000`
    })
    const index = createConversationIndex(bodyOf(names.map((name) => ({ name, key: key(1), version: 1 }))))
    expect(index.countNames()).toBe(names.length)
    const many = Array.from({ length: 3000 }, (_, number) => {
      const bytes = key(0)
      new DataView(bytes.buffer).setUint32(0, number)
      return { name: 'one', key: bytes, version: number + 1 }
    })
    index.append(bodyOf(many))
    const removed = many.slice(1).map((entry) => ({
      name: 'one',
      keyId: deriveKeyId(entry.key),
      version: entry.version,
    }))
    for (const body of conversationBodies({ set: [], removed })) index.append(body)
    expect(index.keysOf('one')).toEqual([many[0]])
    expect(index.nextVersion('one')).toBe(3001)
  })

  test('gives copies, and nothing any more once it was overwritten', () => {
    const body = bodyOf([{ name: 'a', key: key(5), version: 1 }])
    const index = createConversationIndex(body)
    index.keysOf('a')[0]?.key.fill(0)
    index.bodies()[0]?.fill(0)
    expect(index.keysOf('a')[0]?.key).toEqual(key(5))
    expect(body.includes(5)).toBe(true)
    index.wipe()
    const locked: unknown = expect.objectContaining({ code: 'ERR_VAULT_LOCKED' })
    for (const call of [
      () => index.keysOf('a'),
      () => index.bodies(),
      () => index.countNames(),
      () => index.nextVersion('a'),
      () => [...index.all()],
      () => {
        index.append(body)
      },
    ]) {
      expect(call).toThrow(locked)
    }
  })
})
