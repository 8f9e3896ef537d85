import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat } from '../../crypto/index.ts'
import { isKeyhavenError } from '../../errors.ts'
import { parseContent, writeContent } from './content.ts'
import { parseConversationEntries, writeConversationKey } from './conversation-entries.ts'
import { parseIdentityEntries, writeIdentityEntries } from './identity-entries.ts'
import { conversationBodies, identityBodies } from './key-bodies.ts'
import { createKeyTable } from '../device/merge.ts'
import { parseSnapshot, writeSnapshot } from './snapshot.ts'
import { keyChanges } from '../testing/arbitraries.ts'
import { parseWays } from './ways.ts'

const PARSERS = { parseConversationEntries, parseIdentityEntries, parseSnapshot, parseWays, parseContent }

describe('bodies of segments', () => {
  test('conversation and identity entries are read as they were written', () => {
    fc.assert(
      fc.property(keyChanges, (changes) => {
        expect(parseConversationEntries(concat(...conversationBodies(changes)))).toEqual(changes)
        expect(parseIdentityEntries(writeIdentityEntries(changes))).toEqual(changes)
      }),
    )
  })

  test('a UUID with a 32-byte key takes 52 bytes', () => {
    const name = '0b0f1a5e-9c7e-4d9e-8c1f-3a7b2c4d5e6f'
    expect(writeConversationKey({ name, key: new Uint8Array(32), version: 1 }).length).toBe(52)
  })

  test('content and snapshot are read as they were written', () => {
    const content = {
      accessLogHead: new Uint8Array(32).fill(4),
      writtenAt: 1_790_000_000,
      body: new Uint8Array([1, 2]),
    }
    expect(parseContent(writeContent(content))).toEqual(content)
    const snapshot = { heads: ['ab'.repeat(32)], anchors: [], sequences: new Map([['cd'.repeat(16), 12]]) }
    expect(parseSnapshot(writeSnapshot(snapshot))).toEqual(snapshot)
  })

  test.each(Object.entries(PARSERS))(
    '%s throws nothing but ERR_LOG_DAMAGED, whatever it is given',
    (_, parse) => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          try {
            parse(bytes)
          } catch (fault) {
            expect(isKeyhavenError(fault, 'ERR_LOG_DAMAGED')).toBe(true)
          }
        }),
        { numRuns: 1000 },
      )
    },
  )

  test('altered and cut bodies are refused or read, never anything else', () => {
    fc.assert(
      fc.property(keyChanges, fc.nat(), fc.integer({ min: 1, max: 255 }), (changes, place, flip) => {
        const bodies = [concat(...conversationBodies(changes)), writeIdentityEntries(changes)]
        for (const [index, body] of bodies.entries()) {
          const altered = body.slice(0, body.length - (place % 2))
          const at = place % Math.max(altered.length, 1)
          altered[at] = (altered[at] ?? 0) ^ flip
          try {
            ;[parseConversationEntries, parseIdentityEntries][index]?.(altered)
          } catch (fault) {
            expect(isKeyhavenError(fault, 'ERR_LOG_DAMAGED')).toBe(true)
          }
        }
      }),
    )
  })

  test.each([
    ['a version of 0', [1, 0, ...new Uint8Array(16), 0, 1, 9]],
    ['an empty key', [1, 0, ...new Uint8Array(16), 1, 0]],
    ['a longer varint than needed', [1, 0, ...new Uint8Array(16), 0x81, 0x00, 1, 9]],
    ['a varint over 32 bits', [1, 0, ...new Uint8Array(16), 0xff, 0xff, 0xff, 0xff, 0x10, 1, 9]],
    ['an unknown entry', [3]],
    ['an empty name', [1, 1, 0, 1, 1, 9]],
    ['a key longer than the body', [1, 0, ...new Uint8Array(16), 1, 200, 9]],
    ['a UUID written as text', [1, 1, 36, ...Buffer.from('0b0f1a5e-9c7e-4d9e-8c1f-3a7b2c4d5e6f'), 1, 1, 9]],
  ])('conversation entries with %s are refused', (_, bytes) => {
    expect(() => parseConversationEntries(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_DAMAGED' }),
    )
  })

  test('many and large keys are cut into bodies that fit a segment, and none is lost', () => {
    const large = Array.from({ length: 40 }, (_, index) => ({
      name: `k${String(index)}`,
      key: new Uint8Array(60_000).fill(index),
      version: 1,
    }))
    const changes = { set: large, removed: [] }
    for (const [bodies, parse] of [
      [conversationBodies(changes), parseConversationEntries],
      [identityBodies(changes), parseIdentityEntries],
    ] as const) {
      expect(bodies.length).toBe(3)
      expect(Math.max(...bodies.map((body) => body.length))).toBeLessThanOrEqual(880_000)
      const found = createKeyTable(...bodies.map(parse)).changes().set
      expect(found.map(({ name, key }) => [name, key.length, key[0], key.at(-1)])).toEqual(
        createKeyTable(changes)
          .changes()
          .set.map(({ name, key }) => [name, 60_000, key[0], key[0]]),
      )
    }
  })
})
