import fc from 'fast-check'
import { inspect } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { concat } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { KeyhavenError } from '../errors.ts'
import { parseMessage, writeHead, writeMessage, writeSigned } from './conversation-key-message.ts'
import {
  generateConversationKey,
  generateIdentity,
  narrowConversationKey,
  openConversationKey,
  readConversationKeyClaims,
  sealConversationKey,
} from './index.ts'
import type { Identity } from './index.ts'
import { signHybrid } from './signature.ts'

const conversation = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'
const key = generateConversationKey()
const [anna, ben, cleo, mallory] = (await Promise.all([1, 2, 3, 4].map(generateIdentity))) as [
  Identity,
  Identity,
  Identity,
  Identity,
]
const members = [anna, ben, cleo].map(({ publicIdentity }) => publicIdentity)
const rejected: unknown = expect.objectContaining({ code: 'ERR_ENVELOPE_REJECTED' })
const malformed: unknown = expect.objectContaining({ code: 'ERR_ENVELOPE_MALFORMED' })
let message: Uint8Array

beforeAll(async () => {
  message = await sealConversationKey({ sender: anna, members, conversation, epoch: 7, key })
})

function open(
  identity: Identity,
  bytes: Uint8Array,
  more: { knownEpoch?: number } = {},
): ReturnType<typeof openConversationKey> {
  return openConversationKey({ identity, sender: anna.publicIdentity, conversation, message: bytes, ...more })
}

/** What Mallory, a member, makes of a message: his own head, signed by himself or with Anna's signature. */
function change(head: Partial<ReturnType<typeof parseMessage>['head']>, signature?: Uint8Array): Uint8Array {
  const parsed = parseMessage(message)
  const headBytes = writeHead({ ...parsed.head, ...head })
  return writeMessage({ headBytes, signature: signature ?? parsed.signature, slots: parsed.slots })
}

describe('a sealed conversation key', () => {
  test('opens for every member, who all see the same members', async () => {
    const fingerprints = readConversationKeyClaims(message).members
    expect(fingerprints.length).toBe(3)
    for (const identity of [anna, ben, cleo]) {
      expect(await open(identity, message)).toEqual({
        status: 'opened',
        key,
        epoch: 7,
        members: fingerprints,
      })
    }
  })

  test('takes 1.2 kB a member and 3.6 kB for all, and narrowed what one member needs', async () => {
    expect(message.length).toBe(109 + 3373 + 2 + 3 * (64 + 1170))
    const narrowed = narrowConversationKey(message, ben.publicIdentity.fingerprint)
    expect(narrowed.length).toBe(message.length - 2 * 1170)
    expect(await open(ben, narrowed)).toMatchObject({ status: 'opened', key })
    expect(await open(cleo, narrowed)).toEqual({ status: 'not-for-this-identity', epoch: 7 })
    expect(() => narrowConversationKey(message, mallory.publicIdentity.fingerprint)).toThrow(
      expect.objectContaining({ code: 'ERR_RECORD_MISSING' }),
    )
  })

  test('is nothing to somebody else', async () => {
    expect(await open(mallory, message)).toEqual({ status: 'not-for-this-identity', epoch: 7 })
  })

  test('of an epoch below the known one is told and not opened; again the same epoch opens', async () => {
    expect(await open(ben, message, { knownEpoch: 8 })).toEqual({ status: 'old-epoch', epoch: 7 })
    expect(await open(ben, message, { knownEpoch: 7 })).toMatchObject({ status: 'opened' })
  })

  test('is refused for another conversation and from another sender', async () => {
    const expected = { identity: ben, sender: anna.publicIdentity, conversation, message }
    await expect(openConversationKey({ ...expected, conversation: 'another' })).rejects.toEqual(rejected)
    await expect(openConversationKey({ ...expected, sender: cleo.publicIdentity })).rejects.toEqual(rejected)
  })

  test('cannot be turned by a member to another conversation, epoch, list of members or sender', async () => {
    const { head } = parseMessage(message)
    const [gone, ...others] = head.members
    const strange = { fingerprint: new Uint8Array(32), slotHash: gone?.slotHash ?? new Uint8Array(32) }
    for (const turned of [
      change({ epoch: 8 }),
      change({ epoch: 6 }),
      change({ members: [strange, ...others] }),
    ]) {
      await expect(open(ben, turned)).rejects.toEqual(rejected)
    }
    const elsewhere = change({ conversation: 'another' })
    const asked = { identity: ben, sender: anna.publicIdentity, conversation: 'another', message: elsewhere }
    await expect(openConversationKey(asked)).rejects.toEqual(rejected)
    // Under his own name and signature he cannot either: the slots belong to Anna's message.
    const headBytes = writeHead({ ...head, sender: cleo.publicIdentity.fingerprint })
    const signature = await signHybrid(cleo, writeSigned(headBytes))
    const own = writeMessage({ headBytes, signature, slots: parseMessage(message).slots })
    const from = { identity: ben, sender: cleo.publicIdentity, conversation, message: own }
    await expect(openConversationKey(from)).rejects.toEqual(rejected)
  })

  test('gives nobody another key than the others: the sender commits to one', async () => {
    const other = await sealConversationKey({
      sender: anna,
      members,
      conversation,
      epoch: 7,
      key: generateConversationKey(),
    })
    const [one, two] = [parseMessage(message), parseMessage(other)]
    const named = one.head.members.map((member, place) =>
      place === 0 ? (two.head.members[0] ?? member) : member,
    )
    const slots = new Map(
      [...one.slots].map(([place, slot]) => [place, place === 0 ? (two.slots.get(0) ?? slot) : slot]),
    )
    const headBytes = writeHead({ ...one.head, members: named })
    const mixed = writeMessage({
      headBytes,
      signature: await signHybrid(anna, writeSigned(headBytes)),
      slots,
    })
    const first = [anna, ben, cleo].find(({ publicIdentity }) =>
      publicIdentity.fingerprint.every((byte, index) => byte === one.head.members[0]?.fingerprint[index]),
    )
    await expect(open(first ?? mallory, mixed)).rejects.toEqual(rejected)
  })

  test('with a point of small order in a slot is refused with a code, even when its sender signed it', async () => {
    const { head, slots } = parseMessage(message)
    const bent = new Map([...slots].map(([place, slot]) => [place, slot.slice().fill(0, 1088, 1120)]))
    const named = head.members.map((member, place) => ({
      ...member,
      slotHash: sha256(bent.get(place) ?? new Uint8Array()),
    }))
    const headBytes = writeHead({ ...head, members: named })
    const signed = writeMessage({
      headBytes,
      signature: await signHybrid(anna, writeSigned(headBytes)),
      slots: bent,
    })
    await expect(open(ben, signed)).rejects.toEqual(rejected)
  })

  test('is refused with any flipped bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(message.length * 8 - 1), async (bit) => {
        const altered = message.slice()
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        await expect(open(ben, altered)).rejects.toSatisfy((fault: unknown) => fault instanceof KeyhavenError)
      }),
      { numRuns: 60 },
    )
  })

  test('cut or lengthened anywhere is malformed, and so is whatever else is sent', async () => {
    for (const cut of [0, 1, 2, 3, 40, 50, 90, 120, 300, 3600, message.length - 1]) {
      await expect(open(ben, message.slice(0, cut))).rejects.toEqual(malformed)
    }
    await expect(open(ben, concat(message, new Uint8Array(1)))).rejects.toEqual(malformed)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => readConversationKeyClaims(bytes)).toThrow(malformed)
      }),
    )
  })

  test('names members in one order only, each once, and no place twice', async () => {
    const { head, headBytes, signature, slots } = parseMessage(message)
    await expect(open(ben, change({ members: head.members.toReversed() }))).rejects.toEqual(malformed)
    const [first] = head.members
    if (first === undefined) expect.unreachable()
    await expect(open(ben, change({ members: [first, first] }))).rejects.toEqual(malformed)
    await expect(open(ben, change({ members: [] }))).rejects.toEqual(malformed)
    const twisted = new Map([...slots].toReversed())
    await expect(open(ben, writeMessage({ headBytes, signature, slots: twisted }))).rejects.toEqual(malformed)
  })

  test.each([
    { conversation: '' },
    { conversation: 'x'.repeat(257) },
    { conversation: 'line\nbreak' },
    { epoch: 0 },
    { epoch: 2 ** 32 },
    { epoch: 1.5 },
    { key: new Uint8Array(31) },
    { members: [] },
    { members: [anna.publicIdentity, anna.publicIdentity] },
    {
      members: Array.from({ length: 1001 }, (_, index) => ({
        ...anna.publicIdentity,
        fingerprint: sha256(Uint8Array.of(index, index >> 8)),
      })),
    },
  ])('is not made out of bounds (%#)', async (wrong) => {
    await expect(
      sealConversationKey({ sender: anna, members, conversation, epoch: 7, key, ...wrong }),
    ).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
  })

  test('leaves nothing of the key in a fault', async () => {
    const altered = message.slice()
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
    const fault: unknown = await open(ben, altered).catch((caught: unknown) => caught)
    expect(inspect(fault, { depth: 9 })).not.toContain(Buffer.from(key).toString('hex'))
    expect(JSON.stringify(fault)).toBe('{"name":"KeyhavenError","code":"ERR_ENVELOPE_REJECTED"}')
  })
})
