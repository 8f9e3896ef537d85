import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { hasDigitRun } from './digit-runs.ts'
import { createLeakSearch } from './leak-search.ts'
import { deriveNeedles } from './needles.ts'

const encodings = {
  raw: (bytes: Uint8Array) => Buffer.from(bytes),
  hex: (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString('hex')),
  'upper-case hex': (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString('hex').toUpperCase()),
  base64: (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString('base64')),
  base64url: (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString('base64url')),
  'base64 in escaped JSON': (bytes: Uint8Array) =>
    Buffer.from(Buffer.from(bytes).toString('base64').replaceAll('/', '\\/')),
  'base64 in an address': (bytes: Uint8Array) =>
    Buffer.from(encodeURIComponent(Buffer.from(bytes).toString('base64'))),
  'a printed Buffer': (bytes: Uint8Array) =>
    Buffer.from([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')),
  'a Buffer in JSON': (bytes: Uint8Array) => Buffer.from(JSON.stringify(Buffer.from(bytes))),
}

for (const [name, encode] of Object.entries(encodings)) {
  test(`a key is found in ${name} at every offset of the text`, () => {
    const key = randomBytes(32)
    const search = createLeakSearch(deriveNeedles([key]))
    for (let offset = 0; offset < 17; offset += 1) {
      const text = Buffer.concat([randomBytes(offset), encode(key), randomBytes(40)])
      expect(search.find(text).size).toBeGreaterThan(0)
    }
  })

  test(`a key in the middle of other bytes that are encoded together in ${name} is found at every alignment`, () => {
    const key = randomBytes(32)
    const search = createLeakSearch(deriveNeedles([key]))
    for (let before = 0; before < 12; before += 1) {
      const text = encode(Buffer.concat([randomBytes(before), key, randomBytes(before)]))
      expect(search.find(text).size).toBeGreaterThan(0)
    }
  })
}

test('half a key is found, and of a long key every piece of 31 bytes', () => {
  const key = randomBytes(4032)
  const search = createLeakSearch(deriveNeedles([key]))
  for (let start = 0; start + 31 <= key.length; start += 97) {
    expect(
      search.find(Buffer.concat([Buffer.alloc(5), key.subarray(start, start + 31)])).size,
    ).toBeGreaterThan(0)
  }
})

test('every one of thousands of planted secrets is found and nothing else', () => {
  const secrets = Array.from({ length: 2000 }, () => randomBytes(32))
  const needles = deriveNeedles(secrets)
  const search = createLeakSearch(needles)
  const planted = secrets.filter((_, index) => index % 3 === 0)
  const text = Buffer.concat(
    planted.flatMap((secret) => [randomBytes(101), Buffer.from(secret.toString('base64'))]),
  )
  const found = new Set([...search.find(text)].map((number) => needles[number]?.secret))
  expect([...found].sort((left, right) => Number(left) - Number(right))).toEqual(
    secrets.flatMap((_, index) => (index % 3 === 0 ? [index] : [])),
  )
})

test('random bytes and zeros hold no secret', () => {
  const search = createLeakSearch(deriveNeedles(Array.from({ length: 1000 }, () => randomBytes(32))))
  expect(search.find(randomBytes(4_000_000)).size).toBe(0)
  expect(search.find(new Uint8Array(4_000_000)).size).toBe(0)
})

test('a needle at the very end and one cut off there are told apart', () => {
  const key = randomBytes(16)
  const search = createLeakSearch(deriveNeedles([key]))
  for (let before = 0; before < 9; before += 1) {
    expect(search.find(Buffer.concat([Buffer.alloc(before), key])).size).toBe(1)
    expect(search.find(Buffer.concat([Buffer.alloc(before), key.subarray(0, 15)])).size).toBe(0)
  }
})

test('a secret that is too short to search for safely is refused', () => {
  expect(() => deriveNeedles([randomBytes(15)])).toThrow(RangeError)
})

const whole = { cutAtStart: false, cutAtEnd: false }

test.each([
  ['482913', true],
  ['pin=482913.', true],
  ['1482913 482913x', true],
  ['1482913', false],
  ['4829130', false],
  ['48291', false],
])('in %j a PIN of six digits is found as a whole run of digits: %j', (text, found) => {
  expect(hasDigitRun(Buffer.from(text), '482913', whole)).toBe(found)
})

test('a run of digits that touches the cut edge of a block is left to the neighbouring block', () => {
  expect(hasDigitRun(Buffer.from('482913 '), '482913', { cutAtStart: true, cutAtEnd: false })).toBe(false)
  expect(hasDigitRun(Buffer.from(' 482913'), '482913', { cutAtStart: false, cutAtEnd: true })).toBe(false)
  expect(hasDigitRun(Buffer.from(' 482913 '), '482913', { cutAtStart: true, cutAtEnd: true })).toBe(true)
})
