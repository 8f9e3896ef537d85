import { describe, expect, it } from 'vitest'
import { toHex } from '../../crypto/index.ts'
import { deriveRecoveryCodeSeed, generateRecoveryCode, parseRecoveryCode } from './recovery-code.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const refused = (problem: string): unknown =>
  expect.objectContaining({ code: 'ERR_RECOVERY_CODE_INVALID', details: { problem } })
const account = new Uint8Array(16).fill(1)

describe('a recovery code', () => {
  it('is seven groups of four characters that cannot be mistaken for one another', () => {
    const codes = Array.from({ length: 200 }, generateRecoveryCode)
    for (const code of codes) expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/)
    expect(new Set(codes).size).toBe(200)
    expect(new Set(codes.join('')).size).toBe(33)
  })

  it('is read as people write it', () => {
    const code = generateRecoveryCode()
    const plain = code.replaceAll('-', '')
    const written = [
      code.toLowerCase(),
      plain,
      code.replaceAll('-', ' '),
      code.replaceAll('-', '–'),
      `  ${code}\n`,
      code.replaceAll('0', 'o').replaceAll('1', 'l'),
      code.replaceAll('0', 'O').replaceAll('1', 'I'),
    ]
    for (const text of written) expect(parseRecoveryCode(text)).toBe(plain)
  })

  it('with any one character wrong, or any two neighbours exchanged, is refused by its check', () => {
    const code = parseRecoveryCode(generateRecoveryCode())
    for (let at = 0; at < code.length; at += 1) {
      for (const other of ALPHABET) {
        if (other === code.charAt(at)) continue
        const wrong = code.slice(0, at) + other + code.slice(at + 1)
        expect(() => parseRecoveryCode(wrong)).toThrow(refused('check'))
      }
      for (let to = at + 1; to < code.length; to += 1) {
        if (code.charAt(at) === code.charAt(to)) continue
        const characters = Array.from(code)
        characters[at] = code.charAt(to)
        characters[to] = code.charAt(at)
        expect(() => parseRecoveryCode(characters.join(''))).toThrow(refused('check'))
      }
    }
  })

  it('that is none is refused, and says by what', () => {
    const code = generateRecoveryCode()
    for (const text of ['', code.slice(1), `${code}0`, 'A'.repeat(1000)])
      expect(() => parseRecoveryCode(text)).toThrow(refused('length'))
    for (const text of [`U${code.slice(1)}`, `é${code.slice(1)}`, `${code}\u0000`])
      expect(() => parseRecoveryCode(text)).toThrow(refused('characters'))
  })

  it('gives the frozen seed, one for each account', () => {
    const seed = toHex(deriveRecoveryCodeSeed(FROZEN, account))
    expect(seed).toBe('92e2e194828cd4e727053c05ffce5dc9e540726b327557b3c78f039b3f0a6ed3')
    expect(toHex(deriveRecoveryCodeSeed(FROZEN, new Uint8Array(16)))).not.toBe(seed)
  })
})

const FROZEN = '0123-4567-89AB-CDEF-GHJK-MNPQ-RS10'
