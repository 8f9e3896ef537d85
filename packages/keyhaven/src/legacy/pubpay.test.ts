import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { toHex } from '../crypto/text.ts'
import { exportNostrKey } from '../nostr/index.ts'
import { createVault, memoryStorage } from '../vault/index.ts'
import type { Vault } from '../vault/index.ts'
import { fixedProtection } from '../vault/testing/fixed-protection.ts'
import { inspectPubPay, migratePubPay, openPubPay, parsePubPayEntries, sealPubPay } from './pubpay.ts'
import type { PubPayStorage } from './pubpay.ts'
import '../vault/testing/no-network.ts'

interface Vector {
  readonly n: number
  readonly mode: 'device' | 'password'
  readonly secretKeyHex: string
  readonly nsec: string
  readonly publicKey: string
  readonly password: string | null
  readonly localStorage: Readonly<Record<string, string | null>>
}
const file = new URL('../../../../vectors/pubpay.json', import.meta.url)
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { readonly vectors: readonly Vector[] }

class TestStorage implements PubPayStorage {
  readonly entries = new Map<string, string>()
  constructor(entries: Readonly<Record<string, string | null>> = {}) {
    for (const [key, value] of Object.entries(entries)) if (value !== null) this.entries.set(key, value)
  }
  getItem(key: string): string | null {
    return this.entries.get(key) ?? null
  }
  removeItem(key: string): void {
    this.entries.delete(key)
  }
}

function freshVault(): Promise<Vault> {
  return createVault({ name: 'v', storage: memoryStorage(), protections: [fixedProtection('one')] })
}

function withPassword(password: string | null): { password?: string } {
  return password === null ? {} : { password }
}

function vectorOf(mode: Vector['mode']): Vector {
  const found = vectors.find((vector) => vector.mode === mode)
  if (found === undefined) throw new Error('no vector')
  return found
}
const device = vectorOf('device')
const locked = vectorOf('password')

describe.each(vectors)('sample $n of PubPay ($mode)', (vector) => {
  it('opens to its key, and moves into a vault once', async () => {
    const localStorage = new TestStorage({ ...vector.localStorage, theme: 'dark' })
    expect(inspectPubPay({ localStorage })).toEqual({
      mode: vector.mode,
      publicKey: vector.publicKey,
      signInMethod: 'nsec',
    })
    const opened = await openPubPay({ localStorage, ...withPassword(vector.password) })
    expect(opened.status === 'opened' && toHex(opened.secretKey)).toBe(vector.secretKeyHex)
    const vault = await freshVault()
    const migrate = (): Promise<unknown> =>
      migratePubPay({ localStorage, vault, ...withPassword(vector.password) })
    const { publicKey } = vector
    expect(await migrate()).toEqual({ status: 'migrated', publicKey, record: 'nostr' })
    expect([...localStorage.entries]).toEqual([['theme', 'dark']])
    expect(await exportNostrKey({ vault, as: 'nsec' })).toBe(vector.nsec)
    expect(await migrate()).toEqual({ status: 'nothing' })
    expect(await exportNostrKey({ vault, as: 'nsec' })).toBe(vector.nsec)
  })
})

describe('moving from PubPay', () => {
  it('takes the old plaintext nsec, and looks into sessionStorage, too', async () => {
    const vault = await freshVault()
    const sessionStorage = new TestStorage({ privateKey: device.nsec, publicKey: device.publicKey })
    const localStorage = new TestStorage()
    expect(inspectPubPay({ localStorage, sessionStorage }).mode).toBe('plaintext')
    expect(await migratePubPay({ localStorage, sessionStorage, vault })).toMatchObject({ status: 'migrated' })
    expect(sessionStorage.entries.size).toBe(0)
  })

  it('changes nothing without the password, with a wrong one, and without the device key', async () => {
    const vault = await freshVault()
    const trials = [
      { entries: locked.localStorage, given: {}, status: 'password-needed' },
      { entries: locked.localStorage, given: { password: 'wrong' }, status: 'rejected' },
      { entries: { ...device.localStorage, _dk: null }, given: {}, status: 'device-key-missing' },
      {
        entries: { ...device.localStorage, _dk: 'BF0XtFhKierfvX9BHTlmvIR70smJ6r5Jd9Y8Pxtrd6d=' },
        given: {},
        status: 'rejected',
      },
    ]
    for (const { entries, given, status } of trials) {
      const localStorage = new TestStorage(entries)
      const before = [...localStorage.entries]
      expect(await migratePubPay({ localStorage, vault, ...given })).toEqual({ status })
      expect([...localStorage.entries]).toEqual(before)
    }
    expect(await vault.list()).toEqual([])
  })

  it('changes nothing when the key is not the public key’s, or the record holds another key', async () => {
    const vault = await freshVault()
    const localStorage = new TestStorage({ ...device.localStorage, publicKey: locked.publicKey })
    const before = [...localStorage.entries]
    await expect(migratePubPay({ localStorage, vault })).rejects.toMatchObject({
      code: 'ERR_LEGACY_MISMATCH',
    })
    expect(await vault.list()).toEqual([])
    await vault.put('nostr', { type: 'nostr-secret-key', bytes: new Uint8Array(32).fill(1) })
    const right = new TestStorage(device.localStorage)
    await expect(migratePubPay({ localStorage: right, vault })).rejects.toMatchObject({
      code: 'ERR_IDENTITY_CONFLICT',
    })
    expect([...localStorage.entries]).toEqual(before)
    expect(right.entries.size).toBe(4)
  })

  it('changes nothing when the vault is locked or its storage fails', async () => {
    const localStorage = new TestStorage(device.localStorage)
    const vault = await freshVault()
    vault.lock()
    await expect(migratePubPay({ localStorage, vault })).rejects.toMatchObject({ code: 'ERR_VAULT_LOCKED' })
    expect(localStorage.entries.size).toBe(4)
  })

  it('keeps a second key that it did not move', async () => {
    const vault = await freshVault()
    const localStorage = new TestStorage(device.localStorage)
    const sessionStorage = new TestStorage({ privateKey: locked.nsec })
    expect(await migratePubPay({ localStorage, sessionStorage, vault })).toMatchObject({ status: 'migrated' })
    expect(sessionStorage.getItem('privateKey')).toBe(locked.nsec)
    expect(localStorage.entries.size).toBe(4)
    sessionStorage.entries.set('privateKey', device.nsec)
    expect(await migratePubPay({ localStorage, sessionStorage, vault })).toMatchObject({ status: 'migrated' })
    expect(localStorage.entries.size + sessionStorage.entries.size).toBe(0)
  })

  it('refuses what is in no format of PubPay, and changes nothing', async () => {
    const vault = await freshVault()
    const good = JSON.parse(device.localStorage['privateKey'] ?? '') as Record<string, unknown>
    const bad: readonly string[] = [
      'x',
      '[]',
      'null',
      '{}',
      '{',
      'nsec1',
      device.secretKeyHex,
      JSON.stringify({ ...good, hasPassword: 'no' }),
      JSON.stringify({ ...good, iv: 'AAAA' }),
      JSON.stringify({ ...good, salt: '' }),
      JSON.stringify({ ...good, encrypted: '*' }),
      JSON.stringify({ ...good, encrypted: 'A'.repeat(10_000) }),
    ]
    for (const privateKey of bad) {
      const localStorage = new TestStorage({ ...device.localStorage, privateKey })
      const before = [...localStorage.entries]
      await expect(migratePubPay({ localStorage, vault })).rejects.toMatchObject({
        code: 'ERR_LEGACY_MALFORMED',
      })
      expect([...localStorage.entries]).toEqual(before)
    }
  })

  it('rejects every flipped bit of the ciphertext and of the iv', async () => {
    const good = JSON.parse(device.localStorage['privateKey'] ?? '') as Record<string, string>
    for (const field of ['encrypted', 'iv']) {
      const bytes = Buffer.from(good[field] ?? '', 'base64')
      for (let at = 0; at < bytes.length; at += 1) {
        const flipped = Buffer.from(bytes)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at & 7))
        const privateKey = JSON.stringify({ ...good, [field]: flipped.toString('base64') })
        const localStorage = new TestStorage({ ...device.localStorage, privateKey })
        expect(await openPubPay({ localStorage })).toEqual({ status: 'rejected' })
      }
    }
  })

  it('writes the old format on explicit demand, and reads it again', async () => {
    const secretKey = Buffer.from(device.secretKeyHex, 'hex')
    for (const given of [{}, { password: 'ÅΩẛ̣' }]) {
      const entries = await sealPubPay({ secretKey, acceptWeakFormat: true, ...given })
      const opened = await openPubPay({ localStorage: new TestStorage(entries), ...given })
      expect(opened).toMatchObject({ status: 'opened', publicKey: device.publicKey })
    }
  })

  it('reads the entries from a file', async () => {
    const localStorage = parsePubPayEntries(JSON.stringify(device.localStorage))
    expect(await openPubPay({ localStorage })).toMatchObject({ status: 'opened' })
    for (const text of ['', '[]', '3', '{"privateKey":3}']) {
      expect(() => parsePubPayEntries(text)).toThrow(
        expect.objectContaining({ code: 'ERR_LEGACY_MALFORMED' }),
      )
    }
  })
})
