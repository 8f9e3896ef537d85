/** The PIN to its lock, a session that ended, a device that was removed, no connection, a damaged backup: none looks like another. */
import { beforeAll, expect, test } from 'vitest'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import {
  OTHER_PIN,
  PIN,
  choosePin,
  enterPin,
  expectNoComplaints,
  openPagePlace,
} from '../testing/page-people.ts'
import { newSetUpDevice } from '../testing/page-prepared.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

const WRONG = '830164'
const phone = randomPhone()
/** What a person is told, by what happened. */
const told = new Map<string, string>()
let place: PagePlace
let first: PageDevice
let second: PageDevice

beforeAll(async () => {
  place = await openPagePlace()
  first = await newSetUpDevice(place, phone)
  minutesLater(1)
  second = await place.newDevice()
  await second.signIn(phone)
  await second.sees('Enter your PIN')
})

const reads = (device: PageDevice, text: string | RegExp): Promise<void> =>
  device.page.getByText(text).first().waitFor()
const goTo = (device: PageDevice, name: string): Promise<void> =>
  device.page.getByRole('link', { name }).click()
const minutesLater = (minutes: number): void => {
  place.app.clock.now = new Date(place.app.clock.now.getTime() + minutes * 60_000)
}

/** Waits for words, and keeps the whole of what is said with them. */
async function isTold(device: PageDevice, what: string, text: string): Promise<void> {
  const said = device.page.locator('.notice, .lead').filter({ hasText: text })
  told.set(what, await said.innerText())
}

test('each wrong PIN says how many are left; between them are waits that cost nothing; after the tenth the PIN is locked', async () => {
  for (const left of [9, 8, 7]) {
    await enterPin(second, WRONG)
    await reads(second, `${String(left)} tries are left.`)
  }
  await isTold(second, 'wrong PIN', 'That is not your PIN.')
  // After the third come waits of 1, 5, 15, 60, 240, 720 and 1,440 minutes.
  for (const [left, minutes] of [
    [6, 1],
    [5, 5],
    [4, 15],
    [3, 60],
    [2, 240],
    [1, 720],
  ] as const) {
    if (left > 4) {
      await enterPin(second, WRONG)
      await reads(second, /Too many wrong PINs.*You can try again in \d+ (?:second|minute)s?/)
    }
    minutesLater(minutes)
    await enterPin(second, WRONG)
    await reads(
      second,
      left === 1 ? /^One try is left\.|One try is left\. After a wrong/ : `${String(left)} tries are left.`,
    )
  }
  await expectGoodLooks(second, 'one-try-left')
  await enterPin(second, WRONG)
  await isTold(second, 'waiting', 'Too many wrong PINs')
  minutesLater(1440)
  await enterPin(second, WRONG)
  await second.sees('The PIN is locked')
  await isTold(second, 'locked', 'so this PIN opens nothing any more')
  await expectGoodLooks(second, 'pin-locked')
  await second.page.reload()
  await enterPin(second, PIN)
  await second.sees('The PIN is locked')
  expectNoComplaints(second)
})

test('the device that has the keys is told of the wrong PINs and of the new device, and sets a new PIN, which opens', async () => {
  place.app.clock.now = new Date()
  await goTo(first, 'Security')
  await reads(first, 'Somebody entered a wrong PIN for your account.')
  await reads(first, 'A new device signed in to your account.')
  await first.press('I have seen it')
  await first.page.getByText('A new device signed in').waitFor({ state: 'hidden' })
  await first.press('Change PIN')
  await choosePin(first, OTHER_PIN)
  await first.press('Change PIN')
  await reads(first, 'The PIN is changed.')
  await second.page.reload()
  await enterPin(second, OTHER_PIN)
  await second.sees('Your keys are here')
  await second.press('Go to my keys')
  await reads(second, 'Everything is backed up')
  expectNoComplaints(first, second)
})

test('a session that ended says so; after signing in the keys are there without a PIN', async () => {
  // The home screen looks for messages by itself, and would be told before its person is.
  await second.context.route('**/v1/messenger/**', (route) => route.abort())
  await place.app.database.asSuperuser(
    `UPDATE app.sessions SET ended_at = now()
     WHERE device_id = (SELECT device_id FROM app.devices ORDER BY first_used_at DESC LIMIT 1)`,
  )
  await second.press('Check the backup')
  await second.sees('Your keys, safe on every device')
  await isTold(second, 'signed out', 'You are signed out on this device.')
  await expectGoodLooks(second, 'signed-out')
  await second.page.reload()
  await reads(second, 'You are signed out on this device.')
  await second.signIn(phone)
  await reads(second, 'Everything is backed up')
  expectNoComplaints(second)
})

test('a device that is removed while somebody looks at it says so at the next step', async () => {
  await goTo(first, 'Security')
  await first.page
    .getByRole('button', { name: /^Remove: / })
    .first()
    .click()
  await first.press('Remove the device')
  await first.page.getByRole('dialog').waitFor({ state: 'hidden' })
  await second.press('Check the backup')
  await second.sees('Your keys, safe on every device')
  await isTold(second, 'removed', 'This device was removed from your account.')
  await second.signIn(phone)
  await second.sees('Enter your PIN')
  await enterPin(second, OTHER_PIN)
  await second.sees('Your keys are here')
  expectNoComplaints(first, second)
  expect(told.size).toBe(5)
  expect(new Set(told.values()).size).toBe(5)
})

test('no connection, a server that does not answer and a damaged backup say so, and what is whole is brought', async () => {
  const number = randomPhone()
  const third = await place.newDevice({ serviceWorkers: 'allow' })
  const other = await newSetUpDevice(place, number)
  await third.signIn(number)
  await third.sees('Enter your PIN')
  await third.context.setOffline(true)
  await enterPin(third, PIN)
  await isTold(third, 'no connection', 'No connection. Check your network; nothing is lost.')
  await third.context.setOffline(false)
  await third.context.route(/\/(?:v1|realm)\//, (route) =>
    route.fulfill({ status: 502, body: 'bad gateway' }),
  )
  await enterPin(third, PIN)
  await isTold(third, 'no server', 'The server does not answer just now.')
  await third.context.unrouteAll({ behavior: 'wait' })
  await place.app.database.asSuperuser(
    `UPDATE app.segments SET segment = set_byte(segment, size - 1, get_byte(segment, size - 1) # 1) WHERE kind <> 'ways'`,
  )
  await enterPin(third, PIN)
  await isTold(third, 'damaged', 'The backup is damaged')
  await expectGoodLooks(third, 'damaged')
  await third.press('Bring what is whole')
  await third.sees('Your keys are here')
  await reads(third, /parts? of the backup could not be opened/)
  expect(told.size).toBe(8)
  expect(new Set(told.values()).size).toBe(8)
  expectNoComplaints(other)
})
