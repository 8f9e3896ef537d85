import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { parseSecret, PIN, SIGN_IN_CODE } from './secret-input.ts'

test.each([
  ['482913', '482913'],
  ['482913\n', '482913'],
  ['482913\r\n', '482913'],
  [' a phrase with spaces \n', ' a phrase with spaces '],
])('%j gives %j: one newline at the end is dropped and nothing else', (text, secret) => {
  expect(parseSecret(Buffer.from(text), PIN)).toBe(secret)
})

test.each([
  ['two newlines', '482913\n\n'],
  ['two lines', '482913\n482914'],
  ['too many bytes', '1'.repeat(4097)],
])('%s are refused, and the secret is not in the message', (_, text) => {
  try {
    parseSecret(Buffer.from(text), PIN)
    expect.unreachable()
  } catch (fault) {
    expect(fault).toMatchObject({ code: 'ERR_SECRET_INVALID' })
    expect(String(fault)).not.toContain('482913')
  }
})

test('bytes that are not UTF-8 are refused', () => {
  expect(() => parseSecret(new Uint8Array([0xff]), PIN)).toThrow(
    expect.objectContaining({ code: 'ERR_SECRET_INVALID' }),
  )
})

test('an empty file is a missing secret, with a code of its own for each kind', () => {
  expect(() => parseSecret(Buffer.from('\n'), PIN)).toThrow(
    expect.objectContaining({ code: 'ERR_PIN_NEEDED', exit: 9 }),
  )
  expect(() => parseSecret(Buffer.from(''), SIGN_IN_CODE)).toThrow(
    expect.objectContaining({ code: 'ERR_CODE_NEEDED' }),
  )
})
