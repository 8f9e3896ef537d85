import { beforeAll, describe, expect, test } from 'vitest'
import type { SyncDevice } from 'keyhaven/sync'
import { cutAfter } from './testing/cuts.ts'
import { lying } from './testing/liars.ts'
import { PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

describe('the devices of an account', () => {
  test('are listed, renamed for everyone, and known to open the backup or not', async () => {
    const { first, second } = await joined()
    const third = await place.newDevice({ phone: first.phone, label: 'Signed in only' })
    const [one, two] = await idsOf(first, 'First', 'Second')
    expect(await (await second.sync()).renameDevice({ id: one, label: 'Old phone' })).toBe(true)
    await (await first.sync()).rotate()
    const devices = await (await first.sync()).listDevices()
    expect(byLabel(devices)).toEqual([
      { label: 'Old phone', current: true, signedIn: true, opensBackup: true },
      { label: 'Second', current: false, signedIn: true, opensBackup: true },
      { label: 'Signed in only', current: false, signedIn: true, opensBackup: false },
    ])
    expect(devices.find(({ id }) => id === two)?.lastUsed).toMatch(/Z$/)
    expect((await (await third.sync()).listDevices())[0]?.opensBackup).toBeUndefined()
    expect(await (await first.sync()).renameDevice({ id: '0'.repeat(32), label: 'x' })).toBe(false)
    for (const label of ['', 'a\tb', 'x'.repeat(65)])
      await expect((await first.sync()).renameDevice({ id: one, label })).rejects.toMatchObject({
        code: 'ERR_INPUT_INVALID',
      })
  })

  test('are what the log says where the server’s table says something else', async () => {
    const { first, second } = await joined()
    const [, two] = await idsOf(first, 'First', 'Second')
    const time = new Date().toISOString()
    const planted = {
      id: 'ab'.repeat(16),
      label: 'Second',
      firstUsedAt: time,
      lastUsedAt: time,
      signedIn: true,
    }
    const liar = (): ReturnType<typeof lying> =>
      lying({ json: { '/v1/devices': () => ({ devices: [planted] }) } })
    const shown = await (await first.sync(liar())).listDevices()
    expect(shown.find(({ id }) => id === planted.id)).toMatchObject({ opensBackup: false })
    expect(shown.find(({ id }) => id === two)).toMatchObject({ label: 'Second', opensBackup: true })
    await (await first.sync(liar())).rotate()
    expect(await countSlots(first)).toBe(3)
    expect(await (await first.sync(liar())).removeDevice({ id: two })).toMatchObject({ rotated: true })
    expect(await countSlots(first)).toBe(2)
    await expect((await second.sync()).backup()).rejects.toMatchObject({ code: 'ERR_DEVICE_REMOVED' })
  })
})

describe('a removed device', () => {
  test('is shut out of server and backup, and comes back with the PIN alone', async () => {
    const { first, second } = await joined()
    const [, two] = await idsOf(first, 'First', 'Second')
    expect(await (await first.sync()).removeDevice({ id: two })).toEqual({
      status: 'removed',
      rotated: true,
      oldRegistrationRemainsOn: [],
    })
    expect(await countSlots(first)).toBe(2)
    expect(byLabel(await (await first.sync()).listDevices()).map(({ label }) => label)).toEqual(['First'])
    await expect((await second.sync()).status()).rejects.toMatchObject({ code: 'ERR_DEVICE_REMOVED' })
    await first.keys.importKeys(makeConversations(1))
    await (await first.sync()).backup()
    const back = await place.newDevice({ phone: first.phone, vault: second.vault, label: 'Second' })
    expect(await (await back.sync()).backup()).toEqual({ status: 'pin-needed' })
    expect(await (await back.sync()).restore({ pin: PIN })).toMatchObject({
      status: 'restored',
      conversationKeys: 2,
      generation: 2,
      deviceAdded: true,
    })
    expect(await countSlots(first)).toBe(3)
  })

  test('cannot be another one for who only signed in, and a device that never was is named as such', async () => {
    const { first } = await joined()
    const [one] = await idsOf(first, 'First', 'Second')
    const thief = await place.newDevice({ phone: first.phone })
    await expect((await thief.sync()).removeDevice({ id: one })).rejects.toMatchObject({
      code: 'ERR_AUTHORITY_REQUIRED',
    })
    expect(await (await first.sync()).backup()).toMatchObject({ status: 'backed-up' })
    expect(await (await first.sync()).removeDevice({ id: '0'.repeat(32) })).toEqual({
      status: 'unknown-device',
    })
  })

  test('that removed itself keeps its keys, is signed out, and joins anew as another device', async () => {
    const { first, second } = await joined()
    const [, two] = await idsOf(first, 'First', 'Second')
    const keys = await second.keys.exportKeys()
    expect(await (await second.sync()).removeDevice({ id: two })).toMatchObject({ rotated: true })
    expect(await second.keys.exportKeys()).toEqual(keys)
    await expect(second.sync()).rejects.toThrow('not signed in')
    expect(await countSlots(first)).toBe(2)
    expect(await (await first.sync()).backup()).toMatchObject({ status: 'backed-up', generation: 2 })
    const back = await place.newDevice({ phone: first.phone, vault: second.vault, label: 'Second' })
    expect(await (await back.sync()).restore({ pin: PIN })).toMatchObject({ status: 'restored' })
    expect((await (await back.sync()).listDevices()).map(({ id }) => id)).not.toContain(two)
  })

  test('is removed by the next attempt when the first was killed on the way', async () => {
    const { first, second } = await joined()
    const [, two] = await idsOf(first, 'First', 'Second')
    const cut = cutAfter(first.vault, 9)
    await expect((await first.sync(cut)).removeDevice({ id: two })).rejects.toThrow()
    expect(cut.killed()).toBe(true)
    expect(await (await first.sync()).removeDevice({ id: two })).toMatchObject({ rotated: true })
    expect(await countSlots(first)).toBe(2)
    await expect((await second.sync()).backup()).rejects.toMatchObject({ code: 'ERR_DEVICE_REMOVED' })
    const fresh = await place.newDevice({ phone: first.phone })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ status: 'restored' })
  })

  test('goes without any proof while there is no backup', async () => {
    const first = await place.newDevice()
    await place.newDevice({ phone: first.phone, label: 'Other' })
    const other = (await (await first.sync()).listDevices()).find(({ current }) => !current)
    expect(await (await first.sync()).removeDevice({ id: other?.id ?? '' })).toMatchObject({ rotated: false })
    expect(await (await first.sync()).listDevices()).toHaveLength(1)
  })
})

type Shown = Pick<SyncDevice, 'label' | 'current' | 'signedIn' | 'opensBackup'>

function byLabel(devices: readonly SyncDevice[]): readonly Shown[] {
  return devices
    .map(({ label, current, signedIn, opensBackup }) => ({ label, current, signedIn, opensBackup }))
    .sort((left, right) => (left.label < right.label ? -1 : 1))
}

async function idsOf(person: TestPerson, ...labels: readonly [string, string]): Promise<[string, string]> {
  const devices = await (await person.sync()).listDevices()
  const find = (label: string): string => devices.find((device) => device.label === label)?.id ?? ''
  return [find(labels[0]), find(labels[1])]
}

async function countSlots(person: TestPerson): Promise<unknown> {
  const [row] = await place.app.database.asSuperuser(
    'SELECT count(*)::int AS slots FROM app.slots WHERE user_id = $1',
    [person.accountId],
  )
  return row?.['slots']
}

/** An account whose backup two devices have joined; with the PIN there are three ways in. */
async function joined(): Promise<{ readonly first: TestPerson; readonly second: TestPerson }> {
  const first = await place.newDevice({ label: 'First' })
  await first.keys.importKeys(makeKeys(1))
  await (await first.sync()).backup({ pin: PIN })
  const second = await place.newDevice({ phone: first.phone, label: 'Second' })
  await (await second.sync()).restore({ pin: PIN })
  return { first, second }
}
