/**
 * A reload in the middle of what changes a backup: of a new PIN, a new lock, a way in, a deletion. Backup and restore are in
 * steps.test.ts; every request of each in reloads.soak.ts.
 */
import { beforeAll, expect, test } from 'vitest'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { deletion, expectOnePin, newWay, pinChange, rotation, toSecurity } from '../testing/page-journeys.ts'
import type { Journey, Traveller } from '../testing/page-journeys.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import { OTHER_PIN, PIN, expectNoComplaints, openPagePlace } from '../testing/page-people.ts'
import { newSetUpDevice } from '../testing/page-prepared.ts'
import { isBackedUp, reloadAt } from '../testing/page-reloads.ts'

let traveller: Traveller

beforeAll(async () => {
  const place = await openPagePlace()
  const phone = randomPhone()
  traveller = { place, device: await newSetUpDevice(place, phone), phone }
  await toSecurity(traveller.device)
})

async function cut({ work, done }: Journey, at: number): Promise<void> {
  const { device } = traveller
  expect(await reloadAt(device, at, () => work(device), done(device))).toBe(true)
}

test('of a new PIN: the page says that either may be the one, and exactly one of them is', async () => {
  const { device } = traveller
  await cut(pinChange, 5)
  await device.page.getByText('Which PIN is it now?').waitFor()
  await expectGoodLooks(device, 'pin-unsure')
  await expectOnePin(traveller, [PIN, OTHER_PIN])
  await pinChange.work(device)
  await pinChange.done(device).waitFor()
  await device.page.getByText('Which PIN is it now?').waitFor({ state: 'hidden' })
})

test('of a new lock and of a recovery code: the backup is whole, and the PIN stays', async () => {
  const { device } = traveller
  await cut(rotation, 3)
  await device.sees('Security')
  await device.press('Make a recovery code')
  await device.sees('A recovery code')
  await cut(newWay, 3)
  await device.sees('A recovery code')
  await device.page.getByRole('link', { name: 'Home' }).click()
  await isBackedUp(device)
  expect(await expectOnePin(traveller, [PIN, OTHER_PIN])).toBe(OTHER_PIN)
})

test('of a deletion: one can stop, and loses nothing; or go on, and nothing is left', async () => {
  const { device, place, phone } = traveller
  const fingerprint = (): Promise<string> => device.page.locator('dd.digits').innerText()
  const before = await fingerprint()
  await toSecurity(device)
  await cut(deletion, 1)
  await device.sees('Deleting was interrupted')
  await expectGoodLooks(device, 'deletion-cut')
  await device.press('Stop, and keep what is here')
  await device.sees('Security')
  await device.page.getByRole('link', { name: 'Home' }).click()
  await isBackedUp(device)
  expect(await fingerprint()).toBe(before)
  await toSecurity(device)
  await cut(deletion, 4)
  await deletion.goOn({ device, place, phone })
  expectNoComplaints(device)
})
