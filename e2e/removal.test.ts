import { beforeAll, describe, expect, test } from 'vitest'
import { isKeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import type { Fetch } from 'keyhaven/sync'
import { attempt, cutAfter, forEachCut } from './testing/cuts.ts'
import { addressOf } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

const WEEK_MS = 7 * 86_400_000
let place: Place
let three: Place

beforeAll(async () => {
  place = await openPlace()
  three = await openPlace({ realms: 3 })
})

/** A device with a backup, and another one of the same person that has joined it. */
async function joined(where: Place): Promise<{ readonly first: TestPerson; readonly second: TestPerson }> {
  const first = await where.newDevice()
  await first.keys.importKeys(makeKeys(2))
  expect(await (await first.sync()).backup({ pin: PIN })).toMatchObject({ status: 'backed-up' })
  const second = await where.newDevice({ phone: first.phone })
  expect(await (await second.sync()).restore({ pin: PIN })).toMatchObject({ status: 'restored' })
  return { first, second }
}

/** Registrations at the place's first realm beyond those in use. */
async function leftOver(where: Place): Promise<unknown> {
  const [row] = await where.app.database.asSuperuser(
    `SELECT (SELECT count(*)::int FROM realm.records) - (SELECT count(*)::int FROM app.pointers) AS extra`,
  )
  return row?.['extra']
}

describe('a deleted backup', () => {
  test('is gone from server and realms at once; the other device forgets it, keeps its keys and makes a new one', async () => {
    const { first, second } = await joined(place)
    const keys = await second.keys.exportKeys()
    expect(await (await first.sync()).deleteBackup()).toEqual({ status: 'deleted', remainsOn: [] })
    expect(await leftOver(place)).toBe(0)
    expect(await (await second.sync()).status()).toMatchObject({ hasBackup: false, joined: false })
    expect(await (await second.sync()).restore({ pin: PIN })).toEqual({ status: 'no-backup' })
    expect(await second.keys.exportKeys()).toEqual(keys)
    expect(await (await second.sync()).backup({ pin: OTHER_PIN })).toMatchObject({
      created: true,
      generation: 2,
    })
    expect(await (await first.sync()).restore({ pin: PIN })).toMatchObject({ status: 'wrong-pin' })
    expect(await (await first.sync()).restore({ pin: OTHER_PIN })).toMatchObject({ conversationKeys: 2 })
    expect(await (await first.sync()).deleteBackup()).toMatchObject({ status: 'deleted' })
    expect(await (await first.sync()).deleteBackup()).toEqual({ status: 'deleted', remainsOn: [] })
  })

  test('says which realm could not be reached, and goes from there with the next call', async () => {
    const { first } = await joined(three)
    const [realm] = three.configuration.realms.slice(-1)
    const id = toHex(realm?.id ?? new Uint8Array())
    three.realmIsDown.add(id)
    expect(await (await first.sync()).deleteBackup()).toEqual({ status: 'deleted', remainsOn: [id] })
    three.realmIsDown.delete(id)
    expect(await (await first.sync()).deleteBackup()).toEqual({ status: 'deleted', remainsOn: [] })
  })

  test('that is killed after any step is repeated, and nothing is left over', async () => {
    await forEachCut(async (steps) => {
      const device = await place.newDevice()
      await device.keys.importKeys(makeKeys(1))
      await (await device.sync()).backup({ pin: PIN })
      const cut = cutAfter(device.vault, steps)
      const done = await attempt(async () => (await device.sync(cut)).deleteBackup())
      expect(await (await device.sync()).deleteBackup()).toEqual({ status: 'deleted', remainsOn: [] })
      expect(Object.keys((await device.keys.exportKeys()).conversationKeys)).toHaveLength(1)
      return done === undefined
    })
    expect(await leftOver(place)).toBe(0)
  })

  test('needs no PIN after a lock either, and the locked registration goes with it', async () => {
    const { first } = await lockedOut()
    expect(await (await first.sync()).deleteBackup()).toEqual({ status: 'deleted', remainsOn: [] })
    expect(await leftOver(place)).toBe(0)
  })
})

describe('a forgotten PIN', () => {
  test('is replaced by a device that still has the keys, after a lock too, and the destroyed registration goes', async () => {
    const { first, second } = await lockedOut()
    expect(await (await first.sync()).changePin({ pin: OTHER_PIN })).toMatchObject({
      status: 'pin-changed',
      oldRegistrationRemainsOn: [],
    })
    expect(await leftOver(place)).toBe(0)
    expect(await (await second.sync()).restore({ pin: OTHER_PIN })).toMatchObject({ status: 'restored' })
  })

  test('without a device is a fresh start after a week; of the old backup nothing stays, and its devices are told', async () => {
    const { first } = await joined(place)
    const stranger = await place.newDevice({ phone: first.phone })
    await stranger.keys.importKeys(makeConversations(1))
    const asked = await (await stranger.sync()).startFresh()
    expect(asked).toMatchObject({ status: 'waiting', notBegunOn: [] })
    expect(await (await first.sync()).status()).toMatchObject({
      removal: { kind: 'fresh-start', due: false },
    })
    place.passTime(WEEK_MS - 60_000)
    expect(await (await stranger.sync()).startFresh({ pin: OTHER_PIN })).toEqual(asked)
    place.passTime(60_000)
    expect(await (await stranger.sync()).startFresh()).toEqual({ status: 'pin-needed' })
    const easy = (await stranger.sync()).startFresh({ pin: '123456' })
    await expect(easy).rejects.toMatchObject({ code: 'ERR_PIN_REFUSED' })
    expect(await (await first.sync()).status()).toMatchObject({ hasBackup: true })
    expect(await (await stranger.sync()).startFresh({ pin: OTHER_PIN })).toMatchObject({
      status: 'backed-up',
      created: true,
      conversationKeys: 1,
      oldRegistrationRemainsOn: [],
    })
    expect(await leftOver(place)).toBe(0)
    await expect((await first.sync()).backup()).rejects.toMatchObject({ code: 'ERR_BACKUP_REMOVED' })
    expect(await (await first.sync()).restore({ pin: OTHER_PIN }).catch(codeOf)).toBe('ERR_BACKUP_REMOVED')
  })

  test.each([
    [
      'a restore with the PIN',
      async (first: TestPerson): Promise<unknown> => {
        const fresh = await place.newDevice({ phone: first.phone })
        return (await fresh.sync()).restore({ pin: PIN })
      },
    ],
    [
      'a device that has joined',
      async (first: TestPerson): Promise<unknown> => (await first.sync()).keepBackup(),
    ],
  ])('and a thief of the number get nowhere: %s ends the wait', async (_, end) => {
    const { first } = await joined(place)
    const thief = await place.newDevice({ phone: first.phone })
    expect(await (await thief.sync()).deleteBackup()).toMatchObject({ status: 'waiting' })
    await expect((await thief.sync()).keepBackup()).rejects.toMatchObject({ code: 'ERR_AUTHORITY_REQUIRED' })
    expect(await end(first)).toMatchObject({ status: expect.stringMatching(/kept|restored/) as unknown })
    place.passTime(WEEK_MS)
    expect(await (await thief.sync()).deleteBackup()).toMatchObject({ status: 'waiting' })
    const fresh = await place.newDevice({ phone: first.phone })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({
      status: 'restored',
      conversationKeys: 2,
    })
  })
})

describe('everything about a person', () => {
  test('is one object for JSON, with keys only when they are asked for', async () => {
    const { first } = await joined(place)
    const sync = await first.sync()
    const all = await sync.exportEverything()
    const text = JSON.stringify(all)
    expect(all).toMatchObject({
      accountId: first.accountId,
      phone: first.phone,
      account: { devices: [{}, {}], pointer: { pointer: { generation: 1 } } },
      device: { joined: true },
    })
    expect(all.segments.length).toBeGreaterThan(1)
    expect(all.device.ways.map(({ type }) => type)).toContain('pin')
    expect(all.account.accessLog.length).toBeGreaterThan(5)
    const { conversationKeys } = await first.keys.exportKeys()
    const [key = new Uint8Array()] = Object.values(conversationKeys)
    const secret = Buffer.from(key).toString('base64')
    expect(text).not.toContain(secret)
    expect(JSON.stringify(await sync.exportEverything({ reveal: true }))).toContain(secret)
  })

  test('goes with the account, but for the access log; the number is free, the keys on the device stay', async () => {
    const { first } = await joined(place)
    expect(await (await first.sync()).deleteAccount()).toEqual({ status: 'account-deleted', remainsOn: [] })
    await expect((await first.sync()).status()).rejects.toMatchObject({ code: 'ERR_SIGNED_OUT' })
    expect(Object.keys((await first.keys.exportKeys()).conversationKeys)).toHaveLength(2)
    const next = await place.newDevice({ phone: first.phone })
    expect(next.accountId).not.toBe(first.accountId)
    expect(await (await next.sync()).restore({ pin: PIN })).toEqual({ status: 'no-backup' })
  })
})

/** A person whose guesses somebody has used up. */
async function lockedOut(): Promise<{ readonly first: TestPerson; readonly second: TestPerson }> {
  const people = await joined(place)
  await place.app.database.asSuperuser(
    `UPDATE realm.records SET guess_count = num_guesses, last_attempt_until = now() - interval '1 day'
      WHERE state = 'registered'`,
  )
  expect(await (await people.second.sync()).restore({ pin: PIN })).toEqual({ status: 'locked' })
  return people
}

function codeOf(fault: unknown): string {
  return isKeyhavenError(fault) ? fault.code : String(fault)
}

test('a device whose clock is minutes off is told so, and goes on once its clock is right', async () => {
  const { first } = await joined(place)
  const realms = place.configuration.realms.map(({ id }) => toHex(id))
  const late = { fetch: withLateClock(place.network) }
  const left = { oldRegistrationRemainsOn: realms, clockIsWrong: true }
  const changed = await (await first.sync(late)).changePin({ pin: OTHER_PIN })
  expect(changed).toMatchObject({ status: 'pin-changed', ...left })
  expect(await (await first.sync(late)).sync()).toMatchObject({ status: 'synced', ...left })
  const synced = await (await first.sync()).sync()
  expect(synced).toMatchObject({ status: 'synced', oldRegistrationRemainsOn: [] })
  expect(synced).not.toHaveProperty('clockIsWrong')
  const check = async (pin: string, through = {}): Promise<unknown> =>
    (await first.sync(through)).verifyBackup({ pin })
  for (let wrong = 0; wrong < 3; wrong += 1) expect(await check(PIN)).toMatchObject({ status: 'wrong-pin' })
  expect(await check(OTHER_PIN, late)).toMatchObject({ status: 'waiting', clockIsWrong: true })
  expect(await check(OTHER_PIN)).toMatchObject({ status: 'whole' })
  const stranger = await place.newDevice({ phone: first.phone })
  expect(await (await stranger.sync()).deleteBackup()).toMatchObject({ status: 'waiting' })
  await expect((await first.sync(late)).keepBackup()).rejects.toMatchObject({ code: 'ERR_CLOCK_WRONG' })
  expect(await (await first.sync()).keepBackup()).toEqual({ status: 'kept' })
  const deleted = { status: 'deleted', remainsOn: realms, clockIsWrong: true }
  expect(await (await first.sync(late)).deleteBackup()).toEqual(deleted)
  expect(await (await first.sync()).deleteBackup()).toEqual({ status: 'deleted', remainsOn: [] })
})

/** A network on which this device's signatures for realms are 400 s old. */
function withLateClock(network: Fetch): Fetch {
  return (input, init) => {
    const headers = new Headers(init?.headers)
    const [, seconds, signature] = /^(\d+)(\D.*)$/.exec(headers.get('keyhaven-proof') ?? '') ?? []
    if (addressOf(input).endsWith('/realm/req') && signature !== undefined) {
      headers.set('keyhaven-proof', String(Number(seconds) - 400) + signature)
    }
    return network(input, { ...init, headers })
  }
}
