import { readFileSync } from 'node:fs'
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import { bytesToNumberLE } from '@noble/curves/utils.js'
import { sha512 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  deriveEd25519PublicKey,
  isEd25519PublicKey,
  signEd25519,
  verifyByPoints,
  verifyEd25519,
} from './ed25519.ts'
import type { Ed25519Signed } from './ed25519.ts'
import { concat, randomBytes } from './bytes.ts'
import { parseHex } from './text.ts'

interface Vector {
  readonly tcId: number
  readonly publicKey: string
  readonly msg: string
  readonly sig: string
  readonly result: 'valid' | 'invalid'
}
const file = new URL('../../../../vectors/wycheproof-ed25519.json', import.meta.url)
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { readonly vectors: readonly Vector[] }
const hex = (text: string): Uint8Array => parseHex(text, 'vector')
const { Point } = ed25519
const [NEUTRAL = '', GENERATOR = ''] = ED25519_TORSION_SUBGROUP
const ORDER_8 = Point.fromHex(GENERATOR)

/** Both ways must say the same; this Node has both. */
function verify(input: Ed25519Signed): boolean {
  const good = verifyEd25519(input)
  if (isEd25519PublicKey(input.publicKey) && input.signature.length === 64) {
    expect(verifyByPoints(input)).toBe(good)
  }
  return good
}

describe('Ed25519', () => {
  it('decides every case of Wycheproof', () => {
    for (const { publicKey, msg, sig, result } of vectors) {
      const input = { publicKey: hex(publicKey), message: hex(msg), signature: hex(sig) }
      expect(verify(input)).toBe(result === 'valid')
    }
  })

  it('signs and derives as it does without node:crypto', () => {
    for (let round = 0; round < 20; round += 1) {
      const [seed, message] = [randomBytes(32), randomBytes(round)]
      expect(deriveEd25519PublicKey(seed)).toEqual(ed25519.getPublicKey(seed))
      expect(signEd25519({ seed, message })).toEqual(ed25519.sign(message, seed))
    }
  })

  it('refuses a seed of another length', () => {
    expect(() => deriveEd25519PublicKey(new Uint8Array(31))).toThrow(RangeError)
    expect(() => signEd25519({ seed: new Uint8Array(64), message: new Uint8Array(0) })).toThrow(RangeError)
  })

  it('takes no key of small order, whatever its encoding', () => {
    for (const encoding of ED25519_TORSION_SUBGROUP) {
      expect(isEd25519PublicKey(hex(encoding))).toBe(false)
      // The neutral point and S = 0 fit every message under a small key, where one is let in.
      const signature = concat(hex(NEUTRAL), new Uint8Array(32))
      expect(verify({ publicKey: hex(encoding), message: new Uint8Array(8), signature })).toBe(false)
    }
    // y + p, which decodes leniently to y; and x = 0 with a sign.
    for (const lenient of [
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '0100000000000000000000000000000000000000000000000000000000000080',
    ]) {
      expect(isEd25519PublicKey(hex(lenient))).toBe(false)
    }
  })

  it('reads a key or a commitment with a part of small order alike on both ways', () => {
    for (let round = 0; round < 16; round += 1) {
      const { scalar, point } = ed25519.utils.getExtendedPublicKey(randomBytes(32))
      const message = randomBytes(16)
      const nonce = Point.Fn.create(BigInt(round) + 5n)
      const publicKey = point.add(ORDER_8.multiplyUnsafe(BigInt(round % 8))).toBytes()
      const r = Point.BASE.multiplyUnsafe(nonce)
        .add(ORDER_8.multiplyUnsafe(BigInt(round % 3)))
        .toBytes()
      const k = challenge(r, publicKey, message)
      const s = Point.Fn.toBytes(Point.Fn.create(nonce + k * scalar))
      const good = verify({ publicKey, message, signature: concat(r, s) })
      if (round % 8 === 0 && round % 3 === 0) expect(good).toBe(true)
    }
  })

  it('answers alike for what was bent at any bit', () => {
    const seed = randomBytes(32)
    const publicKey = deriveEd25519PublicKey(seed)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(96 * 8 - 1), (message, bit) => {
        const whole = concat(publicKey, signEd25519({ seed, message }))
        whole[bit >> 3] = (whole[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(verify({ publicKey: whole.subarray(0, 32), message, signature: whole.subarray(32) })).toBe(
          false,
        )
      }),
      { numRuns: 60 },
    )
  })
})

function challenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return Point.Fn.create(bytesToNumberLE(sha512(concat(r, publicKey, message))))
}
