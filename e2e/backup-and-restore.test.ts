import { beforeAll, describe, expect, test } from 'vitest'
import { OTHER_PIN, PIN, makeKeys, openPlace } from './testing/people.ts'
import type { Place } from './testing/people.ts'

let place: Place

beforeAll(async () => {
  place = await openPlace()
})

describe('back up and restore through the real server and its realm', () => {
  test('a first backup without a PIN asks for one and changes nothing', async () => {
    const device = await place.newDevice()
    const sync = await device.sync()
    expect(await sync.backup()).toEqual({ status: 'pin-needed' })
    expect(await sync.status()).toMatchObject({
      hasBackup: false,
      generation: 0,
      segments: 0,
      upToDate: false,
    })
  })

  test('keys that were backed up arrive on a second device byte for byte', async () => {
    const first = await place.newDevice()
    const keys = makeKeys(200)
    await first.keys.importKeys(keys)
    const backedUp = await (await first.sync()).backup({ pin: PIN })
    expect(backedUp).toMatchObject({
      status: 'backed-up',
      created: true,
      joined: false,
      identityKeys: 2,
      conversationKeys: 200,
      uploaded: 3,
      generation: 1,
      oldRegistrationRemainsOn: [],
    })
    const second = await place.newDevice({ phone: first.phone })
    const sync = await second.sync()
    expect(await sync.restore({ pin: OTHER_PIN })).toEqual({ status: 'wrong-pin', guessesRemaining: 9 })
    expect(await second.keys.listKeys()).toEqual([])
    expect(await sync.restore({ pin: PIN })).toMatchObject({
      status: 'restored',
      identityKeys: 2,
      conversationKeys: 200,
      deviceAdded: true,
    })
    expect(await second.keys.exportKeys()).toEqual(keys)
    expect(await sync.status()).toMatchObject({
      hasBackup: true,
      joined: true,
      upToDate: true,
      conversationKeys: 200,
    })
  })

  test('after the first backup no PIN is needed, only what changed is sent, and nothing when nothing changed', async () => {
    const device = await place.newDevice()
    await device.keys.importKeys(makeKeys(10))
    await (await device.sync()).backup({ pin: PIN })
    expect(await (await device.sync()).backup()).toMatchObject({ status: 'backed-up', uploaded: 0 })
    const before = (await (await device.sync()).status()).bytes
    await device.keys.importKeys({ identityKeys: {}, conversationKeys: makeKeys(1).conversationKeys })
    expect(await (await device.sync()).backup()).toMatchObject({ uploaded: 1, conversationKeys: 11 })
    expect((await (await device.sync()).status()).bytes - before).toBeLessThan(512)
  })
})
