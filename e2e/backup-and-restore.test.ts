import { beforeAll, describe, expect, test } from 'vitest'
import { toHex } from 'keyhaven/crypto'
import type { Progress } from 'keyhaven/sync'
import { lying } from './testing/liars.ts'
import type { Lie } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

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
    await device.keys.importKeys(makeConversations(1))
    expect(await (await device.sync()).backup()).toMatchObject({ uploaded: 1, conversationKeys: 11 })
    expect((await (await device.sync()).status()).bytes - before).toBeLessThan(512)
  })
})

describe('a backup that is there already', () => {
  test('is joined with its PIN by a device that brings keys of its own, and both end with the same', async () => {
    const first = await place.newDevice()
    await first.keys.importKeys(makeKeys(5))
    await (await first.sync()).backup({ pin: PIN })
    const second = await place.newDevice({ phone: first.phone, label: 'Second' })
    const own = {
      identityKeys: { nostr: new Uint8Array(32).fill(9) },
      conversationKeys: makeKeys(3).conversationKeys,
    }
    await second.keys.importKeys(own)
    expect(await (await second.sync()).backup()).toEqual({ status: 'pin-needed' })
    expect(await (await second.sync()).backup({ pin: PIN })).toMatchObject({
      created: false,
      joined: true,
      identityKeys: 3,
      conversationKeys: 8,
    })
    expect(await (await first.sync()).status()).toMatchObject({ upToDate: false, conversationKeys: 5 })
    expect(await (await first.sync()).backup()).toMatchObject({
      joined: false,
      uploaded: 0,
      conversationKeys: 8,
    })
    expect(await first.keys.exportKeys()).toEqual(await second.keys.exportKeys())
  })

  test('answers wrong-pin to another PIN, and nothing changes on the server or on the device', async () => {
    const first = await place.newDevice()
    await first.keys.importKeys(makeKeys(2))
    await (await first.sync()).backup({ pin: PIN })
    const second = await place.newDevice({ phone: first.phone })
    await second.keys.importKeys(makeKeys(1))
    const before = await second.keys.exportKeys()
    const log = await (await first.sync()).status()
    expect(await (await second.sync()).backup({ pin: OTHER_PIN })).toEqual({
      status: 'wrong-pin',
      guessesRemaining: 9,
    })
    expect(await (await first.sync()).status()).toEqual(log)
    expect(await second.keys.exportKeys()).toEqual(before)
    expect(await (await second.sync()).backup()).toEqual({ status: 'pin-needed' })
  })

  test('checks a PIN that is given on a device that has joined, so that nobody trusts a PIN that opens nothing', async () => {
    const device = await place.newDevice()
    await (await device.sync()).backup({ pin: PIN })
    expect(await (await device.sync()).backup({ pin: OTHER_PIN })).toMatchObject({ status: 'wrong-pin' })
    expect(await (await device.sync()).backup({ pin: PIN })).toMatchObject({
      status: 'backed-up',
      created: false,
    })
  })

  test('locks after ten wrong PINs, and a device that has joined still opens and replaces it', async () => {
    const first = await place.newDevice()
    await first.keys.importKeys(makeKeys(4))
    await (await first.sync()).backup({ pin: PIN })
    const second = await place.newDevice({ phone: first.phone })
    const waits = [0, 0, 1, 5, 15, 60, 240, 720, 1440, 0]
    for (const [wrong, minutes] of waits.entries()) {
      expect(await (await second.sync()).restore({ pin: OTHER_PIN })).toEqual({
        status: 'wrong-pin',
        guessesRemaining: 9 - wrong,
      })
      if (minutes === 0) continue
      const early = await (await second.sync()).restore({ pin: PIN })
      expect(early).toMatchObject({ status: 'waiting' })
      const until = early.status === 'waiting' ? Date.parse(early.until) : 0
      expect(until).toBeLessThanOrEqual(Date.now() + minutes * 60_000)
      place.passTime(minutes * 60_000)
    }
    expect(await (await second.sync()).restore({ pin: PIN })).toEqual({ status: 'locked' })
    expect(await (await first.sync()).backup()).toMatchObject({ status: 'backed-up' })
    expect(await (await first.sync()).replaceBackup({ pin: OTHER_PIN })).toMatchObject({ generation: 2 })
    expect(await (await second.sync()).restore({ pin: OTHER_PIN })).toMatchObject({ conversationKeys: 4 })
    expect(await second.keys.exportKeys()).toEqual(await first.keys.exportKeys())
  })

  test('keeps both of two identity keys under one name and names the conflict; each device goes on using its own', async () => {
    const [first, second] = await twoDevices()
    await first.keys.importKeys({ identityKeys: { main: new Uint8Array(32).fill(1) }, conversationKeys: {} })
    await second.keys.importKeys({ identityKeys: { main: new Uint8Array(32).fill(2) }, conversationKeys: {} })
    await (await first.sync()).backup({ pin: PIN })
    expect(await (await second.sync()).backup({ pin: PIN })).toMatchObject({ identityConflicts: ['main'] })
    expect(await (await first.sync()).backup()).toMatchObject({
      identityConflicts: ['main'],
      identityKeys: 1,
    })
    expect((await first.keys.exportKeys()).identityKeys['main']?.[0]).toBe(1)
    expect((await second.keys.exportKeys()).identityKeys['main']?.[0]).toBe(2)
  })

  test('carries a removed key and its return to the other device', async () => {
    const [first, second] = await twoDevices()
    const keys = makeKeys(2)
    const [name = ''] = Object.keys(keys.conversationKeys)
    await first.keys.importKeys(keys)
    await (await first.sync()).backup({ pin: PIN })
    await (await second.sync()).restore({ pin: PIN })
    expect(await first.keys.removeKey({ kind: 'conversation', name })).toBe(true)
    await (await first.sync()).backup()
    await (await second.sync()).backup()
    expect(Object.keys((await second.keys.exportKeys()).conversationKeys)).not.toContain(name)
    await second.keys.importKeys(keys)
    await (await second.sync()).backup()
    await (await first.sync()).backup()
    expect(await first.keys.exportKeys()).toEqual(keys)
  })

  test('keeps what two devices wrote at the same time', async () => {
    const [first, second] = await twoDevices()
    await (await first.sync()).backup({ pin: PIN })
    await (await second.sync()).restore({ pin: PIN })
    await (await first.sync()).backup()
    await first.keys.importKeys({ identityKeys: {}, conversationKeys: { a: new Uint8Array([1]) } })
    await second.keys.importKeys({
      identityKeys: {},
      conversationKeys: { a: new Uint8Array([2]), b: new Uint8Array([3]) },
    })
    await Promise.all([(await first.sync()).backup(), (await second.sync()).backup()])
    await (await first.sync()).backup()
    await (await second.sync()).backup()
    expect((await first.keys.listKeys()).length).toBe(3)
    expect(await first.keys.listKeys()).toEqual(await second.keys.listKeys())
  })
})

describe('replacing a backup', () => {
  test('needs a device that has joined', async () => {
    const [first, second] = await twoDevices()
    await (await first.sync()).backup({ pin: PIN })
    await expect((await second.sync()).replaceBackup({ pin: OTHER_PIN })).rejects.toMatchObject({
      code: 'ERR_AUTHORITY_REQUIRED',
    })
  })

  test('kills the old PIN, deletes the old registration, and lets joined devices follow without a PIN', async () => {
    const [first, second] = await twoDevices()
    await first.keys.importKeys(makeKeys(3))
    await (await first.sync()).backup({ pin: PIN })
    await (await second.sync()).restore({ pin: PIN })
    await second.keys.importKeys({ identityKeys: {}, conversationKeys: { later: new Uint8Array([7]) } })
    expect(await (await first.sync()).replaceBackup({ pin: OTHER_PIN })).toMatchObject({
      generation: 2,
      created: false,
      oldRegistrationRemainsOn: [],
    })
    expect(await (await second.sync()).backup()).toMatchObject({ generation: 2, conversationKeys: 4 })
    const third = await place.newDevice({ phone: first.phone })
    expect(await (await third.sync()).restore({ pin: PIN })).toMatchObject({ status: 'wrong-pin' })
    expect(await (await third.sync()).restore({ pin: OTHER_PIN })).toMatchObject({ conversationKeys: 4 })
    expect(await third.keys.exportKeys()).toEqual(await second.keys.exportKeys())
    expect(await records('SELECT count(*)::int AS count FROM app.retired_registrations')).toEqual([
      { count: 0 },
    ])
  })
})

async function twoDevices(): Promise<readonly [TestPerson, TestPerson]> {
  const first = await place.newDevice()
  return [first, await place.newDevice({ phone: first.phone })]
}

async function records(query: string): Promise<readonly Record<string, unknown>[]> {
  return place.app.database.asSuperuser(query)
}

describe('a first backup that is given up once it is registered', () => {
  const giveUp = async (device: TestPerson, registered: () => void = () => undefined): Promise<void> => {
    const stop = new AbortController()
    const onProgress = ({ phase, done }: Progress): void => {
      if (phase !== 'register' || done !== 1) return
      registered()
      stop.abort()
    }
    const given = (await device.sync()).backup({ pin: PIN, signal: stop.signal, onProgress })
    await expect(given).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  }

  test("leaves nothing at the realms that another device's first backup could not delete", async () => {
    const first = await place.newDevice()
    await giveUp(first)
    const second = await place.newDevice({ phone: first.phone })
    const made = await (await second.sync()).backup({ pin: OTHER_PIN })
    expect(made).toMatchObject({ status: 'backed-up', created: true, oldRegistrationRemainsOn: [] })
  })

  test('while its realm is down is deleted by its own key once the device joins what another made', async () => {
    const first = await place.newDevice()
    const [realm = ''] = place.configuration.realms.map(({ id }) => toHex(id))
    await giveUp(first, () => place.realmIsDown.add(realm))
    place.realmIsDown.clear()
    const second = await place.newDevice({ phone: first.phone })
    const made = await (await second.sync()).backup({ pin: OTHER_PIN })
    expect(made).toMatchObject({ status: 'backed-up', created: true, oldRegistrationRemainsOn: [realm] })
    const joined = await (await first.sync()).backup({ pin: OTHER_PIN })
    expect(joined).toMatchObject({ status: 'backed-up', joined: true, oldRegistrationRemainsOn: [] })
  })
})

describe('a backup to which a newer version has written', () => {
  /** The newest segment is of a format that this version does not know. */
  const newer: Lie = {
    frames: (frames) =>
      frames.map((frame, at) =>
        at === frames.length - 1 ? { ...frame, segment: Uint8Array.from([9, ...frame.segment]) } : frame,
      ),
  }

  test('is only read by this one: nothing is written, and what is understood can be had', async () => {
    const first = await place.newDevice()
    await first.keys.importKeys(makeKeys(2))
    await (await first.sync()).backup({ pin: PIN })
    const second = await place.newDevice({ phone: first.phone })
    await (await second.sync()).restore({ pin: PIN })
    await second.keys.importKeys(makeConversations(1))
    await (await second.sync()).backup()
    await first.keys.importKeys(makeConversations(1))
    const before = await (await second.sync()).status()
    for (const call of [
      async () => (await first.sync(lying(newer))).backup(),
      async () => (await first.sync(lying(newer))).changePin({ pin: OTHER_PIN }),
      async () => (await first.sync(lying(newer))).rotate(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_CLIENT_TOO_OLD' })
    }
    const fresh = await place.newDevice({ phone: first.phone })
    const whole = (await fresh.sync(lying(newer))).restore({ pin: PIN })
    await expect(whole).rejects.toMatchObject({ code: 'ERR_CLIENT_TOO_OLD' })
    const part = await (await fresh.sync(lying(newer))).restore({ pin: PIN, allowDamaged: true })
    expect(part).toMatchObject({ status: 'restored', conversationKeys: 2, deviceAdded: false })
    const { segments, generation } = await (await second.sync()).status()
    expect({ segments, generation }).toEqual({ segments: before.segments, generation: before.generation })
    // Updated, it goes on as if nothing had been.
    expect(await (await first.sync()).backup()).toMatchObject({ status: 'backed-up', conversationKeys: 4 })
  })
})
