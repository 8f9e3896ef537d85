import { describe, expect, test } from 'vitest'
import { utf8 } from '../crypto/index.ts'
import { normalizePin } from './pin-text.ts'

describe('PIN format 1: what is typed becomes the same bytes everywhere', () => {
  test('digits of any script become ASCII digits', () => {
    for (const typed of ['274951', '٢٧٤٩٥١', '۲۷۴۹۵۱', '२७४९५१', '２７４９５１', '𝟐𝟕𝟒𝟗𝟓𝟏']) {
      expect(normalizePin(typed)).toEqual(utf8('274951'))
    }
  })

  test('every decimal digit has its value: runs of ten count from 0 to 9, in any version of Unicode', () => {
    const values = new Map<number, string>()
    for (let codePoint = 0x30; codePoint < 0x20000; codePoint += 1) {
      const character = codePoint >= 0xd800 && codePoint <= 0xdfff ? 'x' : String.fromCodePoint(codePoint)
      if (!/\p{Nd}/u.test(character)) continue
      const [first = 0] = normalizePin(`${character}aeiouy`)
      if (first < 0x80) values.set(codePoint, String.fromCharCode(first))
    }
    expect(values.size).toBeGreaterThanOrEqual(650)
    for (const [codePoint, value] of values) {
      const before = values.get(codePoint - 1)
      expect(value).toBe(before === undefined || before === '9' ? '0' : String(Number(before) + 1))
    }
  })

  test('composed and decomposed letters, and compatibility forms, are one', () => {
    expect(normalizePin('e\u0301toiles')).toEqual(normalizePin('\u00e9toiles'))
    expect(normalizePin('ﬁshes!')).toEqual(utf8('fishes!'))
  })

  test('white space is dropped at both ends only', () => {
    expect(normalizePin(' \u00a027 49 51\u3000\n')).toEqual(utf8('27 49 51'))
  })

  test.each([
    ['12345', 'too-short'],
    ['     1    ', 'too-short'],
    ['', 'too-short'],
    ['x'.repeat(64) + 'y'.repeat(65), 'too-long'],
    ['x'.repeat(1_000_000), 'too-long'],
    ['2749\u00001', 'characters'],
    ['27\t4951', 'characters'],
    ['27495\ud800', 'characters'],
  ])('refuses a text that no PIN looks like (%#: %s)', (pin, reason) => {
    expect(() => normalizePin(pin)).toThrow(
      expect.objectContaining({ code: 'ERR_PIN_REFUSED', details: { reason } }),
    )
  })

  test.each(['274951', '111111', '123456', 'correct horse battery staple', '🔑'.repeat(128)])(
    'takes what is in use, whatever the rules for new PINs are: %j',
    (pin) => {
      expect(normalizePin(pin)).toEqual(utf8(pin))
      expect(normalizePin(pin).length).toBeLessThanOrEqual(512)
    },
  )
})
