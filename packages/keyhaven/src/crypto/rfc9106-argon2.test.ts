import { describe, expect, it } from 'vitest'
import { argon2idJavascript } from './argon2-javascript.ts'
import type { Argon2idName } from './argon2.ts'
import { loadArgon2id, loadArgon2idNamed } from './argon2.ts'
import { randomBytes, utf8 } from './bytes.ts'
import { parseHex, toHex } from './text.ts'
import { readVectors } from '../recovery/testing/vectors.ts'

interface Cost {
  readonly memoryKib: number
  readonly iterations: number
  readonly parallelism: number
  readonly length: number
  readonly password: string
  readonly salt: string
  readonly tag: string
}
const { vectors, reference } = readVectors('rfc9106-argon2id.json') as {
  readonly vectors: readonly (Cost & { readonly secret: string; readonly associatedData: string })[]
  readonly reference: readonly Cost[]
}
const NAMES: readonly Argon2idName[] = ['native', 'wasm', 'javascript']

describe('Argon2id', () => {
  it('gives the tag of RFC 9106, 5.3', async () => {
    for (const { password, salt, secret, associatedData, tag, ...cost } of vectors) {
      const hash = await argon2idJavascript({
        ...cost,
        password: parseHex(password, 'password'),
        salt: parseHex(salt, 'salt'),
        secret: parseHex(secret, 'secret'),
        associatedData: parseHex(associatedData, 'associatedData'),
      })
      expect(toHex(hash)).toBe(tag)
    }
  })

  it.each(NAMES)('%s gives the tags of the reference implementation', async (name) => {
    const argon2id = await loadArgon2idNamed(name)
    for (const { password, salt, tag, ...cost } of reference) {
      if (name === 'javascript' && cost.memoryKib > 1024) continue
      const hash = await argon2id({ ...cost, password: utf8(password), salt: utf8(salt) })
      expect(toHex(hash)).toBe(tag)
    }
  })

  it('gives identical bytes by all implementations, for other passwords, salts and costs', async () => {
    const all = await Promise.all(NAMES.map(loadArgon2idNamed))
    for (const [memoryKib, iterations, parallelism, length] of [
      [8, 1, 1, 64],
      [16, 3, 2, 4],
      [100, 2, 1, 33],
      [64, 1, 4, 128],
    ] as const) {
      const input = { password: randomBytes(6 + length), salt: randomBytes(8 + iterations * 20) }
      const cost = { memoryKib, iterations, parallelism, length }
      const hashes = await Promise.all(all.map((argon2id) => argon2id({ ...input, ...cost })))
      expect(hashes[1]).toEqual(hashes[0])
      expect(hashes[2]).toEqual(hashes[0])
      expect(hashes[0]).toHaveLength(length)
    }
  })

  it('is chosen once', async () => {
    expect(loadArgon2id()).toBe(loadArgon2id())
    await loadArgon2id()
  })
})
