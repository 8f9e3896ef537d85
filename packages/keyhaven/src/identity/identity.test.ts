import { describe, expect, test } from 'vitest'
import {
  deriveSafetyNumber,
  generateIdentity,
  parseIdentity,
  parsePublicIdentity,
  wipeIdentity,
  writeIdentity,
} from './index.ts'
import { signHybrid, verifyHybrid } from './signature.ts'

const malformed: unknown = expect.objectContaining({ code: 'ERR_ENVELOPE_MALFORMED' })
const [anna, ben] = await Promise.all([generateIdentity(), generateIdentity()])

describe('an identity', () => {
  test('is 97 private and 3201 public bytes, and read as it was written', async () => {
    expect(writeIdentity(anna).length).toBe(97)
    expect(anna.publicIdentity.bytes.length).toBe(3201)
    expect(await parseIdentity(writeIdentity(anna))).toEqual(anna)
    expect(parsePublicIdentity(anna.publicIdentity.bytes)).toEqual(anna.publicIdentity)
  })

  test('is refused in another length or version', async () => {
    const bytes = writeIdentity(anna)
    const unknown = Uint8Array.from([2, ...bytes.subarray(1)])
    for (const wrong of [
      bytes.slice(1),
      bytes.slice(0, 96),
      new Uint8Array(98).fill(1),
      unknown,
      new Uint8Array(),
    ]) {
      await expect(parseIdentity(wrong)).rejects.toEqual(malformed)
    }
    const open = anna.publicIdentity.bytes
    const other = Uint8Array.from([2, ...open.subarray(1)])
    for (const wrong of [
      open.slice(1),
      open.slice(0, -1),
      new Uint8Array(3202).fill(1),
      other,
      new Uint8Array(),
    ]) {
      expect(() => parsePublicIdentity(wrong)).toThrow(malformed)
    }
  })

  test.each([
    ['an Ed25519 key of small order', 1217, Uint8Array.from([1, ...new Uint8Array(31)])],
    ['an Ed25519 key that is not canonical', 1217, new Uint8Array(32).fill(255)],
    ['an X25519 key of small order', 1185, new Uint8Array(32)],
    ['ML-KEM coefficients that are not reduced', 1, new Uint8Array(3).fill(255)],
    ['an ML-KEM coefficient that is just too large', 1, Uint8Array.from([0x01, 0x0d, 0])],
  ])('is refused with %s, so that it cannot spoil a conversation', (_, offset, key) => {
    const bytes = anna.publicIdentity.bytes.slice()
    bytes.set(key, offset)
    expect(() => parsePublicIdentity(bytes)).toThrow(malformed)
  })

  test('has another fingerprint for any other byte that parses', () => {
    for (const place of [10, 1190, 1300, 3200]) {
      const bytes = anna.publicIdentity.bytes.slice()
      bytes[place] = (bytes[place] ?? 0) ^ 1
      expect(parsePublicIdentity(bytes).fingerprint).not.toEqual(anna.publicIdentity.fingerprint)
    }
  })

  test('does not change when the bytes that it was read from do', async () => {
    const [priv, open] = [writeIdentity(ben), ben.publicIdentity.bytes.slice()]
    const [own, theirs] = [await parseIdentity(priv), parsePublicIdentity(open)]
    priv.fill(0)
    open.fill(0)
    expect(own).toEqual(ben)
    expect(theirs).toEqual(ben.publicIdentity)
    wipeIdentity(own)
    expect(writeIdentity(own)).toEqual(Uint8Array.from([1, ...new Uint8Array(96)]))
  })

  test('signs twice, and both signatures are needed', async () => {
    const message = new TextEncoder().encode('purpose and content')
    const signature = await signHybrid(anna, message)
    const { publicIdentity } = anna
    expect(await verifyHybrid({ publicIdentity, message, signature })).toBe(true)
    for (const place of [0, 63, 64, 3372]) {
      const altered = signature.slice()
      altered[place] = (altered[place] ?? 0) ^ 1
      expect(await verifyHybrid({ publicIdentity, message, signature: altered })).toBe(false)
    }
    const others = await signHybrid(ben, message)
    const mixed = [
      Uint8Array.from([...signature.subarray(0, 64), ...others.subarray(64)]),
      Uint8Array.from([...others.subarray(0, 64), ...signature.subarray(64)]),
      signature.slice(1),
    ]
    for (const wrong of mixed)
      expect(await verifyHybrid({ publicIdentity, message, signature: wrong })).toBe(false)
  })
})

test('a safety number is 60 digits in 12 groups, of two identities that differ', () => {
  const [one, other] = [anna.publicIdentity.fingerprint, ben.publicIdentity.fingerprint]
  expect(deriveSafetyNumber(one, other)).toMatch(/^(?:\d{5} ){11}\d{5}$/)
  expect(deriveSafetyNumber(one, other)).toBe(deriveSafetyNumber(other, one))
  const invalid: unknown = expect.objectContaining({ code: 'ERR_INPUT_INVALID' })
  expect(() => deriveSafetyNumber(one, one)).toThrow(invalid)
  expect(() => deriveSafetyNumber(one, other.slice(1))).toThrow(invalid)
})
