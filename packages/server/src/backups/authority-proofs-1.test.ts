import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseHex, toHex } from 'keyhaven/crypto'
import { formatUuid } from '../http/uuid.ts'
import { encodeAnnouncementMessage, encodeAppendMessage, encodeSlotMessage } from './authority-proof.ts'

interface Vectors {
  readonly account: string
  readonly device: string
  readonly segment: { readonly message: string; readonly id: string }
  readonly slot: {
    readonly message: string
    readonly wayId: string
    readonly generation: number
    readonly slot: string
  }
  readonly announcement: readonly {
    readonly message: string
    readonly registration: string
    readonly generation: number
    readonly expectedEtag: string | null
    readonly realms: readonly string[]
  }[]
}

const file = new URL('../../../../vectors/authority-proofs-1.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const accountId = formatUuid(parseHex(vectors.account, 'account', 16))

describe('what the server takes the authority key to have signed, frozen', () => {
  test('for a segment and for a slot', () => {
    const { segment, slot } = vectors
    expect(toHex(encodeAppendMessage(accountId, parseHex(segment.id, 'id', 32)))).toBe(segment.message)
    const upload = { ...slot, slot: parseHex(slot.slot, 'slot') }
    expect(toHex(encodeSlotMessage(accountId, upload))).toBe(slot.message)
  })

  test.each(vectors.announcement)('for an announcement after $expectedEtag', ({ message, ...announced }) => {
    const about = { ...announced, accountId, deviceId: vectors.device }
    expect(toHex(encodeAnnouncementMessage(about))).toBe(message)
  })
})
