import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as tools from 'nostr-tools/nip49'
import { parseHex, toHex } from '../crypto/text.ts'
import { loadScryptNamed } from '../crypto/scrypt.ts'
import type { ScryptName } from '../crypto/scrypt.ts'
import { openNcryptsec, sealNcryptsec } from './index.ts'
import { encodeBech32, parseBech32 } from './text.ts'
import '../vault/testing/no-network.ts'

interface Vector {
  readonly passwordUtf8Hex: string
  readonly secretHex: string
  readonly logn: number
  readonly keySecurityByte: number | null
  readonly ncryptsec: string
}
const file = new URL('../../../../vectors/nip49.json', import.meta.url)
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { readonly vectors: readonly Vector[] }
const secretKey = parseHex('3501454135014541350145413501453fefb02227e449e57cf4d3a3ce05378683', 'key')

it.each(vectors)('opens the vector with log n $logn', async (vector) => {
  const password = new TextDecoder().decode(parseHex(vector.passwordUtf8Hex, 'password'))
  const opened = await openNcryptsec({ ncryptsec: vector.ncryptsec, password })
  expect(toHex(opened.secretKey)).toBe(vector.secretHex)
  const names = ['handled-insecurely', 'not-known-insecure', 'not-tracked']
  if (vector.keySecurityByte !== null) expect(opened.keySecurity).toBe(names[vector.keySecurityByte])
  await expect(
    openNcryptsec({ ncryptsec: vector.ncryptsec, password: `${password}x` }),
  ).rejects.toMatchObject({ code: 'ERR_ENVELOPE_REJECTED' })
})

it('opens the password of the specification in every normal form', async () => {
  const composed = 'ÅΩẛ̣'
  const sealed = await sealNcryptsec({ secretKey, password: composed.normalize('NFD') })
  const opened = await openNcryptsec({ ncryptsec: sealed, password: composed.normalize('NFKC') })
  expect(opened.secretKey).toEqual(secretKey)
})

it('opens what nostr-tools seals, and nostr-tools opens what it seals', async () => {
  const password = 'correct horse'
  const theirs = tools.encrypt(secretKey, password, 16, 1)
  expect(await openNcryptsec({ ncryptsec: theirs, password })).toEqual({
    secretKey,
    keySecurity: 'not-known-insecure',
  })
  const ours = await sealNcryptsec({ secretKey, password })
  expect(tools.decrypt(ours, password)).toEqual(secretKey)
})

it('has three implementations of scrypt that give the vector of RFC 7914', async () => {
  // Section 12 has none with r = 8, p = 1 but this one.
  const input = {
    password: new TextEncoder().encode('pleaseletmein'),
    salt: new TextEncoder().encode('SodiumChloride'),
    logN: 14,
    length: 64,
  }
  const expected =
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
    'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887'
  const names: readonly ScryptName[] = ['native', 'wasm', 'javascript']
  for (const name of names) expect(toHex(await (await loadScryptNamed(name))(input))).toBe(expected)
})

it('refuses every other version, length and parameter before any work', async () => {
  const bytes = parseBech32(vectors[1]?.ncryptsec ?? '', 'ncryptsec')
  const edited = (at: number, value: number): string => {
    const copy = bytes.slice()
    copy[at] = value
    return encodeBech32('ncryptsec', copy)
  }
  const malformed = { code: 'ERR_ENVELOPE_MALFORMED' }
  for (const ncryptsec of [edited(0, 1), edited(1, 0), edited(1, 21), edited(1, 255), edited(42, 3)]) {
    await expect(openNcryptsec({ ncryptsec, password: 'x' })).rejects.toMatchObject(malformed)
  }
  const short = encodeBech32('ncryptsec', bytes.slice(1))
  await expect(openNcryptsec({ ncryptsec: short, password: 'x' })).rejects.toMatchObject(malformed)
  for (const ncryptsec of [
    '',
    'ncryptsec1',
    'x'.repeat(10_000),
    (vectors[1]?.ncryptsec ?? '').replace('6', '7'),
  ]) {
    await expect(openNcryptsec({ ncryptsec, password: 'x' })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
  }
})

it('seals with 64 MiB at least and 1 GiB at most', async () => {
  for (const logN of [15, 21, 16.5]) {
    await expect(sealNcryptsec({ secretKey, password: 'x', logN })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
  }
})
