import fc from 'fast-check'
import { nip44 } from 'nostr-tools'
import { expect, it } from 'vitest'
import { randomBytes } from './bytes.ts'
import { deriveConversationKey, openNip44, sealNip44 } from './nip44.ts'
import { deriveSchnorrPublicKey, signSchnorr, verifySchnorr } from './schnorr.ts'
import { parseBase64, parseHex, toBase64, toHex } from './text.ts'

const one = parseHex('00'.repeat(31) + '01', 'key')
const two = parseHex('00'.repeat(31) + '02', 'key')

it('gives the conversation key and the payload that NIP-44 prints', () => {
  const shared = deriveConversationKey({ secretKey: one, publicKey: deriveSchnorrPublicKey(two) })
  expect(toHex(shared)).toBe('c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d')
  const nonce = parseHex('00'.repeat(31) + '01', 'nonce')
  const payload =
    'AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKfYEAjD35uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb'
  expect(sealNip44('a', shared, nonce)).toBe(payload)
  expect(openNip44(payload, shared)).toBe('a')
})

it('opens what nostr-tools seals and seals what it opens, at every length', () => {
  const shared = deriveConversationKey({ secretKey: one, publicKey: deriveSchnorrPublicKey(two) })
  const lengths = [1, 2, 31, 32, 33, 64, 65, 96, 97, 128, 255, 256, 257, 383, 384, 512, 1000, 20_000, 65_535]
  for (const length of lengths) {
    const text = 'x'.repeat(length)
    expect(openNip44(nip44.encrypt(text, shared), shared)).toBe(text)
    expect(nip44.decrypt(sealNip44(text, shared), shared)).toBe(text)
  }
  for (const text of ['', 'x'.repeat(65_536)]) {
    expect(() => sealNip44(text, shared)).toThrow(expect.objectContaining({ code: 'ERR_INPUT_INVALID' }))
  }
})

it('refuses every flipped bit, and keys that are none', () => {
  const shared = randomBytes(32)
  const bytes = parseBase64(sealNip44('hello', shared), 'payload')
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = bytes.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const code = bit < 8 ? 'ERR_ENVELOPE_MALFORMED' : 'ERR_ENVELOPE_REJECTED'
    expect(() => openNip44(toBase64(flipped), shared)).toThrow(expect.objectContaining({ code }))
  }
  for (const publicKey of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(31)]) {
    expect(() => deriveConversationKey({ secretKey: one, publicKey })).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_INVALID' }),
    )
  }
})

it('throws coded errors for any text', () => {
  const shared = randomBytes(32)
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String({ maxLength: 400 })), (text) => {
      expect(() => openNip44(text, shared)).toThrow(expect.objectContaining({ name: 'KeyhavenError' }))
    }),
  )
})

it('signs by BIP 340, whose vector 1 verifies', () => {
  const publicKey = parseHex('dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659', 'key')
  const message = parseHex('243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89', 'message')
  const signature = parseHex(
    '6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de3341' +
      '8906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a',
    'signature',
  )
  expect(verifySchnorr({ signature, message, publicKey })).toBe(true)
  const secretKey = parseHex('b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef', 'key')
  expect(deriveSchnorrPublicKey(secretKey)).toEqual(publicKey)
  expect(verifySchnorr({ signature: signSchnorr({ message, secretKey }), message, publicKey })).toBe(true)
  expect(verifySchnorr({ signature, message: new Uint8Array(32), publicKey })).toBe(false)
})
