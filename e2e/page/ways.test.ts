/** Ways in beside the PIN: made on one device, used on the next, taken out of use. */
import { readFile } from 'node:fs/promises'
import { decodeQR } from 'qr/decode.js'
import { beforeAll, expect, test } from 'vitest'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { OTHER_PIN, choosePin, expectNoComplaints, openPagePlace, setUp } from '../testing/page-people.ts'
import { addAuthenticator } from '../testing/authenticator.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import { newSetUpDevice } from '../testing/page-prepared.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

const PASSPHRASE = 'lantern orbit walnut seventeen'

let place: PagePlace
let first: PageDevice
const phone = randomPhone()
/** The code on the person's paper, and the kit's text. */
let code = ''
let kit = ''

beforeAll(async () => {
  place = await openPagePlace()
  first = await place.newDevice()
})

const reads = (device: PageDevice, text: string | RegExp): Promise<void> =>
  device.page.getByText(text).first().waitFor()
const fingerprint = ({ page }: PageDevice): Promise<string> => page.locator('dd.digits').innerText()
const toSecurity = ({ page }: PageDevice): Promise<void> =>
  page.getByRole('link', { name: 'Security' }).click()

/** A device that has signed in and is asked for the PIN. A number gets three codes in ten minutes. */
async function nextDevice(number: string): Promise<PageDevice> {
  const device = await place.newDevice()
  await device.signIn(number)
  await device.sees('Enter your PIN')
  return device
}

/** The keys that came are those of this identity. */
async function goToKeys(device: PageDevice, identity: string): Promise<void> {
  await device.sees('Your keys are here')
  await device.press('Go to my keys')
  await reads(device, 'Everything is backed up')
  expect(await fingerprint(device)).toBe(identity)
}

/** Writes the code on paper, mistypes a group of it, and answers what was there. */
async function makeCode(device: PageDevice, look: typeof expectGoodLooks): Promise<string> {
  await device.press('Make a recovery code')
  await device.sees('A recovery code')
  await device.press('Show me the code')
  await device.sees('Write down your code')
  await look(device, 'recovery-code')
  const groups = await device.page.locator('ol.groups [aria-hidden]').allInnerTexts()
  await device.press('I have written it down')
  await device.sees('What does your paper say?')
  expect(await device.page.getByText(groups[0] ?? 'no group').count()).toBe(0)
  const fields = await device.page.getByLabel(/^Group \d$/).all()
  expect(fields).toHaveLength(2)
  for (const field of fields) await field.fill('0000')
  await device.press('Compare')
  await reads(device, 'That is another group.')
  await look(device, 'recovery-code-check')
  for (const [place, group] of groups.entries()) {
    const field = device.page.getByLabel(`Group ${String(place + 1)}`, { exact: true })
    if ((await field.count()) > 0) await field.fill(` ${group.toLowerCase()} `)
  }
  await device.press('Compare')
  return groups.join('-')
}

/** Saves a kit's file, after passphrases that were refused, and answers its text. */
async function makeKit(device: PageDevice): Promise<string> {
  await device.press('Make a recovery kit')
  await device.sees('A recovery kit')
  await device.fill('Passphrase for the kit', 'password1234')
  await device.fill('The same passphrase again', 'password12345')
  await device.press('Make the kit')
  await reads(device, 'The two are not the same.')
  await device.fill('The same passphrase again', 'password1234')
  await device.press('Make the kit')
  await reads(device, 'It is easy to guess.')
  await expectGoodLooks(device, 'kit-passphrase')
  await device.fill('Passphrase for the kit', PASSPHRASE)
  await device.fill('The same passphrase again', PASSPHRASE)
  await device.press('Make the kit')
  await device.sees('Your recovery kit')
  const saving = device.page.waitForEvent('download')
  await device.press('Save the file')
  const saved = await saving
  expect(saved.suggestedFilename()).toBe('keyhaven-kit.age')
  return readFile(await saved.path(), 'utf8')
}

/** What a camera reads of the picture on the page. */
async function readPicture({ page }: PageDevice): Promise<string> {
  const picture = page.locator('svg.qr')
  const path = (await picture.locator('path').getAttribute('d')) ?? ''
  const side = Number((await picture.getAttribute('viewBox'))?.split(' ')[2])
  const scale = 4
  const data = new Uint8Array((side * scale) ** 2 * 4).fill(255)
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g))
    for (let down = 0; down < scale; down += 1)
      for (let across = 0; across < scale; across += 1) {
        const at = (Number(y) * scale + down) * side * scale + Number(x) * scale + across
        data.fill(0, at * 4, at * 4 + 3)
      }
  return decodeQR({ width: side * scale, height: side * scale, data })
}

test('after the first backup a code is shown once and asked back, and a kit is saved or printed', async () => {
  await setUp(first, phone, {
    look: async (device, screen) => {
      if (screen !== 'backed-up') return
      code = await makeCode(device, expectGoodLooks)
      await reads(device, 'You have a recovery code')
      kit = await makeKit(device)
      expect(await readPicture(device)).toBe(kit.trim())
      await expectGoodLooks(device, 'kit')
      await device.page.emulateMedia({ media: 'print' })
      expect(await device.page.locator('body').innerText()).toMatch(/^Keyhaven recovery kit\n/)
      expect(await device.page.getByRole('button').count()).toBe(0)
      await device.page.emulateMedia({ media: null })
      await device.press('I have my kit')
      await reads(device, 'You have a recovery kit')
      await expectGoodLooks(device, 'backed-up-with-ways')
    },
  })
  expect(code).toMatch(/^(?:[0-9A-Z]{4}-){6}[0-9A-Z]{4}$/)
  expectNoComplaints(first)
})

test('a mistyped code is refused before anything is tried, the right one brings the keys, and a new PIN is chosen', async () => {
  const device = await nextDevice(phone)
  await device.press('With a recovery code')
  await device.sees('Enter your recovery code')
  await device.fill('Recovery code', code.slice(0, -1))
  await device.press('Bring my keys')
  await reads(device, 'A code has 28 letters and digits.')
  await device.fill('Recovery code', `${code.slice(0, -1)}${code.endsWith('7') ? '8' : '7'}`)
  await device.press('Bring my keys')
  await reads(device, 'Something in it is mistyped.')
  await expectGoodLooks(device, 'restore-code')
  await device.page.goBack()
  await device.sees('Enter your PIN')
  await expectGoodLooks(device, 'restore-ways')
  await device.press('With a recovery code')
  await device.fill('Recovery code', code.toLowerCase().replaceAll('-', ' '))
  await device.press('Bring my keys')
  await device.sees('Your keys are here')
  await device.press('Choose a new PIN')
  await choosePin(device, OTHER_PIN)
  await device.press('Choose a new PIN')
  await reads(device, 'The PIN is changed.')
  await goToKeys(device, await fingerprint(first))
  expectNoComplaints(device)
})

test('what is no kit and a wrong passphrase are refused, and the kit brings the keys', async () => {
  const device = await nextDevice(phone)
  await device.press('With a recovery kit')
  const choose = (name: string, text: string): Promise<void> =>
    device.page
      .locator('input[type=file]')
      .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) })
  await choose('holidays.jpg', 'x'.repeat(20_000))
  await reads(device, 'That is not a recovery kit.')
  await choose('kit.age', kit.slice(0, 200))
  await device.fill('Passphrase of the kit', 'lantern orbit walnut eighteen')
  await device.press('Bring my keys')
  await reads(device, 'That is not a recovery kit.')
  await choose('kit.age', kit)
  await device.press('Bring my keys')
  await reads(device, 'The passphrase does not open this kit')
  await expectGoodLooks(device, 'restore-kit')
  await device.fill('Passphrase of the kit', PASSPHRASE)
  await device.press('Bring my keys')
  await goToKeys(device, await fingerprint(first))
  expectNoComplaints(device)
})

test('a way in is taken out of use in the list and opens nothing after that; a passkey from there brings the keys back', async () => {
  const number = randomPhone()
  const owner = await newSetUpDevice(place, number)
  await addAuthenticator(owner.page)
  const identity = await fingerprint(owner)
  await toSecurity(owner)
  const typed = await makeCode(owner, () => Promise.resolve())
  await owner.sees('Security')
  const removal = owner.page.getByRole('button', { name: /^Take out of use: / })
  await owner.press('Make a passkey')
  await reads(owner, 'The passkey is made.')
  await expect.poll(() => removal.count()).toBe(2) // not the PIN, nor the device
  await owner.press('Take out of use: Recovery code')
  await reads(owner, 'kept a copy of your backup from before can still read that copy')
  await owner.press('Yes, take it out of use')
  await owner.page.getByRole('dialog').waitFor({ state: 'hidden' })
  await expect.poll(() => removal.count()).toBe(1)

  const device = await nextDevice(number)
  await addAuthenticator(device.page)
  await device.press('With a passkey')
  await reads(device, 'No passkey was used.')
  await device.press('With a recovery code')
  await device.fill('Recovery code', typed)
  await device.press('Bring my keys')
  await reads(device, 'This way in is out of use, or belongs to another account.')

  await owner.page.getByRole('link', { name: 'Home' }).click()
  await owner.press('Sign out')
  await owner.press('Sign out and remove')
  await owner.sees('Your keys, safe on every device')
  await owner.signIn(number)
  await owner.press('With a passkey')
  await goToKeys(owner, identity)
  expectNoComplaints(owner, device)
})

const digits = ({ page }: PageDevice): Promise<string> => page.locator('.link-digits').innerText()
const showsPicture = ({ page }: PageDevice): Promise<void> =>
  page.getByRole('img', { name: /^Picture for the camera/ }).waitFor()

test('a device is let in by the picture that it shows, which ends an earlier offer, or by digits that both show', async () => {
  const number = randomPhone()
  const owner = await newSetUpDevice(place, number)
  const identity = await fingerprint(owner)
  await toSecurity(owner)
  await owner.press('Add a device')
  await owner.sees('Add a device')
  await owner.press('Find the new device')
  await reads(owner, 'No device is waiting.')

  const early = await nextDevice(number)
  await early.press('From a device that has my keys')
  await early.page.getByText('Show it as text, to copy').click()
  const ended = await early.page.locator('details .digits').innerText()
  const device = await nextDevice(number)
  await device.press('From a device that has my keys')
  await showsPicture(device)
  await expectGoodLooks(device, 'link-offered')
  await reads(early, 'The time was over, or another device took its place.')
  for (const [text, answer] of [
    ['KEYHAVEN-LINK:1:00', 'That is not the text that the new device shows.'],
    [ended, 'No device is waiting.'],
  ] as const) {
    await owner.fill('Text from the new device', text)
    await owner.press('Let it in')
    await reads(owner, answer)
  }
  const address = await readPicture(device)
  expect(address).toMatch(/^http:\/\/localhost:\d+\/#\/security\/device\/KEYHAVEN-LINK:1:[0-9A-F:]+$/)
  await owner.page.goto(address)
  await owner.press('Let it in')
  await reads(owner, 'The new device calls itself “Chrome')
  await expectGoodLooks(owner, 'link-name')
  await owner.press('Let it in')
  await reads(owner, 'has your keys now.')
  expect(owner.page.url()).toMatch(/#\/security\/device$/)
  await goToKeys(device, identity)

  await early.press('Try again')
  await showsPicture(early)
  await owner.press('Find the new device')
  expect(await digits(owner)).toBe(await digits(early))
  expect(await digits(owner)).toMatch(/^\d{3} \d{3}$/)
  await reads(owner, 'The new device calls itself “Chrome')
  await expectGoodLooks(owner, 'link-digits')
  await owner.press('No, they differ')
  await reads(owner, 'One of the two devices said no.')
  await early.press('Yes, they are the same')
  await reads(early, 'One of the two devices said no.')
  await early.press('Try again')
  await showsPicture(early)
  await owner.press('Find the new device')
  await owner.press('Yes, they are the same')
  await early.press('Yes, they are the same')
  await reads(owner, 'has your keys now.')
  await goToKeys(early, identity)
  expectNoComplaints(owner, device, early)
})
