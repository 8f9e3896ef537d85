import { beforeAll, describe, expect, test } from 'vitest'
import { OTHER_PIN, PIN, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place

beforeAll(async () => {
  place = await openPlace()
})

async function newDevice(phone?: string): Promise<TestPerson> {
  const device = await place.newDevice(phone === undefined ? {} : { phone })
  await device.keys.importKeys(makeKeys(1))
  return device
}

const refused = (reason: string): unknown =>
  expect.objectContaining({ code: 'ERR_PIN_REFUSED', details: { reason } })

describe('a new PIN', () => {
  test('that is refused makes no backup and changes none, and costs no guess', async () => {
    const device = await newDevice()
    const sync = await device.sync()
    const ofPhone = device.phone.slice(-6)
    for (const pin of ['120584', 'password', '147258'])
      await expect(sync.backup({ pin })).rejects.toMatchObject({ code: 'ERR_PIN_REFUSED' })
    expect(await sync.status()).toMatchObject({ hasBackup: false })
    expect(await sync.backup({ pin: PIN })).toMatchObject({ created: true })
    await expect(sync.changePin({ pin: '120584' })).rejects.toEqual(refused('date'))
    await expect(sync.replaceBackup({ pin: `+${device.phone.slice(1)}` })).rejects.toEqual(
      refused('phone-number'),
    )
    await expect(sync.changePin({ pin: ofPhone })).rejects.toMatchObject({ code: 'ERR_PIN_REFUSED' })
    const fresh = await newDevice(device.phone)
    const wrong = await (await fresh.sync()).restore({ pin: OTHER_PIN })
    expect(wrong).toEqual({ status: 'wrong-pin', guessesRemaining: 9 })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ status: 'restored' })
  })

  test('has rules that are not asked of a PIN which is in use: a restore tries what was typed', async () => {
    const device = await newDevice()
    await (await device.sync()).backup({ pin: PIN })
    const fresh = await newDevice(device.phone)
    expect(await (await fresh.sync()).restore({ pin: '120584' })).toMatchObject({ status: 'wrong-pin' })
    await expect((await fresh.sync()).restore({ pin: '12345' })).rejects.toEqual(refused('too-short'))
  })
})

describe('the reminder of a PIN', () => {
  test('is there only for who asked for it, and only of a PIN that was right', async () => {
    const device = await newDevice()
    const sync = await device.sync()
    await sync.backup({ pin: PIN })
    expect(await sync.checkPin(PIN)).toEqual({ status: 'not-remembered' })
    expect(await sync.nextPinReminder()).toBeUndefined()
    expect(await sync.backup({ pin: OTHER_PIN, rememberPin: true })).toMatchObject({ status: 'wrong-pin' })
    expect(await sync.nextPinReminder()).toBeUndefined()
    expect((await device.vault.list()).map(({ name }) => name)).not.toContain('sync/pin-verifier')
  })

  test('tells right from wrong without a server and without a guess, and comes less often when it is right', async () => {
    const device = await newDevice()
    await (await device.sync()).backup({ pin: PIN, rememberPin: true })
    const offline = await device.sync({ fetch: () => Promise.reject(new TypeError('down')) })
    const hours = async (): Promise<number> =>
      Math.round((((await offline.nextPinReminder()) ?? new Date(0)).getTime() - Date.now()) / 3_600_000)
    expect(await hours()).toBe(12)
    expect(await offline.checkPin(PIN)).toMatchObject({ status: 'right' })
    expect(await offline.checkPin(` ٢٧٤٩٥١`)).toMatchObject({ status: 'right' })
    expect(await hours()).toBe(72)
    expect(await offline.checkPin(OTHER_PIN)).toMatchObject({ status: 'wrong' })
    expect(await offline.checkPin('1')).toMatchObject({ status: 'wrong' })
    expect(await hours()).toBe(12)
    const fresh = await newDevice(device.phone)
    const wrong = await (await fresh.sync()).restore({ pin: OTHER_PIN })
    expect(wrong).toEqual({ status: 'wrong-pin', guessesRemaining: 9 })
  })

  test('is gone when the PIN changes here or elsewhere, when it is forgotten, and stays through a rotation', async () => {
    const first = await newDevice()
    await (await first.sync()).backup({ pin: PIN, rememberPin: true })
    const second = await newDevice(first.phone)
    const other = await second.sync()
    await other.restore({ pin: PIN, rememberPin: true })
    await other.rotate()
    expect(await other.checkPin(PIN)).toMatchObject({ status: 'right' })
    await other.changePin({ pin: OTHER_PIN })
    expect((await second.vault.list()).map(({ name }) => name)).not.toContain('sync/pin-verifier')
    const sync = await first.sync()
    expect(await sync.backup()).toMatchObject({ status: 'backed-up', generation: 3 })
    expect(await sync.checkPin(PIN)).toEqual({ status: 'not-remembered' })
    await sync.changePin({ pin: PIN, rememberPin: true })
    expect(await sync.checkPin(PIN)).toMatchObject({ status: 'right' })
    await sync.forgetPin()
    expect(await sync.checkPin(PIN)).toEqual({ status: 'not-remembered' })
  })

  test('lies in the vault without the PIN, and one that was altered is told', async () => {
    const device = await newDevice()
    const sync = await device.sync()
    await sync.backup({ pin: PIN, rememberPin: true })
    const record = await device.vault.get('sync/pin-verifier')
    const bytes = record?.bytes ?? new Uint8Array()
    expect(bytes.length).toBe(84)
    expect(Buffer.from(bytes).includes(PIN)).toBe(false)
    await device.vault.put('sync/pin-verifier', { type: 'keyhaven/pin-verifier', bytes: bytes.slice(1) })
    await expect(sync.checkPin(PIN)).rejects.toMatchObject({ code: 'ERR_VAULT_DAMAGED' })
  })
})
