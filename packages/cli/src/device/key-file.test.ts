import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { parseKeyFile, serializeKeys } from './key-file.ts'

const parse = (text: string) => parseKeyFile(Buffer.from(text))

test('names and bytes come back exactly, also names that JavaScript treats in a special way', () => {
  const file = {
    identityKeys: { nostr: 'AAECAw==', constructor: '/+8=' },
    conversationKeys: {
      '7': 'AQ==',
      'f3b0c442-98fc-4c14-9afb-f4c8996fb924': 'Ag==',
      'a"b\\': 'Aw==',
      'ünï 😀': 'BA==',
    },
  }
  const text = JSON.stringify(file).replace('"nostr"', '"__proto__":"CQ==","nostr"')
  const keys = parse(text)
  expect(Object.hasOwn(keys.identityKeys, '__proto__')).toBe(true)
  expect(JSON.parse(JSON.stringify(serializeKeys(keys)))).toEqual(JSON.parse(text))
  expect(keys.identityKeys['nostr']).toEqual(new Uint8Array([0, 1, 2, 3]))
})

test('a byte order mark, white space and a missing part are taken', () => {
  expect(parse('\ufeff { "identityKeys" : { "a" : "AA==" } } \n')).toEqual({
    identityKeys: { a: new Uint8Array(1) },
    conversationKeys: {},
  })
})

test.each([
  ['nothing', ''],
  ['no JSON', '{"identityKeys":'],
  ['a list', '[]'],
  ['null', 'null'],
  ['an unknown field', '{"identityKeys":{},"keys":{}}'],
  ['a list of keys', '{"identityKeys":["AA=="]}'],
  ['a number as key', '{"identityKeys":{"a":1}}'],
  ['an empty key', '{"identityKeys":{"a":""}}'],
  ['base64 without padding', '{"identityKeys":{"a":"AA"}}'],
  ['base64url', '{"identityKeys":{"a":"_-8="}}'],
  ['base64 with stray bits', '{"identityKeys":{"a":"AB=="}}'],
  ['base64 with a line break', '{"identityKeys":{"a":"AAEC\\nAwQF"}}'],
  ['a name given twice', '{"identityKeys":{"a":"AA==","a":"AQ=="}}'],
  ['a name given twice in another spelling', '{"identityKeys":{"a":"AA==","\\u0061":"AQ=="}}'],
  ['a field given twice', '{"identityKeys":{"a":"AA=="},"identityKeys":{}}'],
])('a file with %s is refused with a code', (_, text) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'ERR_KEY_FILE_INVALID' }))
})

test('bytes that are not UTF-8 are refused with a code', () => {
  expect(() => parseKeyFile(new Uint8Array([0x7b, 0xff, 0x7d]))).toThrow(
    expect.objectContaining({ code: 'ERR_KEY_FILE_INVALID' }),
  )
})

test('a bad file is described without the text of any key', () => {
  const secret = 'c2VjcmV0LXNlY3JldA'
  try {
    parse(`{"identityKeys":{"a":"${secret}"}}`)
    expect.unreachable()
  } catch (fault) {
    expect(String(fault)).toContain('identityKeys: "a"')
    expect(String(fault)).not.toContain(secret)
  }
})
