import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createVault, memoryStorage } from '../../vault/index.ts'
import type { Vault } from '../../vault/index.ts'
import { fixedProtection } from '../../vault/testing/fixed-protection.ts'
import { keepBackedUp, readLocalKeys, readPending } from './key-batches.ts'
import { NO_CHANGES, deriveKeyId } from '../format/key-changes.ts'
import { openKeyStore } from './key-store.ts'
import type { KeySet } from './key-store.ts'

const openVault = (): Promise<Vault> =>
  createVault({ name: 'keys', storage: memoryStorage(), protections: [fixedProtection('x')] })
const key = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const conversations = (keys: Record<string, Uint8Array>): KeySet => ({
  identityKeys: {},
  conversationKeys: keys,
})
const identities = (keys: Record<string, Uint8Array>): KeySet => ({
  identityKeys: keys,
  conversationKeys: {},
})

describe('the keys on a device', () => {
  test('come out as they went in, whatever their names and bytes', async () => {
    const name = fc.oneof(
      fc.uuid(),
      fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
      fc.constant('__proto__'),
    )
    const keys = fc.dictionary(name, fc.uint8Array({ minLength: 1, maxLength: 100 }), { maxKeys: 8 })
    await fc.assert(
      fc.asyncProperty(keys, keys, async (identityKeys, conversationKeys) => {
        const store = openKeyStore(await openVault())
        await store.importKeys({ identityKeys, conversationKeys })
        const found = await store.exportKeys()
        expect(Object.entries(found.identityKeys).sort()).toEqual(Object.entries(identityKeys).sort())
        expect(Object.entries(found.conversationKeys).sort()).toEqual(Object.entries(conversationKeys).sort())
      }),
      { numRuns: 50 },
    )
  })

  test('that are imported again change nothing, not even in the vault', async () => {
    const vault = await openVault()
    const store = openKeyStore(vault)
    const keys = { identityKeys: { main: key(1) }, conversationKeys: { a: key(2), b: key(3) } }
    expect(await store.importKeys(keys)).toEqual({ identityKeys: 1, conversationKeys: 2 })
    const before = await vault.list()
    expect(await store.importKeys(keys)).toEqual({ identityKeys: 0, conversationKeys: 0 })
    expect(await vault.list()).toEqual(before)
  })

  test('keep every key of a conversation; the newest is the current one', async () => {
    const store = openKeyStore(await openVault())
    for (const byte of [5, 1, 9, 3]) await store.importKeys(conversations({ a: key(byte) }))
    expect((await store.exportKeys()).conversationKeys['a']).toEqual(key(3))
    const listed = await store.listKeys()
    expect(listed.map(({ version, current }) => [version, current])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [4, true],
    ])
    expect(listed[0]).toEqual({
      kind: 'conversation',
      name: 'a',
      keyId: deriveKeyId(key(5)),
      length: 32,
      version: 1,
      current: false,
    })
  })

  test('never overwrite an identity: another key under its name is a conflict until the old one is removed', async () => {
    const store = openKeyStore(await openVault())
    await store.importKeys(identities({ main: key(7) }))
    const other = { identityKeys: { main: key(1), more: key(2) }, conversationKeys: { a: key(3) } }
    await expect(store.importKeys(other)).rejects.toMatchObject({
      code: 'ERR_IDENTITY_CONFLICT',
      details: { count: 1 },
    })
    expect(await store.exportKeys()).toEqual(identities({ main: key(7) }))
    expect(await store.removeKey({ kind: 'identity', name: 'main' })).toBe(true)
    await store.importKeys(other)
    expect((await store.exportKeys()).identityKeys['main']).toEqual(key(1))
  })

  test('are removed one by one or by name, and what was removed can be brought again', async () => {
    const store = openKeyStore(await openVault())
    await store.importKeys(conversations({ a: key(1) }))
    await store.importKeys(conversations({ a: key(2) }))
    expect(await store.removeKey({ kind: 'conversation', name: 'a', keyId: deriveKeyId(key(2)) })).toBe(true)
    expect((await store.exportKeys()).conversationKeys['a']).toEqual(key(1))
    expect(await store.removeKey({ kind: 'conversation', name: 'a' })).toBe(true)
    expect(await store.removeKey({ kind: 'conversation', name: 'a' })).toBe(false)
    expect(await store.listKeys()).toEqual([])
    await store.importKeys(conversations({ a: key(2) }))
    expect((await store.exportKeys()).conversationKeys['a']).toEqual(key(2))
  })

  test.each([
    ['an empty name', conversations({ '': key(1) })],
    ['a name over 256 bytes', conversations({ ['ü'.repeat(129)]: key(1) })],
    ['a lone surrogate in a name', identities({ 'a\ud800': key(1) })],
    ['an empty key', identities({ a: new Uint8Array() })],
    ['a key over 64 KiB', conversations({ a: key(1, 65_537) })],
  ])('with %s are refused, and none of them is kept', async (_, keys) => {
    const store = openKeyStore(await openVault())
    const whole = {
      identityKeys: { good: key(1), ...keys.identityKeys },
      conversationKeys: keys.conversationKeys,
    }
    await expect(store.importKeys(whole)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    expect(await store.listKeys()).toEqual([])
  })

  test('are copies: changing what came out changes nothing in the vault', async () => {
    const store = openKeyStore(await openVault())
    await store.importKeys(conversations({ a: key(1) }))
    ;(await store.exportKeys()).conversationKeys['a']?.fill(9)
    expect((await store.exportKeys()).conversationKeys['a']).toEqual(key(1))
  })

  test('are written in few records, however many they are', async () => {
    const vault = await openVault()
    const many = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [`conversation ${String(index)}`, key(index)]),
    )
    await openKeyStore(vault).importKeys(conversations(many))
    expect((await vault.list()).length).toBeLessThan(5)
    expect((await readLocalKeys(vault)).conversation.countNames()).toBe(20_000)
  })
})

describe('batches of keys', () => {
  test('are merged when they are many, and nothing is missing to somebody who reads meanwhile', async () => {
    const vault = await openVault()
    const store = openKeyStore(vault)
    const reader = async (until: () => boolean): Promise<void> => {
      for (let seen = 0; !until();) {
        const now = (await readLocalKeys(vault)).conversation.countNames()
        expect(now).toBeGreaterThanOrEqual(seen)
        seen = now
        await new Promise((next) => setImmediate(next))
      }
    }
    let done = false
    const reading = reader(() => done)
    for (let index = 0; index < 80; index += 1) {
      await store.importKeys(conversations({ [`c${String(index)}`]: key(index) }))
      const { names, changes } = await readPending(vault)
      expect(names.length).toBe(1)
      await vault.write(await keepBackedUp(vault, { changes, pending: names }))
    }
    done = true
    await reading
    expect((await readLocalKeys(vault)).conversation.countNames()).toBe(80)
    expect((await vault.list()).length).toBeLessThan(40)
    expect(await readPending(vault)).toEqual({
      names: [],
      changes: { identity: NO_CHANGES, conversation: [] },
    })
  })
})
