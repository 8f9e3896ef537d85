import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { concat, parseHex, sha256, toHex, verifyEd25519 } from '../../crypto/index.ts'
import { deriveXWingPublicKey } from '../../crypto/x-wing.ts'
import { parseConfiguration } from '../../recovery/index.ts'
import { normalizePin, requireNewPin } from '../../strength/index.ts'
import { signPointerChange, writePointerChange } from './authority.ts'
import { parseContent, writeContent } from './content.ts'
import { parseConversationEntries } from './conversation-entries.ts'
import { parseIdentityEntries, writeIdentityEntries } from './identity-entries.ts'
import { conversationBodies } from './key-bodies.ts'
import { parseRegisteredSecret, writeRegisteredSecret } from './registered-secret.ts'
import { openSegment, parseSegment, sealSegment } from './segment.ts'
import type { SegmentKind } from './segment.ts'
import { deriveWayId, openSlot } from './slot.ts'
import { parseSnapshot, writeSnapshot } from './snapshot.ts'
import { describeTrust, parseWays, writeWays } from './ways.ts'

interface HexChanges {
  readonly set: readonly { readonly name: string; readonly version: number; readonly key: string }[]
  readonly removed: readonly { readonly name: string; readonly version: number; readonly keyId: string }[]
  readonly body: string
}

interface Vectors {
  readonly account: string
  readonly device: string
  readonly generation: number
  readonly root: string
  readonly pin: {
    readonly accepted: readonly { readonly pin: string; readonly bytes: string }[]
    readonly refused: readonly { readonly pin: string; readonly reason: string }[]
  }
  readonly registeredSecret: { readonly waySeed: string; readonly anchor: string; readonly bytes: string }
  readonly slot: { readonly waySeed: string; readonly wayId: string; readonly slot: string }
  readonly conversation: HexChanges
  readonly identity: HexChanges
  readonly snapshot: {
    readonly heads: readonly string[]
    readonly anchors: readonly string[]
    readonly sequences: Readonly<Record<string, number>>
    readonly body: string
  }
  readonly ways: {
    readonly configuration: unknown
    readonly authoritySeed: string
    readonly way: {
      readonly id: string
      readonly type: string
      readonly label: string
      readonly slotHash: string
    }
    readonly body: string
  }
  readonly segments: readonly {
    readonly kind: SegmentKind
    readonly sequence: number
    readonly parents: readonly string[]
    readonly nonce: string
    readonly writtenAt: number
    readonly accessLogHead: string
    readonly body: string
    readonly segment: string
    readonly id: string
  }[]
  readonly pointerChange: {
    readonly registration: string
    readonly expectedEtag: string
    readonly anchor: string
    readonly expectedHeads: readonly string[]
    readonly authoritySeed: string
    readonly authority: string
    readonly message: string
    readonly signature: string
  }
}

const file = new URL('../../../../../vectors/sync-format-1.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const hex = (text: string): Uint8Array => parseHex(text, 'vector')
const account = hex(vectors.account)
const root = hex(vectors.root)
const { generation } = vectors

describe('format 1 of key sync, frozen', () => {
  test.each(vectors.pin.accepted)('the PIN $pin has its bytes', ({ pin, bytes }) => {
    expect(toHex(normalizePin(pin))).toBe(bytes)
  })

  test.each(vectors.pin.refused)('the PIN $pin is refused as $reason', ({ pin, reason }) => {
    expect(() => {
      requireNewPin({ pin })
    }).toThrow(expect.objectContaining({ details: { reason } }))
  })

  test('what the realms hold is written and read', () => {
    const { waySeed, anchor, bytes } = vectors.registeredSecret
    const secret = { waySeed: hex(waySeed), generation, anchor: hex(anchor) }
    expect(toHex(writeRegisteredSecret(secret))).toBe(bytes)
    expect(parseRegisteredSecret(hex(bytes))).toEqual(secret)
  })

  test('the slot opens to the root key, and its way has its id', async () => {
    const seed = hex(vectors.slot.waySeed)
    expect(await openSlot({ account, generation, slot: hex(vectors.slot.slot), seed })).toEqual(root)
    expect(toHex(deriveWayId(deriveXWingPublicKey(seed)))).toBe(vectors.slot.wayId)
  })

  test('conversation and identity entries are written and read', () => {
    const conversation = fromHex(vectors.conversation)
    expect(toHex(concat(...conversationBodies(conversation)))).toBe(vectors.conversation.body)
    expect(parseConversationEntries(hex(vectors.conversation.body))).toEqual(conversation)
    const identity = fromHex(vectors.identity)
    expect(toHex(writeIdentityEntries(identity))).toBe(vectors.identity.body)
    expect(parseIdentityEntries(hex(vectors.identity.body))).toEqual(identity)
  })

  test('snapshot and ways are written and read', () => {
    const { heads, anchors, sequences, body } = vectors.snapshot
    const snapshot = { heads, anchors, sequences: new Map(Object.entries(sequences)) }
    expect(toHex(writeSnapshot(snapshot))).toBe(body)
    expect(parseSnapshot(hex(body))).toEqual(snapshot)
    const { configuration, authoritySeed, way } = vectors.ways
    const publicKey = deriveXWingPublicKey(hex(vectors.slot.waySeed))
    const ways = {
      ways: [{ ...way, publicKey, slotHash: sha256(hex(vectors.slot.slot)) }],
      authoritySeed: hex(authoritySeed),
      formerAuthorities: [],
      trust: describeTrust(parseConfiguration(configuration)),
    }
    expect(toHex(writeWays(ways))).toBe(vectors.ways.body)
    expect(parseWays(hex(vectors.ways.body))).toEqual(ways)
  })

  test.each(vectors.segments)(
    'the $kind segment is sealed to its bytes and opens to its body',
    async (vector) => {
      const { kind, sequence, writtenAt } = vector
      const device = hex(vectors.device)
      const header = { kind, account, generation, device, sequence, parents: vector.parents.map(hex) }
      const content = { accessLogHead: hex(vector.accessLogHead), writtenAt, body: hex(vector.body) }
      const sealed = await sealSegment({
        header,
        content: writeContent(content),
        root,
        nonce: hex(vector.nonce),
      })
      expect(toHex(sealed.bytes)).toBe(vector.segment)
      const parsed = parseSegment(hex(vector.segment))
      expect(parsed).toMatchObject(header)
      expect(toHex(parsed.id)).toBe(vector.id)
      expect(parseContent(await openSegment(parsed, root))).toEqual(content)
    },
  )

  test('a change of the pointer is signed over its bytes', () => {
    const vector = vectors.pointerChange
    const change = {
      account,
      registration: hex(vector.registration),
      generation,
      expectedEtag: vector.expectedEtag,
      anchor: hex(vector.anchor),
      expectedHeads: vector.expectedHeads.map(hex),
    }
    expect(toHex(writePointerChange(change))).toBe(vector.message)
    const { authority, signature } = signPointerChange(change, hex(vector.authoritySeed))
    expect(toHex(authority)).toBe(vector.authority)
    expect(toHex(signature)).toBe(vector.signature)
    expect(verifyEd25519({ publicKey: authority, message: hex(vector.message), signature })).toBe(true)
  })
})

function fromHex(changes: HexChanges): {
  readonly set: readonly { readonly name: string; readonly version: number; readonly key: Uint8Array }[]
  readonly removed: HexChanges['removed']
} {
  const { set, removed } = changes
  return { set: set.map(({ name, version, key }) => ({ name, version, key: hex(key) })), removed }
}
