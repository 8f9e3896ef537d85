import fc from 'fast-check'
import { expect, it } from 'vitest'
import { deriveKey, sha256 } from './hkdf.ts'
import { parseHex, toHex } from './text.ts'
import { deriveKeyByPlatform, deriveKeyByWebCrypto, sha256ByPlatform } from './platform-hkdf.ts'

it('gives the output of RFC 5869, test case 3', async () => {
  const secret = parseHex('0b'.repeat(22), 'secret')
  const derived = await deriveKeyByPlatform({ secret, info: new Uint8Array(0), length: 42 })
  expect(toHex(derived)).toBe(
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  )
})

it('gives the same bytes as the other implementation, the way of Node and the way of browsers', async () => {
  const bytes = fc.uint8Array({ maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(bytes, bytes, fc.integer({ min: 1, max: 100 }), async (secret, info, length) => {
      expect(await deriveKeyByWebCrypto({ secret, info, length })).toEqual(
        deriveKey({ secret, info, length }),
      )
      expect(await sha256ByPlatform(secret)).toEqual(sha256(secret))
    }),
  )
})
