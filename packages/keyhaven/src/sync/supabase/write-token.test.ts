import { expect, test } from 'vitest'
import { parseHex, toHex } from '../../crypto/index.ts'
import { deriveWriteToken } from './write-token.ts'

/** The value is by Node's own HKDF, apart from this code; a database keeps the token's hash, so it never changes. */
test('the write token of a generation stays what it is', () => {
  const account = parseHex('00112233445566778899aabbccddeeff', 'account')
  const root = new Uint8Array(32).fill(0x5a)
  const tokenOf = (generation: number): string => toHex(deriveWriteToken({ account, generation, root }))
  expect(tokenOf(7)).toBe('ee5ae8708ee7ddc1fb8b2d8a35e9d1084162e04c1aab1c9385a75ae70e30e99f')
  expect(tokenOf(8)).not.toBe(tokenOf(7))
})
