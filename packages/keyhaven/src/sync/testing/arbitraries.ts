/** Random changes of keys for property tests. Few names, keys and versions, so that they meet one another. */
import fc from 'fast-check'
import { deriveKeyId } from '../format/key-changes.ts'
import type { KeyChanges } from '../format/key-changes.ts'

const NAMES = [
  'main',
  'größer',
  '0b0f1a5e-9c7e-4d9e-8c1f-3a7b2c4d5e6f',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '__proto__',
]

const name = fc.constantFrom(...NAMES)
const version = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(127, 128, 0xffffffff))
const key = fc.oneof(
  fc.integer({ min: 0, max: 3 }).map((byte) => new Uint8Array(32).fill(byte)),
  fc.uint8Array({ minLength: 1, maxLength: 200 }),
)

/** Changes that may contradict one another. */
export const keyChanges: fc.Arbitrary<KeyChanges> = fc.record({
  set: fc.array(fc.record({ name, key, version }), { maxLength: 8 }),
  removed: fc.array(
    fc.record({ name, key, version }).map((entry) => ({
      name: entry.name,
      keyId: deriveKeyId(entry.key),
      version: entry.version,
    })),
    { maxLength: 4 },
  ),
})
