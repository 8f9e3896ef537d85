import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PinRefusal } from '../errors.ts'
import { COMMON_SECRETS } from './common-secrets.ts'
import { PIN_REFUSALS, findPinRefusal, requireNewPin } from './pin-policy.ts'

const phone = '+4915112345678'

describe('a new PIN', () => {
  test.each<[PinRefusal, readonly string[]]>([
    ['too-short', ['12345', '    1    ']],
    ['too-long', ['x'.repeat(64) + 'y'.repeat(65)]],
    ['characters', ['2749\u00001', '27495\ud800']],
    [
      'repeated',
      ['111111', '121212', '1212121', 'aAaAaA', '١١١١١١', '000001', '112221', '123123', '27492749', 'abcabc'],
    ],
    [
      'sequence',
      ['123456', '654321', '789012', '210987', 'FedCBA', '٣٤٥٦٧٨', '135791', '246802', '112233', '998877'],
    ],
    [
      'sequence',
      [
        '456123',
        '147258',
        '159357',
        '258963',
        '111222333',
        '123321',
        'qwerty',
        'QWEasd',
        'abc123',
        '123 456',
      ],
    ],
    ['sequence', ['qwertz123', 'azerty', 'zxcvbnm', 'абвгде']],
    ['common', ['314159', '112358', 'Password', 'p@ssw0rd', '1Q2W3E4R', 'iloveyou', 'passwort']],
    [
      'date',
      [
        '120584',
        '051284',
        '840512',
        '198405',
        '051984',
        '12051984',
        '12.05.1984',
        '1984-05-12',
        '19842011',
        '290200',
      ],
    ],
    [
      'phone-number',
      ['511234', '015112345678', '004915112345678', '+4915112345678', '543211', '0151 1234567'],
    ],
  ])('is refused as %s', (reason, pins) => {
    for (const pin of pins) expect([pin, findPinRefusal({ pin, phone })]).toEqual([pin, reason])
  })

  test.each([
    ['274951', '482913', '905317', '300284', '991399', '48291357', '27-49-51'],
    [
      'correct horse battery staple',
      'пароль с пробелами',
      '母は毎朝お茶を飲む',
      'x4v9q1',
      'Sunshine on 12.05.1984',
      '🔑🐎🔋📎🌊🍞',
    ],
  ])('is taken when nothing is against it', (...pins) => {
    for (const pin of pins) expect([pin, findPinRefusal({ pin, phone })]).toEqual([pin, undefined])
  })

  test('is judged by its digits, whatever script they are in', () => {
    expect(findPinRefusal({ pin: '١٢٠٥٨٤' })).toBe('date')
    expect(findPinRefusal({ pin: '５１１２３４', phone })).toBe('phone-number')
  })

  test('without a phone number is judged by the other rules', () => {
    expect(findPinRefusal({ pin: '511234' })).toBeUndefined()
    expect(findPinRefusal({ pin: '123456' })).toBe('sequence')
  })

  test('has less than a tenth of all six-digit PINs refused, so that the rules do not frustrate', () => {
    let refused = 0
    let tried = 0
    for (let pin = 0; pin < 1_000_000; pin += 101) {
      tried += 1
      if (findPinRefusal({ pin: String(pin).padStart(6, '0') }) !== undefined) refused += 1
    }
    expect(refused / tried).toBeGreaterThan(0.08)
    expect(refused / tried).toBeLessThan(0.1)
  })

  test('is refused with one of the listed words and nothing of itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (pin) => {
        const refusal = findPinRefusal({ pin, phone })
        expect(refusal === undefined || PIN_REFUSALS.includes(refusal)).toBe(true)
      }),
    )
    for (const pin of ['777777', 'password', '120584']) {
      try {
        requireNewPin({ pin })
        expect.unreachable()
      } catch (fault) {
        expect(fault).toMatchObject({ code: 'ERR_PIN_REFUSED' })
        expect(JSON.stringify(fault) + String(fault)).not.toContain(pin)
      }
    }
  })
})

test('the commonest secrets are in their one form, and each of them is refused', () => {
  expect(new Set(COMMON_SECRETS).size).toBe(COMMON_SECRETS.length)
  for (const pin of COMMON_SECRETS) {
    expect(pin).toBe(pin.normalize('NFKC').toLowerCase())
    expect([pin, findPinRefusal({ pin })]).not.toEqual([pin, undefined])
  }
})
