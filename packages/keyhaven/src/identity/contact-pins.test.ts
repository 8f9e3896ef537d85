import { describe, expect, onTestFinished, test } from 'vitest'
import { deriveEd25519PublicKey, signEd25519 } from '../crypto/ed25519.ts'
import { deriveSchnorrPublicKey, signSchnorr } from '../crypto/schnorr.ts'
import { randomBytes } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { createVault, memoryStorage } from '../vault/index.ts'
import type { Vault } from '../vault/index.ts'
import { fixedProtection } from '../vault/testing/fixed-protection.ts'
import {
  createContactPins,
  deriveOldFingerprint,
  generateIdentity,
  signIdentityUpgrade,
  signWithIdentity,
  verifyIdentityUpgrade,
} from './index.ts'

const [older, newer, stranger] = [1, 2, 3].map((seed) => sha256(Uint8Array.of(seed))) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
]
const [first, second] = await Promise.all([generateIdentity(), generateIdentity()])
const rejected: unknown = expect.objectContaining({ code: 'ERR_ENVELOPE_REJECTED' })
const malformed: unknown = expect.objectContaining({ code: 'ERR_ENVELOPE_MALFORMED' })

async function openPlace(): Promise<Vault> {
  const protections = [fixedProtection('a test')]
  const vault = await createVault({ name: 'pins', storage: memoryStorage(), protections })
  onTestFinished(() => {
    vault.lock()
  })
  return vault
}

describe('the pin of a contact', () => {
  test('is made at first sight and never replaced by looking', async () => {
    const pins = createContactPins(await openPlace())
    expect(await pins.check('ben', older)).toMatchObject({ status: 'first-use' })
    expect(await pins.markVerified('ben', older)).toBe(true)
    for (let round = 0; round < 3; round += 1) {
      expect(await pins.check('ben', newer)).toMatchObject({
        status: 'changed',
        pin: { fingerprint: older, verified: true },
        presented: newer,
      })
    }
    expect(await pins.check('ben', older)).toMatchObject({ status: 'same', pin: { verified: true } })
    expect(await pins.check('cleo', newer)).toMatchObject({ status: 'first-use' })
  })

  test('is replaced only by the identity that the person saw, and is not verified then', async () => {
    const pins = createContactPins(await openPlace())
    await pins.check('ben', older)
    await pins.markVerified('ben', older)
    const late = { pinned: stranger, presented: newer }
    expect(await pins.accept('ben', late)).toMatchObject({ status: 'changed', pin: { fingerprint: older } })
    const seen = { pinned: older, presented: newer }
    expect(await pins.accept('ben', seen)).toMatchObject({ status: 'same', pin: { verified: false } })
    expect(await pins.get('ben')).toMatchObject({ fingerprint: newer, verified: false })
    expect(await pins.markVerified('ben', older)).toBe(false)
    await pins.forget('ben')
    expect(await pins.get('ben')).toBeUndefined()
  })

  test('is one of those that came at the same moment, and the others are told', async () => {
    const vault = await openPlace()
    const [one, two] = [createContactPins(vault), createContactPins(vault)]
    const outcomes = await Promise.all([
      one.check('ben', older),
      two.check('ben', newer),
      one.check('ben', stranger),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['first-use', 'changed', 'changed'])
  })

  test('is refused for what is no fingerprint or no contact, and nothing is kept', async () => {
    const vault = await openPlace()
    const pins = createContactPins(vault)
    const invalid: unknown = expect.objectContaining({ code: 'ERR_INPUT_INVALID' })
    await expect(pins.check('ben', new Uint8Array(31))).rejects.toEqual(invalid)
    for (const contact of ['', 'x'.repeat(257), '\ud800'])
      await expect(pins.check(contact, older)).rejects.toEqual(invalid)
    expect(await vault.list()).toEqual([])
    await pins.check('any name\nat all ✓', older)
    expect(JSON.stringify(await vault.list())).not.toContain('any name')
  })

  test('is damaged, not gone, when its record is not what was written', async () => {
    const vault = await openPlace()
    const pins = createContactPins(vault)
    await pins.check('ben', older)
    const [record] = await vault.list()
    const name = record?.name ?? ''
    const { type, bytes } = (await vault.get(name)) ?? { type: '', bytes: new Uint8Array() }
    await vault.put(name, { type, bytes: bytes.slice(0, -1) })
    await expect(pins.check('ben', older)).rejects.toMatchObject({ code: 'ERR_ENVELOPE_MALFORMED' })
    await vault.put(name, { type: 'another', bytes })
    await expect(pins.check('ben', older)).rejects.toMatchObject({ code: 'ERR_VAULT_DAMAGED' })
  })
})

describe('an identity that is upgraded', () => {
  const seed = randomBytes(32)
  const classical = { type: 'ed25519', publicKey: deriveEd25519PublicKey(seed) }
  const sign = (message: Uint8Array): Promise<Uint8Array> => Promise.resolve(signEd25519({ seed, message }))

  test('is followed by contacts who pinned the old one, and by nobody else', async () => {
    const pins = createContactPins(await openPlace())
    await pins.check('ben', deriveOldFingerprint(classical))
    await pins.check('cleo', stranger)
    const statement = await signIdentityUpgrade({ identity: first, old: { ...classical, sign } })
    expect(await pins.follow('cleo', { statement })).toMatchObject({
      status: 'changed',
      pin: { fingerprint: stranger },
    })
    expect(await pins.follow('ben', { statement })).toMatchObject({
      status: 'same',
      upgrade: { old: classical },
    })
    const { fingerprint } = first.publicIdentity
    expect(await pins.check('ben', fingerprint)).toMatchObject({ status: 'same', pin: { verified: false } })
    expect(await pins.check('ben', deriveOldFingerprint(classical))).toMatchObject({ status: 'changed' })
    const old = { type: 'keyhaven', publicKey: first.publicIdentity.bytes }
    const next = await signIdentityUpgrade({
      identity: second,
      old: { ...old, sign: (message) => signWithIdentity(first, message) },
    })
    expect(await pins.follow('ben', { statement: next })).toMatchObject({ status: 'same' })
    // Played back, the first statement changes nothing any more.
    expect(await pins.follow('ben', { statement })).toMatchObject({ status: 'changed' })
    expect((await pins.get('ben'))?.fingerprint).toEqual(second.publicIdentity.fingerprint)
  })

  test('may come from a Nostr key, or from a key of the app, whose signature the app judges', async () => {
    const secretKey = randomBytes(32)
    const nostr = { type: 'nostr', publicKey: deriveSchnorrPublicKey(secretKey) }
    const signed = await signIdentityUpgrade({
      identity: first,
      old: { ...nostr, sign: (message) => Promise.resolve(signSchnorr({ message, secretKey })) },
    })
    expect((await verifyIdentityUpgrade({ statement: signed })).old).toEqual(nostr)
    const own = { type: 'my-app/p256', publicKey: randomBytes(65) }
    const statement = await signIdentityUpgrade({
      identity: first,
      old: { ...own, sign: () => Promise.resolve(Uint8Array.of(1)) },
    })
    await expect(verifyIdentityUpgrade({ statement })).rejects.toEqual(rejected)
    await expect(verifyIdentityUpgrade({ statement, verify: () => false })).rejects.toEqual(rejected)
    const { old } = await verifyIdentityUpgrade({ statement, verify: ({ signature }) => signature[0] === 1 })
    expect(old).toEqual(own)
  })

  test('is refused when either side did not sign, whatever was altered', async () => {
    const statement = await signIdentityUpgrade({ identity: first, old: { ...classical, sign } })
    const forged = await signIdentityUpgrade({
      identity: first,
      old: {
        ...classical,
        sign: (message) => Promise.resolve(signEd25519({ seed: randomBytes(32), message })),
      },
    })
    await expect(verifyIdentityUpgrade({ statement: forged })).rejects.toEqual(rejected)
    // Somebody else's identity claimed as his own: its owner never signed.
    const claimed = statement.slice()
    claimed.set(second.publicIdentity.bytes, 1 + 4 + 7 + 4 + 32)
    await expect(verifyIdentityUpgrade({ statement: claimed })).rejects.toEqual(rejected)
    for (const place of [20, 60, 3260, 3330, 3380, statement.length - 1]) {
      const altered = statement.slice()
      altered[place] = (altered[place] ?? 0) ^ 1
      await expect(verifyIdentityUpgrade({ statement: altered })).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_ENVELOPE_/) as unknown,
      })
    }
    for (const cut of [0, 1, 5, 100, statement.length - 1]) {
      await expect(verifyIdentityUpgrade({ statement: statement.slice(0, cut) })).rejects.toEqual(malformed)
    }
  })
})
