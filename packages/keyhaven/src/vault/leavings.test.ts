import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { utf8 } from '../crypto/bytes.ts'
import { fileDeviceProtection, fileStorage } from './file.ts'
import { createVault, openVault } from './index.ts'
import { fixedProtection } from './testing/fixed-protection.ts'
import type { Vault } from './types.ts'
import { destroyVault } from './vault.ts'
import './testing/no-network.ts'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'keyhaven leavings '))
})
afterEach(() => rm(home, { recursive: true }))

const place = () => ({ name: 'v', storage: fileStorage({ directory: join(home, 'vaults') }) })
const device = () => fileDeviceProtection({ keyFile: join(home, 'device.key') })
const record = { type: 't', bytes: utf8('x') }

async function notes(): Promise<readonly string[]> {
  return (await readdir(join(home, 'vaults', 'v'))).filter((file) => file.startsWith('k'))
}

async function keysBytes(): Promise<number> {
  return (await stat(join(home, 'device.key')).catch(() => ({ size: 0 }))).size
}

/** A vault whose device protection a session removed that had not the key's keeper at hand. */
async function removedElsewhere(): Promise<Vault> {
  await createVault({ ...place(), protections: [device(), fixedProtection('p')] })
  const vault = await openVault({ ...place(), protections: [] })
  await vault.unlock(fixedProtection('p'))
  const [first] = await vault.protections()
  await vault.removeProtection(first?.id ?? '')
  return vault
}

describe('the key of a device protection that was removed without its keeper', () => {
  it('is noted, and goes with the first write of a session that has the keeper', async () => {
    const vault = await removedElsewhere()
    expect(await notes()).toHaveLength(1)
    await vault.put('a', record)
    expect(await notes()).toHaveLength(1)
    expect(await keysBytes()).toBeGreaterThan(0)
    const later = await openVault({ ...place(), protections: [device()] })
    await later.unlock(fixedProtection('p'))
    await later.put('a', record)
    expect(await notes()).toEqual([])
    expect(await keysBytes()).toBe(0)
  })

  it('is remembered beyond the vault, and goes when it is destroyed with the keeper at hand', async () => {
    const vault = await removedElsewhere()
    await vault.destroy()
    expect(await notes()).toHaveLength(1)
    await expect(openVault(place())).rejects.toMatchObject({ code: 'ERR_VAULT_MISSING' })
    await destroyVault({ ...place(), protections: [device()] })
    expect(await readdir(join(home, 'vaults'))).toEqual([])
    expect(await keysBytes()).toBe(0)
  })

  it('is not that of another protection of the same file', async () => {
    await removedElsewhere()
    const storage = fileStorage({ directory: join(home, 'others') })
    await createVault({ name: 'other', storage, protections: [device()] })
    const vault = await openVault({ ...place(), protections: [device()] })
    await vault.unlock(fixedProtection('p'))
    await vault.put('a', record)
    expect(await notes()).toEqual([])
    expect((await openVault({ name: 'other', storage, protections: [device()] })).state()).toBe('unlocked')
  })
})
