import { describe, expect, it } from 'vitest'
import { sealAead } from '../crypto/aead.ts'
import { openKeyStore } from '../sync/device/key-store.ts'
import { createVault, memoryStorage } from '../vault/index.ts'
import { fixedProtection } from '../vault/testing/fixed-protection.ts'
import { migrateQryptChat } from './qryptchat.ts'
import type { KeyReceiver } from './qryptchat.ts'
import { MALFORMED, exportSamples, inBase64 } from './testing/qryptchat-samples.ts'
import '../vault/testing/no-network.ts'

describe('keys that are only in localStorage', () => {
  const [{ keys1024, keys768 }] = exportSamples
  const pairs = {
    qryptchat_pq_keypair: JSON.stringify({ ...keys1024, timestamp: 1, version: '3.0' }),
    qryptchat_pq_keypair_768: JSON.stringify({ ...keys768, timestamp: 1, version: '3.0' }),
  }
  const key = Buffer.alloc(32, 7).toString('base64')
  const stored = JSON.stringify({ 'f2cd-1': { conversationId: 'f2cd-1', key, timestamp: 1 } })

  function place(entries: Readonly<Record<string, string>>): {
    readonly entries: Map<string, string>
    readonly localStorage: { getItem(name: string): string | null; removeItem(name: string): void }
  } {
    const map = new Map(Object.entries({ theme: 'dark', ...entries }))
    const localStorage = {
      getItem: (name: string) => map.get(name) ?? null,
      removeItem: (name: string) => void map.delete(name),
    }
    return { entries: map, localStorage }
  }
  const freshKeys = async (): Promise<KeyReceiver> =>
    openKeyStore(
      await createVault({ name: 'v', storage: memoryStorage(), protections: [fixedProtection('one')] }),
    )

  it('come into the vault, and the old entries go only when that was asked for', async () => {
    const user = JSON.stringify({ masterKey: key, keyExchangeKey: key, timestamp: 1, version: '1.0' })
    const old = place({ ...pairs, qryptchat_keys: stored, qryptchat_user_keys: user })
    const keys = await freshKeys()
    const counts = { status: 'migrated', identityKeys: 6, conversationKeys: 1 }
    expect(await migrateQryptChat({ ...old, keys })).toEqual({ ...counts, removed: false })
    expect(old.entries.size).toBe(5)
    expect(await migrateQryptChat({ ...old, keys, removeOld: true })).toEqual({ ...counts, removed: true })
    expect([...old.entries]).toEqual([['theme', 'dark']])
    const kept = await keys.exportKeys()
    expect(inBase64(kept.identityKeys)).toMatchObject({
      'keys1024.privateKey': keys1024.privateKey,
      'keys768.publicKey': keys768.publicKey,
      masterKey: key,
    })
    expect(inBase64(kept.conversationKeys)).toEqual({ 'f2cd-1': key })
    expect(await migrateQryptChat({ ...old, keys })).toEqual({ status: 'nothing' })
  })

  it('are opened where they are sealed, and read from IndexedDB where it has them', async () => {
    const nonce = new Uint8Array(12).fill(3)
    const aead = { key: Buffer.from(key, 'base64'), nonce, associatedData: new Uint8Array(0) }
    const sealed = await sealAead(aead, Buffer.from(stored))
    const entries = {
      qryptchat_keys: Buffer.concat([nonce, sealed]).toString('base64'),
      qryptchat_storage_enc_key: key,
    }
    const database = new Map<string, unknown>([['qryptchat_pq_keypair', { ...keys1024, timestamp: 1 }]])
    const get = (name: string): Promise<unknown> => Promise.resolve(database.get(name))
    const keys = await freshKeys()
    expect(await migrateQryptChat({ ...place(entries), pairs: { get }, keys })).toMatchObject({
      identityKeys: 2,
      conversationKeys: 1,
    })
    const another = { ...entries, qryptchat_storage_enc_key: Buffer.alloc(32).toString('base64') }
    const gone = { ...pairs, qryptchat_keys: entries.qryptchat_keys }
    for (const closed of [another, gone]) {
      const old = place(closed)
      const before = [...old.entries]
      const none = await freshKeys()
      const rejected = await migrateQryptChat({ ...old, keys: none, removeOld: true })
      expect(rejected).toEqual({ status: 'rejected' })
      expect([...old.entries]).toEqual(before)
      expect(await none.exportKeys()).toEqual({ identityKeys: {}, conversationKeys: {} })
    }
  })

  it('change nothing when an entry is damaged, another key has the name, or a key is not read back', async () => {
    const damaged: readonly Record<string, string>[] = [
      { qryptchat_pq_keypair: '{' },
      { qryptchat_pq_keypair: JSON.stringify({ ...keys1024, algorithm: 'RSA' }) },
      { qryptchat_pq_keypair: JSON.stringify({ ...keys1024, publicKey: '*' }) },
      { qryptchat_keys: '{"a":{"key":7}}' },
      { qryptchat_keys: '{"a":7}' },
      { qryptchat_keys: 'AAAA' },
      { qryptchat_user_keys: '{"masterKey":"AAAA"}' },
    ]
    for (const entries of damaged) {
      const old = place({ ...pairs, ...entries })
      const before = [...old.entries]
      const keys = await freshKeys()
      await expect(migrateQryptChat({ ...old, keys, removeOld: true })).rejects.toEqual(MALFORMED)
      expect([...old.entries]).toEqual(before)
      expect(await keys.exportKeys()).toEqual({ identityKeys: {}, conversationKeys: {} })
    }
    const old = place(pairs)
    const taken = await freshKeys()
    await taken.importKeys({
      identityKeys: { 'keys768.privateKey': new Uint8Array(3).fill(1) },
      conversationKeys: {},
    })
    const conflict = migrateQryptChat({ ...old, keys: taken, removeOld: true })
    await expect(conflict).rejects.toMatchObject({ code: 'ERR_IDENTITY_CONFLICT' })
    const forgetful = { ...(await freshKeys()), importKeys: () => Promise.resolve() }
    const lost = migrateQryptChat({ ...old, keys: forgetful, removeOld: true })
    await expect(lost).rejects.toMatchObject({ code: 'ERR_VAULT_DAMAGED' })
    expect(old.entries.size).toBe(3)
  })
})
