import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { toHex } from '../crypto/text.ts'
import { deriveCardDigits, parseContactCard, writeContactCard } from './contact-card.ts'
import type { ContactCard } from './contact-card.ts'
import { generateIdentity } from './identity.ts'

interface Vectors {
  readonly fingerprint: string
  readonly signed: { readonly contact: string }
  readonly card: { readonly text: string; readonly digits: string }
}

const file = new URL('../../../../vectors/contacts-1.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const accountId = '5d2a9c0e-1f3b-4c6d-8e7f-0a1b2c3d4e5f'
let card: ContactCard

beforeAll(async () => {
  card = { accountId, name: 'Bob', identity: (await generateIdentity()).publicIdentity }
})

describe('a contact card', () => {
  test('reads, frozen, and is written the same', () => {
    const read = parseContactCard(vectors.card.text)
    expect(toHex(read.identity.fingerprint)).toBe(vectors.fingerprint)
    expect([read.accountId, read.name]).toEqual([vectors.signed.contact, 'Bob'])
    expect(deriveCardDigits(read)).toBe(vectors.card.digits)
    expect(writeContactCard(read)).toBe(vectors.card.text)
  })

  test('has other digits for another identity or account', async () => {
    const { publicIdentity } = await generateIdentity()
    const digits = new Set([
      deriveCardDigits(card),
      deriveCardDigits({ ...card, identity: publicIdentity }),
      deriveCardDigits({ ...card, accountId: accountId.replace('5', '6') }),
    ])
    expect(digits.size).toBe(3)
  })

  test('that is none is refused', () => {
    const text = writeContactCard(card)
    const without = (field: string): string =>
      JSON.stringify(
        Object.fromEntries(Object.entries(JSON.parse(text) as object).filter(([name]) => name !== field)),
      )
    const with_ = (fields: object): string => JSON.stringify({ ...(JSON.parse(text) as object), ...fields })
    for (const wrong of [
      '',
      'null',
      '[]',
      text.slice(0, -9),
      ...['account', 'name', 'identity', 'keyhavenContact'].map(without),
      with_({ account: 'x' }),
      with_({ name: 'A\u0007' }),
      with_({ name: 'x'.repeat(65) }),
      with_({ identity: 'AAAA' }),
      with_({ identity: '*' }),
      with_({ note: 'x'.repeat(8192) }),
    ]) {
      expect(() => parseContactCard(wrong)).toThrow(
        expect.objectContaining({ code: 'ERR_ENVELOPE_MALFORMED' }),
      )
    }
    expect(() => parseContactCard(with_({ keyhavenContact: 2 }))).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENT_TOO_OLD' }),
    )
  })
})
