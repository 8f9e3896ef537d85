import { describe, expect, it } from 'vitest'
import { loadArgon2idNamed } from '../crypto/argon2.ts'
import { utf8 } from '../crypto/bytes.ts'
import { toHex } from '../crypto/text.ts'
import { stretchPin } from './pin.ts'

describe('stretching a PIN', () => {
  it.each(['native', 'wasm'] as const)('gives the protocol’s printed check by %s', async (name) => {
    const { accessKey, encryptionKeySeed } = await stretchPin({
      argon2id: await loadArgon2idNamed(name),
      mode: 'Standard2019',
      pin: utf8('1234'),
      version: new Uint8Array(16).fill(5),
      userInfo: utf8('artemis'),
    })
    expect(toHex(accessKey)).toBe('2935da84c97423b37f3457231b877ce6ac2093501d7255dbee1deb09a5d8821b')
    expect(toHex(encryptionKeySeed)).toBe('87c8c9b5d3ea9fea83b6ac6a64e25b97c4722ca4e40bea2523efea262125e22a')
  })

  it('depends on PIN, version, user info and mode', async () => {
    const argon2id = await loadArgon2idNamed('native')
    const base = {
      argon2id,
      mode: 'FastInsecure',
      pin: utf8('1'),
      version: new Uint8Array(16),
      userInfo: utf8('a'),
    } as const
    const variants = [
      base,
      { ...base, pin: utf8('2') },
      { ...base, version: new Uint8Array(16).fill(1) },
      { ...base, userInfo: utf8('b') },
      { ...base, mode: 'Standard2019' as const },
    ]
    const keys = await Promise.all(variants.map((variant) => stretchPin(variant)))
    expect(new Set(keys.map(({ accessKey }) => toHex(accessKey))).size).toBe(variants.length)
  })
})
