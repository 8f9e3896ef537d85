import { afterEach, describe, expect, it } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../../crypto/bytes.ts'
import { fileDeviceProtection, fileStorage } from '../file.ts'
import { createVault, describeVault, destroyVault, memoryStorage, openVault } from '../index.ts'
import type { Protection, Vault, VaultStorage } from '../index.ts'
import { fixedProtection } from '../testing/fixed-protection.ts'
import { createKeychainProtection } from './device-keychain.ts'
import type { OpenKeychainEntry } from './device-keychain.ts'
import '../testing/no-network.ts'

/** What a keychain does, with the faults that a real one has; system/keychain.test.ts has the real one. */
function keychain(): { entries: Map<string, number[]>; fault: string; open: OpenKeychainEntry } {
  const entries = new Map<string, number[]>()
  const chain = {
    entries,
    fault: '',
    open: (service: string, account: string) => {
      const name = `${service}/${account}`
      const unless = <T>(fault: string, value: () => T): Promise<T> =>
        chain.fault === fault ? Promise.reject(new Error(`CANARY ${name}`)) : Promise.resolve(value())
      return unless('unreachable', () => ({
        setSecret: (secret: Uint8Array) =>
          unless('locked', () => {
            if (chain.fault !== 'forgets') entries.set(name, [...secret])
          }),
        getSecret: () => unless('locked', () => entries.get(name)?.slice() ?? null),
        deleteCredential: () => unless('locked', () => entries.delete(name)),
      }))
    },
  }
  return chain
}

const value = { type: 't', bytes: utf8('a secret') }
const failed = (fault: string): object => ({ code: 'ERR_KEYCHAIN_FAILED', details: { fault } })
const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function keychainVault(): Promise<{
  chain: ReturnType<typeof keychain>
  storage: VaultStorage
  protection: Protection
  vault: Vault
}> {
  const chain = keychain()
  const storage = memoryStorage()
  const protection = createKeychainProtection({ label: 'laptop' }, chain.open)
  const vault = await createVault({ name: 'v', storage, protections: [protection] })
  await vault.put('r', value)
  return { chain, storage, protection, vault }
}

describe('a device key in a keychain', () => {
  it('opens without a prompt, says where it is, and is gone with its protection', async () => {
    const { chain, storage, protection, vault } = await keychainVault()
    const again = await openVault({ name: 'v', storage, protections: [protection] })
    expect(await again.get('r')).toEqual(value)
    expect(await describeVault({ name: 'v', storage })).toMatchObject({
      protections: [{ label: 'laptop', factors: [{ type: 'device', provider: 'keychain' }] }],
    })
    expect([...chain.entries.keys()]).toEqual([expect.stringMatching(/^keyhaven\/[0-9a-f]{32}$/)])
    await vault.addProtection(fixedProtection('password'))
    await vault.forgetDevice()
    expect(chain.entries.size).toBe(0)
  })

  it('that cannot be had is an error, never another way in, and says nothing of the keychain’s own words', async () => {
    const { chain, storage, protection, vault } = await keychainVault()
    await vault.addProtection(fixedProtection('password'))
    const open = (): Promise<Vault> => openVault({ name: 'v', storage, protections: [protection] })
    for (const fault of ['unreachable', 'locked']) {
      chain.fault = fault
      await expect(open()).rejects.toMatchObject(failed('failed'))
      await expect(open()).rejects.toThrow(/^The system's keychain failed\.$/)
    }
    chain.fault = ''
    chain.entries.clear()
    await expect(open()).rejects.toMatchObject(failed('no-entry'))
    // Opening by something else is the app's explicit choice.
    const locked = await openVault({ name: 'v', storage })
    expect(await locked.unlock(fixedProtection('password'))).toEqual({ status: 'unlocked' })
  })

  it('is no way into a vault unless the keychain has proved to keep it', async () => {
    for (const fault of ['unreachable', 'locked', 'forgets']) {
      const chain = keychain()
      chain.fault = fault
      const storage = memoryStorage()
      const protections = [createKeychainProtection({}, chain.open)]
      await expect(createVault({ name: 'v', storage, protections })).rejects.toMatchObject(failed('failed'))
      expect(await describeVault({ name: 'v', storage })).toEqual({ status: 'missing' })
    }
  })

  it('is not the key of a file, nor the other way round', async () => {
    const home = await mkdtemp(join(tmpdir(), 'keyhaven keychain '))
    folders.push(home)
    const chain = keychain()
    const storage = fileStorage({ directory: join(home, 'vault') })
    const file = fileDeviceProtection({ keyFile: join(home, 'device.key') })
    const vault = await createVault({ name: 'v', storage, protections: [file] })
    const other = createKeychainProtection({}, chain.open)
    expect(await vault.unlock(other)).toEqual({ status: 'no-such-protection' })
    const id = await vault.addProtection(other)
    expect(await vault.unlock(other)).toEqual({ status: 'unlocked' })
    await vault.changeProtection(id, fixedProtection('password'))
    expect((await openVault({ name: 'v', storage, protections: [other] })).state()).toBe('locked')
  })

  it('that refuses to go does not keep the vault: destroyed, with an error that says so', async () => {
    const { chain, storage, protection } = await keychainVault()
    chain.fault = 'locked'
    const place = { name: 'v', storage, protections: [protection] }
    await expect(destroyVault(place)).rejects.toMatchObject(failed('failed'))
    expect(await describeVault(place)).toEqual({ status: 'missing' })
    await expect(destroyVault(place)).rejects.toMatchObject(failed('failed'))
    chain.fault = ''
    await destroyVault(place)
    expect(chain.entries.size).toBe(0)
  })
})
