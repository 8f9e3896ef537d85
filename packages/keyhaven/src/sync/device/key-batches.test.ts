import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KeyhavenError } from '../../errors.ts'
import { createVault, memoryStorage, openVault } from '../../vault/index.ts'
import type { Vault, VaultStorage } from '../../vault/index.ts'
import { createFileStorage } from '../../vault/storage/file.ts'
import { fileOperations } from '../../vault/storage/file-operations.ts'
import { failingOperations } from '../../vault/testing/failing-operations.ts'
import type { Moment } from '../../vault/testing/failing-operations.ts'
import { fixedProtection } from '../../vault/testing/fixed-protection.ts'
import { keepBackedUp, readLocalKeys, readPending } from './key-batches.ts'
import { deriveKeyId } from '../format/key-changes.ts'
import { openKeyStore } from './key-store.ts'
import { writeRecords } from './write-records.ts'

const protection = fixedProtection('x')
const key = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const newVault = (storage: VaultStorage): Promise<Vault> =>
  createVault({ name: 'v', storage, protections: [protection] })
/** The vault as another process sees it. */
async function openAgain(storage: VaultStorage): Promise<Vault> {
  const vault = await openVault({ name: 'v', storage })
  await vault.unlock(protection)
  return vault
}
async function addMany(vault: Vault, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `conversation ${String(index)}`)
  const conversationKeys = Object.fromEntries(names.map((name, index) => [name, key(index % 250)]))
  await openKeyStore(vault).importKeys({ identityKeys: {}, conversationKeys })
}
async function moveToBackup(vault: Vault): Promise<void> {
  const { names, changes } = await readPending(vault)
  await writeRecords(vault, await keepBackedUp(vault, { changes, pending: names }))
}

/** A storage that counts the bytes that go in and out. */
function countingStorage(): VaultStorage & { readonly moved: { bytes: number } } {
  const storage = memoryStorage()
  const moved = { bytes: 0 }
  return {
    ...storage,
    moved,
    read: async (vault, blob, range) => {
      const bytes = await storage.read(vault, blob, range)
      moved.bytes += bytes?.length ?? 0
      return bytes
    },
    exclusive: (vault, work) =>
      storage.exclusive(vault, (writer) =>
        work({
          ...writer,
          commit: (change) => {
            for (const bytes of [...change.blobs.values(), change.head]) moved.bytes += bytes.length
            return writer.commit(change)
          },
        }),
      ),
  }
}

describe('one conversation key', () => {
  test('is added, read and removed by itself; the current one comes first', async () => {
    const store = openKeyStore(await newVault(memoryStorage()))
    expect(await store.addConversationKey('a', key(1))).toBe(true)
    expect(await store.addConversationKey('a', key(2))).toBe(true)
    expect(await store.addConversationKey('a', key(1))).toBe(false)
    expect(await store.addConversationKey('__proto__', key(3, 65_536))).toBe(true)
    const [second, first] = [2, 1].map((byte) => ({
      key: key(byte),
      keyId: deriveKeyId(key(byte)),
      version: byte,
    }))
    expect(await store.getConversationKeys('a')).toEqual([second, first])
    expect((await store.getConversationKeys('__proto__'))[0]?.key).toEqual(key(3, 65_536))
    expect(await store.getConversationKeys('constructor')).toEqual([])
    expect(await store.removeConversationKey({ name: 'a', keyId: deriveKeyId(key(2)) })).toBe(true)
    expect(await store.getConversationKeys('a')).toEqual([first])
    expect(await store.removeConversationKey({ name: 'a' })).toBe(true)
    expect(await store.removeConversationKey({ name: 'a' })).toBe(false)
    await store.addConversationKey('a', key(2))
    expect((await store.getConversationKeys('a')).map(({ version }) => version)).toEqual([3])
  })

  test.each([
    ['a key of 24 MiB', 'a', key(1, 24 * 1_048_576)],
    ['an empty key', 'a', key(1, 0)],
    ['a name over 256 bytes', 'ü'.repeat(129), key(1)],
    ['half of a character in its name', 'a\ud800', key(1)],
  ])('with %s is refused', async (_, name, bytes) => {
    const store = openKeyStore(await newVault(memoryStorage()))
    const refused = { code: 'ERR_INPUT_INVALID' }
    await expect(store.addConversationKey(name, bytes)).rejects.toMatchObject(refused)
    expect(await store.listKeys()).toEqual([])
  })

  test('moves as many bytes in and out of the vault at 20,000 as at 100', async () => {
    const costs = await Promise.all(
      [100, 20_000].map(async (count) => {
        const storage = countingStorage()
        const vault = await newVault(storage)
        await addMany(vault, count)
        await moveToBackup(vault)
        const store = openKeyStore(vault)
        await store.getConversationKeys('conversation 1')
        storage.moved.bytes = 0
        for (let index = 0; index < 40; index += 1) {
          await store.addConversationKey(`one more ${String(index)}`, key(index))
          await moveToBackup(vault)
        }
        return storage.moved.bytes / 40
      }),
    )
    const [few = 0, many = 0] = costs
    expect(few).toBeGreaterThan(1000)
    expect(many / few).toBeLessThan(1.5)
    expect(many).toBeLessThan(20_000)
  })
})

describe('batches', () => {
  test('of two processes that add keys at once all stay, and are few', async () => {
    const storage = memoryStorage()
    const first = await newVault(storage)
    const second = await openAgain(storage)
    const work = [first, second].map(async (vault, number) => {
      const store = openKeyStore(vault)
      for (let index = 0; index < 60; index += 1) {
        await store.addConversationKey(`${String(number)} ${String(index)}`, key(index))
        if (index % 7 === number) await moveToBackup(vault)
      }
    })
    await Promise.all(work)
    for (const vault of [first, second, await openAgain(storage)]) {
      expect((await readLocalKeys(vault)).conversation.countNames()).toBe(120)
    }
    expect((await first.list()).length).toBeLessThan(64)
  })

  test('that are damaged are said to be, and the others are read once they are gone', async () => {
    const vault = await newVault(memoryStorage())
    await openKeyStore(vault).addConversationKey('a', key(1))
    const [batch] = (await vault.list()).filter(({ name }) => name.startsWith('sync/pending/'))
    const whole = await vault.get(batch?.name ?? '')
    const bytes = whole?.bytes ?? new Uint8Array()
    for (let length = 0; length < bytes.length; length += 1) {
      const half = { type: whole?.type ?? '', bytes: bytes.subarray(0, length) }
      const name = `sync/keys/0/half ${String(length)}`
      await vault.put(name, half)
      const reading = readLocalKeys(vault)
      // Cut just before its one entry of 38 bytes it is whole, and says nothing.
      if (length === bytes.length - 38) expect((await reading).conversation.countNames()).toBe(1)
      else await expect(reading).rejects.toMatchObject({ code: 'ERR_VAULT_DAMAGED' })
      await vault.delete(name)
    }
    expect(await openKeyStore(vault).getConversationKeys('a')).toHaveLength(1)
  })

  test('are not to be had from a locked vault, and are there again when it is opened', async () => {
    const vault = await newVault(memoryStorage())
    const store = openKeyStore(vault)
    await store.addConversationKey('a', key(1))
    const held = await readLocalKeys(vault)
    const reading = store.exportKeys()
    vault.lock()
    const locked = { code: 'ERR_VAULT_LOCKED' }
    await expect(reading).rejects.toMatchObject(locked)
    await expect(store.getConversationKeys('a')).rejects.toMatchObject(locked)
    await expect(store.addConversationKey('b', key(1))).rejects.toMatchObject(locked)
    expect(() => held.conversation.keysOf('a')).toThrow(expect.objectContaining(locked))
    await vault.unlock(protection)
    expect(await store.getConversationKeys('a')).toHaveLength(1)
  })
})

describe('a crash while a key is added and batches are merged', () => {
  const THERE = 15
  let home = ''
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'keyhaven batches '))
    const vault = await newVault(createFileStorage({ directory: join(home, 'prepared') }, fileOperations))
    for (let index = 0; index < THERE; index += 1) {
      await openKeyStore(vault).addConversationKey(`c${String(index)}`, key(index))
    }
  })
  afterAll(() => rm(home, { recursive: true }))

  /** Adds the key that makes the batches many, with a blow; then says how many keys there are, here and elsewhere. */
  async function trial(label: string, at: number, moment: Moment): Promise<readonly string[]> {
    const directory = join(home, label)
    await cp(join(home, 'prepared'), directory, { recursive: true })
    const { operations, calls } = failingOperations(at, moment, () => {
      throw new KeyhavenError('ERR_STORAGE_FAILED', { fault: 'EIO' })
    })
    const vault = await openAgain(createFileStorage({ directory, patienceMs: 30_000 }, operations))
    const store = openKeyStore(vault)
    const added = await store.addConversationKey('last', key(99)).then(
      () => true,
      () => false,
    )
    await rm(join(directory, 'v.lock'), { force: true })
    const storage = createFileStorage({ directory, patienceMs: 30_000 }, fileOperations)
    const elsewhere = (await readLocalKeys(await openAgain(storage))).conversation.countNames()
    expect(elsewhere).toBeGreaterThanOrEqual(added ? THERE + 1 : THERE)
    await store.addConversationKey('last', key(99))
    expect((await store.exportKeys()).conversationKeys['last']).toEqual(key(99))
    expect((await readLocalKeys(vault)).conversation.countNames()).toBe(THERE + 1)
    expect((await readLocalKeys(await openAgain(storage))).conversation.countNames()).toBe(THERE + 1)
    return calls()
  }

  test('at any call of the storage loses no key, neither in the vault nor in memory', async () => {
    const calls = await trial('none', -1, 'before')
    const blows = calls.flatMap((call, at) => {
      const moments: readonly Moment[] = call === 'create' ? ['halfway', 'after'] : ['after']
      return call === 'read' ? [] : moments.map((moment) => ({ at, moment }))
    })
    expect(blows.length).toBeGreaterThan(10)
    for (const { at, moment } of blows) await trial(`${moment} ${String(at)}`, at, moment)
  })
})
