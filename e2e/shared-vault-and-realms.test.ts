import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isKeyhavenError } from 'keyhaven'
import { createVault, openVault } from 'keyhaven/vault'
import type { Vault } from 'keyhaven/vault'
import { fileDeviceProtection, fileStorage } from 'keyhaven/vault/file'
import { openKeyStore } from 'keyhaven/sync'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place } from './testing/people.ts'

describe('two programs that share the vault of one device', () => {
  let place: Place
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-shared-'))

  beforeAll(async () => {
    place = await openPlace()
  })

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  test('lose no key and fork nothing, whatever they do at the same time', async () => {
    const storage = { name: 'device', storage: fileStorage({ directory: join(folder, 'vault') }) }
    const protections = [fileDeviceProtection({ keyFile: join(folder, 'device.key') })]
    const device = await place.newDevice({ vault: await createVault({ ...storage, protections }) })
    await (await device.sync()).backup({ pin: PIN })
    const other = await place.newDevice({ phone: device.phone })
    await (await other.sync()).restore({ pin: PIN })
    const vaults: readonly Vault[] = [device.vault, await openVault({ ...storage, protections })]
    for (let round = 0; round < 6; round += 1) {
      await other.keys.importKeys(makeConversations(1))
      await Promise.all([
        ...vaults.map((vault) => addAndBackUp(device, vault)),
        (await other.sync()).backup(),
      ])
    }
    for (const vault of vaults)
      expect(await (await device.sync({ vault })).backup()).toMatchObject({ status: 'backed-up' })
    expect(await (await device.sync()).status()).toMatchObject({ upToDate: true, conversationKeys: 18 })
    const fresh = await place.newDevice({ phone: device.phone })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ conversationKeys: 18 })
    expect(await fresh.keys.exportKeys()).toEqual(await device.keys.exportKeys())
    await (await device.sync()).replaceBackup({ pin: OTHER_PIN })
    expect(await (await other.sync()).backup()).toMatchObject({ status: 'backed-up', generation: 2 })
  })
})

describe('a backup that relies on two of three realms', () => {
  test('survives one that is down, and says on which one an old registration remains until it is back', async () => {
    const place = await openPlace({ realms: 3 })
    const device = await place.newDevice()
    await device.keys.importKeys(makeKeys(2))
    const sync = await device.sync()
    expect(await sync.backup({ pin: PIN })).toMatchObject({ created: true, oldRegistrationRemainsOn: [] })
    const [, , third = ''] = (await sync.status()).realms
    place.realmIsDown.add(third)
    expect(await sync.replaceBackup({ pin: OTHER_PIN })).toMatchObject({
      generation: 2,
      oldRegistrationRemainsOn: [third],
    })
    const fresh = await place.newDevice({ phone: device.phone })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ status: 'wrong-pin' })
    expect(await (await fresh.sync()).restore({ pin: OTHER_PIN })).toMatchObject({ status: 'restored' })
    expect(await sync.backup()).toMatchObject({ oldRegistrationRemainsOn: [third] })
    place.realmIsDown.delete(third)
    expect(await sync.backup()).toMatchObject({ oldRegistrationRemainsOn: [] })
    expect(await sync.backup()).toMatchObject({ oldRegistrationRemainsOn: [] })
  })

  test('offers no first backup and changes nothing while two are down', async () => {
    const place = await openPlace({ realms: 3 })
    const device = await place.newDevice()
    const sync = await device.sync()
    const [first = '', second = ''] = (await sync.status()).realms
    place.realmIsDown.add(first).add(second)
    await expect(sync.backup({ pin: PIN })).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
    expect(await sync.status()).toMatchObject({ hasBackup: false, segments: 0 })
    place.realmIsDown.clear()
    await sync.backup({ pin: PIN })
    place.realmIsDown.add(first).add(second)
    const fresh = await place.newDevice({ phone: device.phone })
    for (const attempt of [
      (await fresh.sync()).restore({ pin: PIN }),
      (await fresh.sync()).backup({ pin: PIN }),
    ]) {
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
    }
    expect(await sync.backup()).toMatchObject({ status: 'backed-up', uploaded: 0 })
  })
})

/** Another program may be quicker: then this one says so, and what it added stays to be sent. */
async function addAndBackUp(device: Awaited<ReturnType<Place['newDevice']>>, vault: Vault): Promise<void> {
  await openKeyStore(vault).importKeys(makeConversations(1))
  try {
    await (await device.sync({ vault })).backup()
  } catch (fault) {
    expect(isKeyhavenError(fault, 'ERR_POINTER_CONFLICT')).toBe(true)
  }
}
