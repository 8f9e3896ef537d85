/** What goes wrong is told apart, and keeps nobody from trying again. */
import { beforeAll, expect, test } from 'vitest'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { PIN, enterPin, expectNoComplaints, openPagePlace, signInBeside } from '../testing/page-people.ts'
import { addAuthenticator } from '../testing/authenticator.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import { newSetUpDevice } from '../testing/page-prepared.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

let place: PagePlace
let first: PageDevice
/** Has a backup. */
let keeper: PageDevice
const phone = randomPhone()

beforeAll(async () => {
  place = await openPagePlace()
  first = await place.newDevice()
})

const reads = (device: PageDevice, text: string): Promise<void> => device.page.getByText(text).waitFor()

async function isIn(device: PageDevice): Promise<void> {
  await device.page.getByRole('link', { name: 'Home' }).click()
  await reads(device, 'Everything is backed up')
}

/** Another way of keeping the keys, chosen on the screen about security. */
async function keepBy(device: PageDevice, way: string, password?: string): Promise<void> {
  await device.page.getByRole('link', { name: 'Security' }).click()
  await device.press('Change')
  await device.page.getByText(way).click()
  if (password !== undefined) await device.fill('New password', password)
  await device.press('Save')
  await device.page.getByRole('button', { name: 'Change', exact: true }).waitFor()
  await device.page.reload()
  await device.sees('Welcome back')
}

test('a number is written as people write it while it is typed; after a wrong code the right one is taken', async () => {
  await first.fill('Phone number', '2025550143')
  await expect.poll(() => first.page.getByLabel('Phone number').inputValue()).toBe('(202) 555-0143')
  await first.fill('Phone number', phone)
  await first.press('Send me a code')
  await first.fill('Six-digit code', '000000')
  await first.press('Sign in')
  await reads(first, 'That code is wrong, used or too old.')
  await first.press('Use this code')
  await first.press('Sign in')
  await first.sees('Your keys')
  await first.page.reload()
  await first.sees('Your keys')
  expectNoComplaints(first)
})

test('a deletion that somebody began without the keys is told, and stopped by a device that has them', async () => {
  const number = randomPhone()
  keeper = await newSetUpDevice(place, number)
  const stranger = await signInBeside(place.address, number)
  expect(await stranger.deleteBackup()).toMatchObject({ status: 'waiting' })
  await keeper.page.reload()
  await keeper.page.getByRole('heading', { name: 'Somebody wants your backup deleted' }).waitFor()
  await expectGoodLooks(keeper, 'deletion-waits')
  await keeper.press('Stop the deletion')
  await reads(keeper, 'The deletion is stopped. Your backup stays.')
  expect((await stranger.status()).removal).toBeUndefined()
  expectNoComplaints(keeper)
})

test('a device that asks for a password opens by it alone, and says so when it is wrong', async () => {
  const device = keeper
  await keepBy(device, 'Ask for a password', 'seven quiet herons 41')
  await expectGoodLooks(device, 'locked')
  await device.fill('Password of this device', 'seven quiet herons 42')
  await device.press('Unlock')
  await reads(device, 'That is not the password of this device.')
  await device.fill('Password of this device', 'seven quiet herons 41')
  await device.press('Unlock')
  await isIn(device)
  expectNoComplaints(device)
})

test('a device that asks for a passkey opens by it alone', async () => {
  const device = keeper
  const reader = await addAuthenticator(device.page)
  await keepBy(device, 'Ask for my fingerprint, face or security key')
  // The password before it opens nothing any more.
  expect(await device.page.getByLabel('Password of this device').count()).toBe(0)
  await device.press('Unlock with your passkey')
  await isIn(device)
  await device.page.getByRole('link', { name: 'Security' }).click()
  await device.press('Change')
  await device.page.getByText('This device opens them by itself').click()
  await device.press('Save')
  await reads(device, 'This device opens them by itself.')
  await device.page.reload()
  await isIn(device)
  await keepBy(device, 'Ask for my fingerprint, face or security key')
  await reader.remove()
  await addAuthenticator(device.page, { hasPrf: false })
  await device.press('Unlock with your passkey')
  await reads(device, 'The passkey was not used. Your keys stay locked.')
  expectNoComplaints(device)
})

test('on a shared computer no connection, a wrong PIN and a wait are told apart, and a reload leaves nothing', async () => {
  const number = randomPhone()
  await (await signInBeside(place.address, number)).backup({ pin: PIN })
  const shared = await place.newDevice()
  await shared.page.getByText('This is a shared computer').click()
  await shared.signIn(number)
  await shared.sees('Enter your PIN')
  await enterPin(shared, '830164')
  await reads(shared, '9 tries are left.')
  await shared.context.setOffline(true)
  await enterPin(shared, '830164')
  await reads(shared, 'No connection. Check your network; nothing is lost.')
  await shared.context.setOffline(false)
  for (const left of ['8 tries', '7 tries']) {
    await enterPin(shared, '830164')
    await reads(shared, left)
  }
  await enterPin(shared, PIN)
  await reads(shared, 'Too many wrong PINs')
  await expectGoodLooks(shared, 'waiting')
  await shared.page.reload()
  await shared.sees('Your keys, safe on every device')
  expect(await shared.page.evaluate(() => Object.keys(localStorage))).toEqual([])
  expect(await shared.page.evaluate(() => indexedDB.databases())).not.toContainEqual({ name: 'me' })
  expectNoComplaints(shared)
})
