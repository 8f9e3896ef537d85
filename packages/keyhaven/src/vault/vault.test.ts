import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '../crypto/bytes.ts'
import { fileDeviceProtection, fileStorage } from './file.ts'
import { createVault, memoryStorage, openVault } from './index.ts'
import type { Protection, VaultStorage } from './index.ts'
import './testing/no-network.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyhaven vault '))
})
afterAll(() => rm(folder, { recursive: true }))

let next = 0
function freshPlace(kind: 'file' | 'memory'): { storage: VaultStorage; protections: Protection[] } {
  next += 1
  const home = join(folder, String(next))
  const storage = kind === 'file' ? fileStorage({ directory: join(home, 'vault') }) : memoryStorage()
  return { storage, protections: [fileDeviceProtection({ keyFile: join(home, 'device.key') })] }
}

describe.each(['file', 'memory'] as const)('a vault in %s storage', (kind) => {
  it('gives back what was put, after it is opened again, without a prompt', async () => {
    const place = freshPlace(kind)
    const vault = await createVault({ name: 'anna', ...place })
    await vault.put('nostr', { type: 'nostr-secret-key', bytes: utf8('secret of anna') })
    const again = await openVault({ name: 'anna', ...place })
    expect(again.state()).toBe('unlocked')
    expect(again.id).toEqual(vault.id)
    expect(await again.get('nostr')).toEqual({ type: 'nostr-secret-key', bytes: utf8('secret of anna') })
    expect(await again.get('other')).toBeUndefined()
  })

  it('shows each opened vault what the other one wrote', async () => {
    const place = freshPlace(kind)
    const one = await createVault({ name: 'anna', ...place })
    const two = await openVault({ name: 'anna', ...place })
    await one.put('a', { type: 't', bytes: utf8('1') })
    await two.put('b', { type: 't', bytes: utf8('2') })
    await one.put('a', { type: 't', bytes: utf8('3') })
    expect((await two.get('a'))?.bytes).toEqual(utf8('3'))
    expect(await one.list()).toEqual([
      { name: 'a', type: 't', version: 2 },
      { name: 'b', type: 't', version: 1 },
    ])
  })

  it('keeps all of many writes at once, from two openings', async () => {
    const place = freshPlace(kind)
    const one = await createVault({ name: 'anna', ...place })
    const two = await openVault({ name: 'anna', ...place })
    const names = Array.from({ length: 60 }, (_, index) => `record ${String(index)}`)
    await Promise.all(
      names.map((name, index) => (index % 2 ? one : two).put(name, { type: 't', bytes: utf8(name) })),
    )
    expect((await one.list()).length).toBe(60)
    for (const name of names) expect((await two.get(name))?.bytes).toEqual(utf8(name))
  })

  it('writes ten thousand records as one batch, and deletes within one', async () => {
    const place = freshPlace(kind)
    const vault = await createVault({ name: 'anna', ...place })
    const names = Array.from({ length: 10_000 }, (_, index) => `conversation/${String(index)}`)
    await vault.write(new Map(names.map((name) => [name, { type: 't', bytes: utf8(name) }])))
    await vault.write(new Map([...names.slice(1).map((name) => [name, null] as const)]))
    expect(await vault.list()).toEqual([{ name: 'conversation/0', type: 't', version: 1 }])
    expect((await vault.get('conversation/0'))?.bytes).toEqual(utf8('conversation/0'))
  })

  it('is closed to everything while locked, and opens again', async () => {
    const place = freshPlace(kind)
    const vault = await createVault({ name: 'anna', ...place })
    await vault.put('a', { type: 't', bytes: utf8('1') })
    vault.lock()
    expect(vault.state()).toBe('locked')
    const locked = { code: 'ERR_VAULT_LOCKED' }
    await expect(vault.get('a')).rejects.toMatchObject(locked)
    await expect(vault.put('a', { type: 't', bytes: utf8('2') })).rejects.toMatchObject(locked)
    await expect(vault.list()).rejects.toMatchObject(locked)
    for (const protection of place.protections) {
      expect(await vault.unlock(protection)).toEqual({ status: 'unlocked' })
    }
    expect((await vault.get('a'))?.bytes).toEqual(utf8('1'))
  })

  it('is gone after destroy, for every opening of it', async () => {
    const place = freshPlace(kind)
    const one = await createVault({ name: 'anna', ...place })
    const two = await openVault({ name: 'anna', ...place })
    await one.put('a', { type: 't', bytes: utf8('1') })
    await one.destroy()
    await expect(openVault({ name: 'anna', ...place })).rejects.toMatchObject({ code: 'ERR_VAULT_MISSING' })
    await expect(two.get('a')).rejects.toMatchObject({ code: 'ERR_VAULT_MISSING' })
    expect(two.state()).toBe('locked')
    await createVault({ name: 'anna', ...place })
    for (const protection of place.protections) {
      await expect(two.unlock(protection)).rejects.toMatchObject({ code: 'ERR_VAULT_MISSING' })
    }
    await expect(two.destroy()).rejects.toMatchObject({ code: 'ERR_VAULT_MISSING' })
    expect((await openVault({ name: 'anna', ...place })).state()).toBe('unlocked')
  })

  it('keeps vaults of different names apart, and refuses a second one of a name', async () => {
    const place = freshPlace(kind)
    const anna = await createVault({ name: 'Anna/../Ä', ...place })
    const other = await createVault({ name: 'anna/../ä', ...place })
    await anna.put('a', { type: 't', bytes: utf8('1') })
    expect(await other.list()).toEqual([])
    await expect(createVault({ name: 'Anna/../Ä', ...place })).rejects.toMatchObject({
      code: 'ERR_VAULT_EXISTS',
    })
    expect((await anna.get('a'))?.bytes).toEqual(utf8('1'))
  })

  it('refuses names, types and protections that are none', async () => {
    const place = freshPlace(kind)
    const invalid = { code: 'ERR_INPUT_INVALID' }
    await expect(createVault({ name: '', ...place })).rejects.toMatchObject(invalid)
    await expect(createVault({ name: 'a', ...place, protections: [] })).rejects.toMatchObject(invalid)
    const vault = await createVault({ name: 'a', ...place })
    await expect(vault.put('\u0000', { type: 't', bytes: utf8('1') })).rejects.toMatchObject(invalid)
    await expect(vault.put('a', { type: '', bytes: utf8('1') })).rejects.toMatchObject(invalid)
    expect(await vault.list()).toEqual([])
  })
})
