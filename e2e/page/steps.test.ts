/** Reload, back and a second tab at every step; the keyboard alone; less motion. */
import { beforeAll, expect, test } from 'vitest'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { goOnByKeyboard, tabTo } from '../testing/page-keyboard.ts'
import { PIN, choosePin, enterPin, expectNoComplaints, openPagePlace } from '../testing/page-people.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'
import { finish, isBackedUp, reloadAt } from '../testing/page-reloads.ts'

const phone = randomPhone()
let place: PagePlace
let first: PageDevice
let second: PageDevice

beforeAll(async () => {
  place = await openPagePlace()
  first = await place.newDevice({ serviceWorkers: 'allow' })
  second = await place.newDevice({ serviceWorkers: 'allow' })
})

test('on the first device a reload and the back button lead to the same step, also in the middle of the backup', async () => {
  const { page } = first
  await first.fill('Phone number', phone)
  await first.press('Send me a code')
  await first.sees('Enter the code')
  await page.goBack()
  await first.sees('Your keys, safe on every device')
  await page.goForward()
  await first.sees('Enter the code')
  await page.reload()
  await first.sees('Your keys, safe on every device')
  await first.signIn(phone)
  await first.sees('Your keys')
  await page.reload()
  await first.sees('Your keys')
  await first.press('Continue')
  await first.sees('How should this device keep them?')
  await page.reload()
  await first.sees('How should this device keep them?')
  await page.goBack()
  await first.sees('Your keys')
  await page.goForward()
  await first.sees('How should this device keep them?')
  await first.press('Continue')
  await first.sees('Choose a PIN')
  await page.reload()
  await first.sees('Choose a PIN')
  await page.goBack()
  await first.sees('How should this device keep them?')
  await page.goForward()
  await first.sees('Choose a PIN')
  const backUp = async (): Promise<void> => {
    await choosePin(first, PIN)
    await first.press('Back up my keys')
  }
  expect(await reloadAt(first, 4, backUp)).toBe(true)
  await finish(first)
  await page.reload()
  await isBackedUp(first)
  expectNoComplaints(first)
})

test('on the next device a reload leads back to the PIN, also in the middle of the restore, and then to the keys', async () => {
  await second.signIn(phone)
  await second.sees('Enter your PIN')
  await second.page.reload()
  await second.sees('Enter your PIN')
  await enterPin(second, '830164')
  await second.page.getByText('9 tries are left.').waitFor()
  await second.page.reload()
  await second.sees('Enter your PIN')
  expect(await reloadAt(second, 6, () => enterPin(second, PIN))).toBe(true)
  await finish(second)
  await second.page.reload()
  await isBackedUp(second)
  expectNoComplaints(second)
})

test('two tabs see the same keys and work at the same time', async () => {
  const other = await second.context.newPage()
  other.setDefaultTimeout(120_000)
  await other.goto(place.address)
  await isBackedUp({ page: other })
  await second.page.getByRole('link', { name: 'Nostr' }).click()
  await second.press('Make a Nostr key')
  const npub = await second.page.getByText(/^npub1/).innerText()
  await other.getByRole('link', { name: 'Nostr' }).click()
  expect(await other.getByText(/^npub1/).innerText()).toBe(npub)
  for (const page of [second.page, other]) {
    await page.getByRole('link', { name: 'Home' }).click()
    await isBackedUp({ page })
  }
  await Promise.all(
    [second.page, other].map((page) => page.getByRole('button', { name: 'Check the backup' }).click()),
  )
  for (const page of [second.page, other])
    await page.getByText(/^Checked just now: all of it opens\./).waitFor()
  await other.getByRole('button', { name: 'Sign out' }).click()
  await other.getByRole('button', { name: 'Sign out and remove' }).click()
  await second.sees('Your keys, safe on every device')
  await other.close()
  expectNoComplaints(second)
})

async function signInByKeyboard({ page }: PageDevice, number: string): Promise<void> {
  const { keyboard } = page
  await page.getByRole('heading', { level: 1 }).waitFor()
  await tabTo(page, 'Phone number')
  await keyboard.type(number)
  await keyboard.press('Enter')
  const shown = page.locator('.inbox-code').filter({ hasText: /^\d{6}$/ })
  const code = await shown.innerText()
  await tabTo(page, 'Six-digit code')
  await keyboard.type(code)
  await keyboard.press('Enter')
}

test('with the keyboard alone a person makes keys and a backup, and brings them to the next device; less motion is kept to', async () => {
  const [one, two] = [await place.newDevice(), await place.newDevice()]
  const number = randomPhone()
  await signInByKeyboard(one, number)
  const { page } = one
  const goOn = (name: string): Promise<void> => goOnByKeyboard(one, name)
  await one.sees('Your keys')
  await goOn('Continue')
  await one.sees('How should this device keep them?')
  await goOn('Continue')
  await one.sees('Choose a PIN')
  await tabTo(page, 'New PIN')
  await page.keyboard.type(PIN)
  await page.getByText('If the people who run this server').waitFor()
  const moves = (): Promise<string> =>
    page.locator('.meter .fill').evaluate((bar) => getComputedStyle(bar).transitionDuration)
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  expect(await moves()).not.toBe('0s')
  await page.emulateMedia({ reducedMotion: 'reduce' })
  expect(await moves()).toBe('0s')
  await tabTo(page, 'The same PIN again')
  await page.keyboard.type(PIN)
  await page.keyboard.press('Enter')
  await one.sees('Your keys are backed up')
  await goOn('Go to my keys')
  await isBackedUp(one)
  await signInByKeyboard(two, number)
  await two.sees('Enter your PIN')
  await tabTo(two.page, 'PIN')
  await two.page.keyboard.type(PIN)
  await two.page.keyboard.press('Enter')
  await two.sees('Your keys are here')
  await goOnByKeyboard(two, 'Go to my keys')
  await isBackedUp(two)
  expectNoComplaints(one, two)
})
