import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseHex, toHex } from '../crypto/text.ts'
import {
  deriveOldFingerprint,
  deriveSafetyNumber,
  narrowConversationKey,
  openConversationKey,
  parseIdentity,
  parsePublicIdentity,
  readConversationKeyClaims,
  verifyIdentityUpgrade,
  writeIdentity,
} from './index.ts'
import type { Identity } from './index.ts'

interface Vectors {
  readonly identities: Readonly<
    Record<string, { readonly private: string; readonly public: string; readonly fingerprint: string }>
  >
  readonly safetyNumbers: readonly { readonly one: string; readonly other: string; readonly number: string }[]
  readonly conversationKey: {
    readonly sender: string
    readonly members: readonly string[]
    readonly conversation: string
    readonly epoch: number
    readonly key: string
    readonly message: string
    readonly narrowedForBen: string
  }
  readonly upgrades: readonly {
    readonly type: string
    readonly publicKey: string
    readonly fingerprint: string
    readonly to: string
    readonly statement: string
  }[]
}

const file = new URL('../../../../vectors/identity-format-1.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const hex = (text: string): Uint8Array => parseHex(text, 'vector')

async function identityOf(name: string): Promise<Identity> {
  return parseIdentity(hex(vectors.identities[name]?.private ?? ''))
}

describe('format 1 of identities, frozen', () => {
  test.each(Object.entries(vectors.identities))(
    '%s has its public form and fingerprint',
    async (name, vector) => {
      const identity = await identityOf(name)
      expect(toHex(writeIdentity(identity))).toBe(vector.private)
      expect(toHex(identity.publicIdentity.bytes)).toBe(vector.public)
      expect(toHex(parsePublicIdentity(hex(vector.public)).fingerprint)).toBe(vector.fingerprint)
    },
  )

  test.each(vectors.safetyNumbers)('$one and $other see one number', ({ one, other, number }) => {
    const [first, second] = [one, other].map((name) => hex(vectors.identities[name]?.fingerprint ?? ''))
    expect(deriveSafetyNumber(first ?? hex(''), second ?? hex(''))).toBe(number)
    expect(deriveSafetyNumber(second ?? hex(''), first ?? hex(''))).toBe(number)
  })

  test('the sealed conversation key opens for each member, whole and narrowed', async () => {
    const { sender, members, conversation, epoch, key, message, narrowedForBen } = vectors.conversationKey
    const sent = { sender: (await identityOf(sender)).publicIdentity, conversation }
    for (const name of members) {
      const identity = await identityOf(name)
      const opened = await openConversationKey({ identity, ...sent, message: hex(message) })
      expect(opened).toMatchObject({ status: 'opened', epoch, key: hex(key) })
    }
    const ben = await identityOf('ben')
    expect(toHex(narrowConversationKey(hex(message), ben.publicIdentity.fingerprint))).toBe(narrowedForBen)
    const narrowed = { identity: ben, ...sent, message: hex(narrowedForBen) }
    expect(await openConversationKey(narrowed)).toMatchObject({ status: 'opened', key: hex(key) })
    expect(readConversationKeyClaims(hex(narrowedForBen))).toMatchObject({ conversation, epoch })
  })

  test.each(vectors.upgrades)('the upgrade from $type to $to is good', async (vector) => {
    const { old, identity } = await verifyIdentityUpgrade({ statement: hex(vector.statement) })
    expect(old).toEqual({ type: vector.type, publicKey: hex(vector.publicKey) })
    expect(toHex(identity.fingerprint)).toBe(vectors.identities[vector.to]?.fingerprint)
    expect(toHex(deriveOldFingerprint(old))).toBe(vector.fingerprint)
  })
})
