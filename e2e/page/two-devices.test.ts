import { beforeAll, expect, test } from 'vitest'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import {
  OTHER_PIN,
  PIN,
  choosePin,
  enterPin,
  expectNoComplaints,
  openPagePlace,
  setUp,
} from '../testing/page-people.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import { expectNothingMoves } from '../testing/page-moves.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

let place: PagePlace
let first: PageDevice
let second: PageDevice
const phone = randomPhone()

beforeAll(async () => {
  place = await openPagePlace()
  first = await place.newDevice({ serviceWorkers: 'allow' })
  second = await place.newDevice({ serviceWorkers: 'allow' })
})

const number = (device: PageDevice): Promise<string> => device.page.locator('dd.digits').innerText()

test('a person makes keys and a backup on one device, and has the same keys on the next by number and PIN', async () => {
  await setUp(first, phone, { look: expectGoodLooks })
  await second.signIn(phone)
  await second.sees('Enter your PIN')
  await enterPin(second, '830164')
  await second.page.getByText('That is not your PIN.').waitFor()
  await second.page.getByText('9 tries are left.').waitFor()
  await expectGoodLooks(second, 'wrong-pin')
  await enterPin(second, PIN)
  await second.sees('Your keys are here')
  await expectGoodLooks(second, 'restored')
  await second.press('Go to my keys')
  await second.page.getByText('Everything is backed up').waitFor()
  expect(await number(second)).toBe(await number(first))
  expect(await number(first)).toMatch(/^(?:[0-9a-f]{4} ){7}[0-9a-f]{4}$/)
  expectNoComplaints(first, second)
})

test('a reload and the back button lead where they should', async () => {
  await first.page.reload()
  await first.sees('Your keys')
  await first.page.getByRole('link', { name: 'Security' }).click()
  await first.sees('Security')
  await first.page.reload()
  await first.sees('Security')
  await first.page.goBack()
  await first.sees('Your keys')
})

test('a Nostr key is made, signs a valid note, and comes to the other device', async () => {
  await first.page.getByRole('link', { name: 'Nostr' }).click()
  await first.press('Make a Nostr key')
  await first.page.getByRole('img', { name: /^Picture of your public key/ }).waitFor()
  const npub = await first.page.getByText(/^npub1/).innerText()
  await first.fill('Your note', '<img src=x onerror=alert(1)> hello')
  await first.press('Sign')
  await first.page.getByText('The signature is valid.').waitFor()
  expect(await first.page.locator('pre').innerText()).toContain('<img src=x onerror=alert(1)> hello')
  await expectGoodLooks(first, 'nostr')
  await second.page.reload()
  await second.page.getByRole('link', { name: 'Nostr' }).click()
  expect(await second.page.getByText(/^npub1/).innerText()).toBe(npub)
  expectNoComplaints(first, second)
})

test('what can be pressed does not move away while the server answers, be there news or none', async () => {
  const follow = (name: string) => (): Promise<void> => first.page.getByRole('link', { name }).click()
  await expectNothingMoves(first, follow('Home'), 'Everything is backed up')
  await expectNothingMoves(first, follow('Security'), /^Checked: nothing is missing up to/)
  await first.page.getByText('Somebody entered a wrong PIN').first().waitFor()
})

test('the log is shown and checked; a changed PIN opens a third device, the old one does not; removing a device sends it to the start', async () => {
  await first.page.getByRole('link', { name: 'Security' }).click()
  await first.page.getByText(/^Checked: nothing is missing up to/).waitFor()
  await first.page.getByText('One server guards your PIN: this one.').waitFor()
  await readHistoryTo(first, 'PIN entered')
  await expectGoodLooks(first, 'security')
  await first.press('Change PIN')
  await choosePin(first, OTHER_PIN)
  await first.press('Change PIN')
  await first.page.getByText('The PIN is changed.').waitFor()

  const third = await place.newDevice({ locale: 'de-DE' })
  await third.page.getByLabel('Telefonnummer').fill(phone)
  await third.press('Code schicken')
  await third.press('Diesen Code nehmen')
  await third.press('Anmelden')
  await third.fill('PIN', PIN)
  await third.press('Schlüssel holen')
  await third.page.getByText('Das ist nicht Ihre PIN.').waitFor()
  await third.fill('PIN', OTHER_PIN)
  await third.press('Schlüssel holen')
  await third.sees('Ihre Schlüssel sind da')

  await first.page.reload()
  await first.page
    .getByRole('button', { name: /^Remove: / })
    .first()
    .click()
  await first.page.getByRole('dialog').waitFor()
  await expectGoodLooks(first, 'remove')
  await first.press('Remove the device')
  await first.page.getByRole('dialog').waitFor({ state: 'hidden' })
  const gone = await Promise.all(
    [second, third].map(async ({ page }) => {
      await page.reload()
      await page.locator('h1').waitFor()
      return page.getByRole('button', { name: /^(?:Send me a code|Code schicken)$/ }).isVisible()
    }),
  )
  expect(gone.filter(Boolean)).toHaveLength(1)
  expectNoComplaints(first, second, third)
})

/** Turns to older pages until the row is there. */
async function readHistoryTo({ page }: PageDevice, name: string): Promise<void> {
  const row = page.getByRole('cell', { name }).first()
  const older = page.getByRole('button', { name: 'Show older' })
  for (;;) {
    await row.or(older).first().waitFor()
    if (await row.isVisible()) return
    const rows = await page.getByRole('row').count()
    await older.click()
    await page.getByRole('row').nth(rows).waitFor()
  }
}

test('signing out leaves nothing on the device', async () => {
  await first.page.getByRole('link', { name: 'Home' }).click()
  await first.press('Sign out')
  await first.press('Sign out and remove')
  await first.sees('Your keys, safe on every device')
  const left = await first.page.evaluate(
    () =>
      new Promise<unknown[]>((resolve, reject) => {
        const opening = indexedDB.open('keyhaven')
        opening.onerror = () => {
          reject(new Error('the database does not open'))
        }
        opening.onsuccess = () => {
          const stores = [...opening.result.objectStoreNames]
          const transaction = opening.result.transaction(stores)
          const all = stores.map((store) => transaction.objectStore(store).getAll())
          transaction.oncomplete = () => {
            resolve(all.flatMap(({ result }) => result as unknown[]))
          }
        }
      }),
  )
  expect(left).toEqual([])
  expectNoComplaints(first)
})
