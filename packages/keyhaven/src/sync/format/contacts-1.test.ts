import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseBase64, parseHex, randomBytes, toBase64, toHex } from '../../crypto/index.ts'
import { deriveXWingPublicKey } from '../../crypto/x-wing.ts'
import { deriveContactDigits, signContacts, signContactsRemoval, signVeto } from './contact-messages.ts'
import {
  openContactAnswer,
  openContactNames,
  openContactShare,
  sealContactAnswer,
  sealContactShare,
} from './contact-share.ts'
import type { ContactShare } from './contact-share.ts'
import { combineSeed, splitSeed } from './seed-shares.ts'
import { deriveWayId } from './slot.ts'

interface Vectors {
  readonly account: string
  readonly identity: string
  readonly fingerprint: string
  readonly names: { readonly owner: string; readonly contact: string }
  readonly share: { readonly wayId: string; readonly place: number; readonly threshold: number }
  readonly seed: string
  readonly points: readonly string[]
  readonly sealed: { readonly names: string; readonly share: string }
  readonly request: {
    readonly id: string
    readonly seed: string
    readonly answer: string
    readonly digits: string
  }
  readonly signed: {
    readonly authoritySeed: string
    readonly contact: string
    readonly etag: string
    readonly waitDays: number
    readonly set: string
    readonly removal: string
    readonly veto: string
  }
}

const file = new URL('../../../../../vectors/contacts-1.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const account = parseHex(vectors.account, 'account', 16)
const xWingSeed = parseHex(vectors.identity, 'identity', 97).subarray(1, 33)
const identity = {
  xWingSeed,
  publicIdentity: { fingerprint: parseHex(vectors.fingerprint, 'fingerprint', 32) },
}
const seed = parseHex(vectors.seed, 'seed', 32)
const points = vectors.points.map((point) => parseHex(point, 'point', 33))
const sealed = {
  names: parseBase64(vectors.sealed.names, 'names'),
  share: parseBase64(vectors.sealed.share, 'share'),
}
const share: ContactShare = { ...vectors.share, point: points[1] ?? new Uint8Array() }
const { request } = vectors
const requester = { account, requestId: request.id, seed: parseHex(request.seed, 'seed', 32) }
const publicKey = deriveXWingPublicKey(requester.seed)
const REJECTED: unknown = expect.objectContaining({ code: 'ERR_ENVELOPE_REJECTED' })

describe('contacts, format 1, frozen', () => {
  test('a share, its names and an answer open, and the digits are those', async () => {
    expect(await openContactNames({ account, identity, names: sealed.names })).toEqual(vectors.names)
    expect(await openContactShare({ account, identity, ...sealed })).toEqual(share)
    const answer = parseBase64(request.answer, 'answer')
    expect(await openContactAnswer({ ...requester, answer })).toEqual(share)
    expect(deriveContactDigits({ ...requester, publicKey })).toBe(request.digits)
  })

  test('what the authority key signs is that', () => {
    const { authoritySeed, contact, etag, waitDays, ...signatures } = vectors.signed
    const signer = { account, seed: parseHex(authoritySeed, 'seed', 32) }
    const { wayId, threshold } = vectors.share
    const contacts = [{ accountId: contact, ...sealed }]
    expect({
      set: signContacts(signer, { etag, wayId, threshold, waitDays, contacts }),
      removal: signContactsRemoval(signer, etag),
      veto: signVeto(signer, request.id),
    }).toEqual(signatures)
  })

  test('three of the five points give the seed', async () => {
    const shares = [4, 0, 2].map((index) => numbered(index, points[index]))
    expect(await combineSeed(shares)).toMatchObject({ seed, wrong: [] })
  })
})

describe('a sealed share', () => {
  test('opens for nobody else, for no other owner, and with no flipped byte', async () => {
    const other = { ...identity, xWingSeed: randomBytes(32) }
    await expect(openContactNames({ account, identity: other, names: sealed.names })).rejects.toEqual(
      REJECTED,
    )
    const foreign = { account: randomBytes(16), identity, ...sealed }
    await expect(openContactShare(foreign)).rejects.toEqual(REJECTED)
    for (const at of [1, 600, 1120, 1121, 1680]) {
      await expect(openContactNames({ account, identity, names: flip(sealed.names, at) })).rejects.toEqual(
        REJECTED,
      )
    }
    for (let at = 0; at < sealed.share.length; at += 6) {
      const altered = { ...sealed, share: flip(sealed.share, at) }
      await expect(openContactShare({ account, identity, ...altered })).rejects.toEqual(REJECTED)
    }
  })

  test('of another version or length says so', async () => {
    const open = (names: Uint8Array): Promise<unknown> => openContactNames({ account, identity, names })
    const later = sealed.names.slice()
    later[0] = 2
    await expect(open(later)).rejects.toMatchObject({ code: 'ERR_CLIENT_TOO_OLD' })
    later[0] = 0
    await expect(open(later)).rejects.toMatchObject({ details: { problem: 'version' } })
    await expect(open(sealed.names.subarray(0, 1680))).rejects.toMatchObject({
      details: { problem: 'length' },
    })
    await expect(open(new Uint8Array())).rejects.toMatchObject({ code: 'ERR_ENVELOPE_MALFORMED' })
  })

  test('tells by its length nothing of the names, and by its bytes nothing twice', async () => {
    const contact = { xWing: deriveXWingPublicKey(xWingSeed), ...identity.publicIdentity }
    const long = { owner: '𝕏'.repeat(64), contact: '𝕐'.repeat(64) }
    const one = await sealContactShare({ account, contact, names: long, share })
    const two = await sealContactShare({ account, contact, names: { owner: 'A', contact: 'B' }, share })
    expect([one.names.length, one.share.length]).toEqual([two.names.length, two.share.length])
    expect(toHex(one.share)).not.toBe(toHex(two.share))
    expect(await openContactNames({ account, identity, names: one.names })).toEqual(long)
    const mixed = { names: one.names, share: two.share }
    await expect(openContactShare({ account, identity, ...mixed })).rejects.toEqual(REJECTED)
  })

  test('is sealed anew for one request of one device', async () => {
    const answer = await sealContactAnswer({ ...requester, publicKey, share })
    expect(await openContactAnswer({ ...requester, answer })).toEqual(share)
    for (const wrong of [
      { requestId: '00'.repeat(16) },
      { account: randomBytes(16) },
      { seed: randomBytes(32) },
      { answer: flip(answer, 1187) },
    ]) {
      await expect(openContactAnswer({ ...requester, answer, ...wrong })).rejects.toEqual(REJECTED)
    }
  })
})

describe('shares of a seed', () => {
  test('fewer than the threshold give nothing, and each two of three give it', async () => {
    const { shares, wayId } = await deal(3, 2)
    for (const one of shares) expect(await combineSeed([one])).toBeUndefined()
    const [a, b, c] = shares as [ContactShare, ContactShare, ContactShare]
    for (const pair of [
      [a, b],
      [c, a],
      [b, c],
    ])
      expect(await combineSeed(pair)).toMatchObject({ wayId, wrong: [] })
    expect(await combineSeed([a, a])).toBeUndefined()
  })

  test('a point says nothing alone: with any other second point another seed is as likely', async () => {
    const { shares } = await deal(3, 2)
    const [a, b] = shares as [ContactShare, ContactShare]
    const guesses = [1, 2, 3].map((byte) => ({ ...b, point: flip(b.point, 0, byte) }))
    for (const guess of guesses) expect(await combineSeed([a, guess])).toBeUndefined()
  })

  test('false ones are named wherever they are, and the true ones are enough', async () => {
    const { shares, wayId } = await deal(5, 3)
    const [a, b, c, d, e] = shares as [ContactShare, ContactShare, ContactShare, ContactShare, ContactShare]
    const altered = { ...a, point: flip(a.point, 7) }
    const misplaced = { ...b, point: b.point.with(32, freePlace(shares)) }
    const zero = { ...b, point: b.point.with(32, 0) }
    const stale = { ...b, wayId: 'ab'.repeat(16), point: randomBytes(33) }
    const lowered = { ...b, threshold: 2, point: flip(b.point, 1) }
    for (const liar of [misplaced, zero, stale, lowered]) {
      expect(await combineSeed([altered, liar, c, d, e])).toMatchObject({ wayId, wrong: [1, 2] })
      expect(await combineSeed([altered, liar, c, d])).toBeUndefined()
    }
  })

  test('one who gives another’s true share adds nothing to it', async () => {
    const { shares } = await deal(3, 3)
    const [a, b, c] = shares as [ContactShare, ContactShare, ContactShare]
    expect(await combineSeed([a, b, { ...c, point: b.point }])).toBeUndefined()
  })

  test('ten with a threshold of five stand four liars', async () => {
    const { shares, wayId } = await deal(10, 5)
    const given = shares.map((one, index) => (index < 4 ? { ...one, point: flip(one.point, 3) } : one))
    expect(await combineSeed(given)).toMatchObject({ wayId, threshold: 5, wrong: [1, 2, 3, 4] })
  })
})

async function deal(
  count: number,
  threshold: number,
): Promise<{ readonly shares: readonly ContactShare[]; readonly wayId: string }> {
  const secret = randomBytes(32)
  const wayId = toHex(deriveWayId(deriveXWingPublicKey(secret)))
  const dealt = await splitSeed(secret, { count, threshold })
  return { wayId, shares: dealt.map((point, index) => ({ wayId, place: index + 1, threshold, point })) }
}

/** A place on the polynomial that nobody has. */
function freePlace(shares: readonly ContactShare[]): number {
  const taken = shares.map(({ point }) => point.at(-1))
  return [1, 2, 3, 4, 5, 6].find((place) => !taken.includes(place)) ?? 0
}

function numbered(index: number, point: Uint8Array = new Uint8Array()): ContactShare {
  return { ...vectors.share, place: index + 1, point }
}

function flip(bytes: Uint8Array, at: number, by = 1): Uint8Array {
  const flipped = bytes.slice()
  flipped[at] = (flipped[at] ?? 0) ^ by
  return flipped
}

test('base64 of a share is what the API takes', () => {
  expect([toBase64(sealed.names).length, toBase64(sealed.share).length]).toEqual([2244, 92])
})
