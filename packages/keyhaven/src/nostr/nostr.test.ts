import { finalizeEvent, getPublicKey, nip19, nip44, verifyEvent as verifyByTools } from 'nostr-tools'
import { beforeEach, describe, expect, it } from 'vitest'
import { parseHex, toHex } from '../crypto/text.ts'
import { randomBytes } from '../crypto/bytes.ts'
import { loadScrypt } from '../crypto/scrypt.ts'
import type { Scrypt } from '../crypto/scrypt.ts'
import { createVault, memoryStorage } from '../vault/index.ts'
import type { Vault } from '../vault/index.ts'
import { fixedProtection } from '../vault/testing/fixed-protection.ts'
import {
  createNostrProvider,
  deriveNostrPublicKey,
  encodeNpub,
  encodeNsec,
  exportNostrKey,
  importNostrKey,
  installNostrProvider,
  parseNpub,
  parseNsec,
  parseSecretKeyHex,
  signEvent,
  verifyEvent,
} from './index.ts'
import type { NostrRequest } from './index.ts'
import '../vault/testing/no-network.ts'

const secretKey = parseHex('4b02d9adb29132b44339ecaedf1ae707af3da6238a40f76b6ec368594d5dd28c', 'key')
const nsec = 'nsec1fvpdntdjjyetgseeajhd7xh8q7hnmf3r3fq0w6mwcd59jn2a62xqqhvm7g'
const publicKey = 'b4b750b366a1a2a0b4e64c3704e71ac8578f117bac4494aa070b97b3112ee1f4'
const template = { kind: 1, created_at: 1_700_000_000, tags: [['t', 'ü']], content: 'hello\n"world" 🌍' }

let vault: Vault
beforeEach(async () => {
  vault = await createVault({ name: 'v', storage: memoryStorage(), protections: [fixedProtection('one')] })
})

describe('a Nostr key as text', () => {
  it('is what nostr-tools reads and writes', () => {
    for (let round = 0; round < 20; round += 1) {
      const key = randomBytes(32)
      expect(encodeNsec(key)).toBe(nip19.nsecEncode(key))
      expect(parseNsec(nip19.nsecEncode(key))).toEqual(key)
      expect(deriveNostrPublicKey(key)).toBe(getPublicKey(key))
      expect(encodeNpub(getPublicKey(key))).toBe(nip19.npubEncode(getPublicKey(key)))
      expect(parseNpub(nip19.npubEncode(getPublicKey(key)))).toBe(getPublicKey(key))
    }
  })

  it.each([
    ['another prefix', () => parseNsec(nip19.npubEncode(publicKey))],
    ['a wrong checksum', () => parseNsec(`${nsec.slice(0, -1)}q`)],
    ['an empty text', () => parseNsec('')],
    ['a huge text', () => parseNsec('nsec1'.padEnd(100_000, 'q'))],
    ['the zero key', () => parseSecretKeyHex('00'.repeat(32))],
    ['a key beyond the group', () => parseSecretKeyHex('ff'.repeat(32))],
    ['too few digits', () => parseSecretKeyHex('ab')],
    ['an npub of another length', () => parseNpub(nip19.noteEncode(publicKey))],
  ])('is refused for %s', (_name, parse) => {
    expect(parse).toThrow(expect.objectContaining({ code: 'ERR_INPUT_INVALID' }))
  })
})

describe('a Nostr key in a vault', () => {
  it('comes in as nsec, hex or ncryptsec, and goes out as each', async () => {
    expect(await importNostrKey({ vault, key: { as: 'nsec', text: nsec } })).toEqual({ publicKey })
    expect(await exportNostrKey({ vault, as: 'hex' })).toBe(toHex(secretKey))
    expect(await exportNostrKey({ vault, as: 'nsec' })).toBe(nsec)
    const asked: number[] = []
    const scrypt: Scrypt = async (input) => {
      asked.push(input.logN)
      return (await loadScrypt())(input)
    }
    const ncryptsec = await exportNostrKey({ vault, as: 'ncryptsec', password: 'p', scrypt })
    const key = { as: 'ncryptsec', text: ncryptsec, password: 'p' } as const
    expect(await importNostrKey({ vault, key, record: 'other', scrypt })).toEqual({ publicKey })
    // The caller's scrypt does the work where there is one.
    expect(asked).toEqual([16, 16])
    const hex = { as: 'hex', text: toHex(secretKey).toUpperCase() } as const
    expect(await importNostrKey({ vault, key: hex })).toEqual({ publicKey })
    expect((await vault.list()).map(({ name, version }) => [name, version])).toEqual([
      ['nostr', 1],
      ['other', 1],
    ])
  })

  it('is never overwritten by another key', async () => {
    await importNostrKey({ vault, key: { as: 'nsec', text: nsec } })
    const other = { as: 'hex', text: '11'.repeat(32) } as const
    await expect(importNostrKey({ vault, key: other })).rejects.toMatchObject({
      code: 'ERR_IDENTITY_CONFLICT',
    })
    expect(await exportNostrKey({ vault, as: 'nsec' })).toBe(nsec)
  })

  it('is not exported when it is none, or without a password for ncryptsec', async () => {
    await expect(exportNostrKey({ vault, as: 'nsec' })).rejects.toMatchObject({ code: 'ERR_RECORD_MISSING' })
    await vault.put('nostr', { type: 'note', bytes: secretKey })
    await expect(exportNostrKey({ vault, as: 'nsec' })).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    await expect(importNostrKey({ vault, key: { as: 'nsec', text: nsec } })).rejects.toMatchObject({
      code: 'ERR_IDENTITY_CONFLICT',
    })
    await importNostrKey({ vault, key: { as: 'nsec', text: nsec }, record: 'key' })
    await expect(exportNostrKey({ vault, as: 'ncryptsec', record: 'key' })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
  })
})

describe('signing', () => {
  it('gives an event that nostr-tools verifies, with the id that it would give', async () => {
    await importNostrKey({ vault, key: { as: 'nsec', text: nsec } })
    const event = await signEvent({ vault, event: template })
    const theirs = finalizeEvent({ ...template, tags: [['t', 'ü']] }, secretKey)
    expect(event.id).toBe(theirs.id)
    expect(verifyByTools({ ...event, tags: [['t', 'ü']] })).toBe(true)
    expect(verifyEvent(event)).toBe(true)
    expect(verifyEvent(theirs)).toBe(true)
    expect(verifyEvent({ ...event, content: 'other' })).toBe(false)
    expect(verifyEvent({ ...event, sig: '00'.repeat(64) })).toBe(false)
    expect(verifyEvent({ ...event, pubkey: 'ff'.repeat(32) })).toBe(false)
  })

  it('refuses what is no event, and a vault that is locked', async () => {
    await importNostrKey({ vault, key: { as: 'nsec', text: nsec } })
    for (const bad of [{ kind: -1 }, { kind: 1.5 }, { created_at: NaN }, { tags: [[1]] }, { content: 1 }]) {
      const event = { ...template, ...bad } as typeof template
      await expect(signEvent({ vault, event })).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    }
    vault.lock()
    await expect(signEvent({ vault, event: template })).rejects.toMatchObject({ code: 'ERR_VAULT_LOCKED' })
  })
})

describe('the NIP-07 provider', () => {
  it('reads an event once: what was allowed is what is signed, also of an object that changes or is a proxy', async () => {
    await importNostrKey({ vault, key: { as: 'nsec', text: nsec } })
    const asked: string[] = []
    const provider = createNostrProvider({
      vault,
      allow: (request) => {
        if (request.kind === 'sign') asked.push(request.event.content)
        return true
      },
    })
    let reads = 0
    const changing = {
      ...template,
      get content() {
        reads += 1
        return reads === 1 ? 'harmless' : 'harmful'
      },
    }
    const tags = [['t', 'one']]
    const signing = provider.signEvent(changing)
    tags[0]?.push('two')
    expect((await signing).content).toBe('harmless')
    expect(asked).toEqual(['harmless'])
    // As frameworks wrap their state: such an object cannot be cloned.
    const signed = await provider.signEvent(new Proxy({ ...template, tags: new Proxy(tags, {}) }, {}))
    expect(verifyEvent(signed)).toBe(true)
    expect(signed.tags).toEqual(tags)
  })

  it('signs and seals what is allowed, and nothing else', async () => {
    await importNostrKey({ vault, key: { as: 'nsec', text: nsec } })
    const asked: NostrRequest[] = []
    let answer = true
    const provider = createNostrProvider({
      vault,
      allow: (request) => {
        asked.push(request)
        return answer
      },
    })
    expect(await provider.getPublicKey()).toBe(publicKey)
    expect(verifyEvent(await provider.signEvent(template))).toBe(true)
    const peer = randomBytes(32)
    const shared = nip44.getConversationKey(peer, publicKey)
    const sealed = await provider.nip44.encrypt(getPublicKey(peer), 'hello')
    expect(nip44.decrypt(sealed, shared)).toBe('hello')
    const reply = nip44.encrypt('hello back', shared)
    expect(await provider.nip44.decrypt(getPublicKey(peer), reply)).toBe('hello back')
    expect(asked.map(({ kind }) => kind)).toEqual(['sign', 'encrypt', 'decrypt'])
    answer = false
    const refused = { code: 'ERR_REQUEST_REFUSED' }
    await expect(provider.signEvent(template)).rejects.toMatchObject(refused)
    await expect(provider.nip44.encrypt(publicKey, 'x')).rejects.toMatchObject(refused)
    await expect(provider.nip44.decrypt(publicKey, reply)).rejects.toMatchObject(refused)
  })

  it('is installed by explicit call, and not over an extension', () => {
    const provider = createNostrProvider({ vault, allow: () => true })
    const page = {}
    expect(installNostrProvider(provider, page)).toBe(true)
    expect(Object.keys(page)).toEqual([])
    expect(page).toHaveProperty('nostr', provider)
    expect(installNostrProvider(provider, { nostr: {} })).toBe(false)
  })
})
