/** Trusted contacts on the page: a person chooses them, forgets the PIN, and has the keys back through two of three; and who is stopped. */
import { readFile } from 'node:fs/promises'
import { beforeAll, expect, test } from 'vitest'
import { generateIdentity } from 'keyhaven/identity'
import { writeContactCard } from 'keyhaven/identity/contact-card'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import {
  OTHER_PIN,
  choosePin,
  expectNoComplaints,
  openPagePlace,
  signInProgram,
} from '../testing/page-people.ts'
import { expectGermanToo } from '../testing/page-german.ts'
import { goOnByKeyboard, tickByKeyboard, typeByKeyboard } from '../testing/page-keyboard.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import { newSetUpDevice } from '../testing/page-prepared.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

let place: PagePlace
/** Who loses everything, and two of her contacts. */
let anna: PageDevice
let ben: PageDevice
let cora: PageDevice
const annasPhone = randomPhone()

beforeAll(async () => {
  place = await openPagePlace()
  anna = await newSetUpDevice(place, annasPhone)
  ben = await newSetUpDevice(place, randomPhone())
  cora = await newSetUpDevice(place, randomPhone())
  await beginConversation()
})

const reads = (device: PageDevice, text: string | RegExp): Promise<void> =>
  device.page.getByText(text).first().waitFor()
const follow = (device: PageDevice, name: string): Promise<void> =>
  device.page.getByRole('link', { name, exact: true }).click()
const digits = ({ page }: PageDevice): Promise<string> => page.locator('.groups').innerText()
const fingerprint = ({ page }: PageDevice): Promise<string> => page.locator('dd.digits').innerText()

async function toSecurity(device: PageDevice): Promise<void> {
  await follow(device, 'Security')
  await device.sees('Security')
}

/** Anna and Ben have a conversation whose digits are not compared yet. */
async function beginConversation(): Promise<void> {
  await follow(anna, 'Invite somebody')
  await anna.fill('Name of this person', 'Ben')
  await anna.press('Make a link')
  await ben.page.goto(await anna.page.getByText(/\/#\/join\//).innerText())
  await ben.page.reload()
  await ben.fill('Name of this person', 'Anna from work')
  await ben.press('Join')
  await ben.sees('Anna from work')
}

/** So many days later, for what is asked. */
async function daysPass(days: number): Promise<void> {
  await place.app.database.asSuperuser(
    `UPDATE app.contact_requests SET requested_at = requested_at - $1::interval, due_at = due_at - $1::interval,
            expires_at = expires_at - $1::interval`,
    [`${String(days)} days`],
  )
}

/** A device that signs in with Anna's number, and asks her contacts. */
async function askContacts(): Promise<PageDevice> {
  const device = await place.newDevice()
  await device.signIn(annasPhone)
  await device.sees('Enter your PIN')
  await goOnByKeyboard(device, 'With my trusted contacts')
  await device.sees('Ask your trusted contacts')
  return device
}

async function saveCard(device: PageDevice, name: string): Promise<{ text: string; digits: string }> {
  await toSecurity(device)
  await follow(device, 'Cards and requests')
  await device.sees('Help others')
  await reads(device, 'Nobody has made you a trusted contact.')
  await device.fill('Your name, as they know you', name)
  await device.press('Show my card')
  const saving = device.page.waitForEvent('download')
  await device.press('Save as a file')
  return { text: await readFile(await (await saving).path(), 'utf8'), digits: await digits(device) }
}

async function readCard(device: PageDevice, text: string): Promise<void> {
  await device.fill('Text of the card', text)
  await device.press('Read the card')
}

test('a person chooses contacts: from a conversation once its digits are compared, and by cards whose digits are read aloud', async () => {
  await toSecurity(anna)
  await anna.press('Trusted contacts')
  await anna.sees('Trusted contacts')
  await reads(anna, 'You have not chosen anybody yet.')
  await expectGoodLooks(anna, 'contacts-none')
  await expectGermanToo(anna)
  await anna.press('Choose people')
  await anna.sees('Choose your trusted contacts')
  await follow(anna, 'Compare digits first')
  await anna.press('They are the same')
  await reads(anna, /^You have compared the numbers/)
  await anna.page.goBack()
  await goOnByKeyboard(anna, 'Choose people')
  await anna.sees('Choose your trusted contacts')
  await expectGermanToo(anna)
  await tickByKeyboard(anna, /^Ben/)
  await goOnByKeyboard(anna, 'Make them my contacts')
  await reads(anna, 'Choose two people or more.')

  const card = await saveCard(cora, 'Cora')
  await expectGoodLooks(cora, 'contacts-card')
  await expectGermanToo(cora)
  await readCard(anna, card.text.slice(0, 300))
  await reads(anna, 'That is not a card.')
  await readCard(anna, card.text)
  await reads(anna, 'Does Cora read these digits to you?')
  expect(await digits(anna)).toBe(card.digits)
  expect(card.digits.match(/\d{5}/g)).toHaveLength(6)
  await anna.press('No, they differ')
  await readCard(anna, card.text)
  await anna.press('Yes, add')
  await readCard(anna, card.text)
  await reads(anna, 'This person is on the list already.')
  await readCard(anna, await makeCard('Dora'))
  await expectGoodLooks(anna, 'contacts-choose')
  await anna.press('Yes, add')
  await anna.press('Make them my contacts')
  await reads(anna, 'Write your name, so that they know who asks.')
  await typeByKeyboard(anna, 'Your name, as they know you', 'Anna')
  expect(await anna.page.getByLabel('How many of them are enough').inputValue()).toBe('2')
  await goOnByKeyboard(anna, 'Make them my contacts')
  await anna.sees('Trusted contacts')
  await reads(anna, 'They are your trusted contacts now.')
  await reads(anna, 'Any 2 of the 3 are enough.')
  await expectGoodLooks(anna, 'contacts-set')
  expectNoComplaints(anna, ben, cora)
})

/** Of somebody who uses another app. */
async function makeCard(name: string): Promise<string> {
  const { session } = await signInProgram(place.address, randomPhone(), { deviceLabel: name })
  const { accountId } = session
  return writeContactCard({ accountId, name, identity: (await generateIdentity()).publicIdentity })
}

test('who forgot the PIN asks them, waits, also over a reload; one is not enough, and two who hear the digits bring the keys', async () => {
  const phone = await askContacts()
  await expectGoodLooks(phone, 'restore-contacts')
  await expectGermanToo(phone)
  await goOnByKeyboard(phone, 'Ask them')
  await phone.sees('Your contacts are asked')
  await reads(phone, /^They can answer from .* on\.$/)
  const asked = await digits(phone)
  await expectGoodLooks(phone, 'restore-contacts-wait')
  await expectGermanToo(phone)
  await phone.page.goto(place.address)
  await phone.page.reload()
  await phone.sees('Your contacts are asked')
  expect(await digits(phone)).toBe(asked)

  await ben.page.goto(`${place.address}/#/`)
  await reads(ben, 'Somebody who claims to be Anna wants to get keys back')
  await expectGoodLooks(ben, 'contacts-asked-home')
  await expectGermanToo(ben)
  await follow(ben, 'Look at it')
  await reads(ben, 'In your conversations: Anna from work.')
  await reads(ben, /^You can answer from .* on\./)
  await reads(ben, 'You guard a part for 1 person.')
  expect(await ben.page.getByRole('button', { name: /^Answer/ }).count()).toBe(0)
  await expectGoodLooks(ben, 'contacts-asked-waits')
  await expectGermanToo(ben)

  await daysPass(7)
  await ben.page.reload()
  await ben.press('Answer: Anna')
  await reads(ben, 'Do you hear these digits from Anna?')
  expect(await digits(ben)).toBe(asked)
  await expectGoodLooks(ben, 'contacts-hear')
  await expectGermanToo(ben)
  await ben.press('No, give nothing')
  await reads(ben, 'You gave nothing.')
  await goOnByKeyboard(ben, 'Answer: Anna')
  await goOnByKeyboard(ben, 'Same digits, and I know the voice')
  await reads(ben, 'You have given your part. It opens for that one device alone.')
  await reads(phone, '1 of 2 that you need have answered.')
  await phone.press('Look again')
  await reads(phone, 'Now call each of them, and read out your digits.')
  await expectGoodLooks(phone, 'restore-contacts-one')

  await cora.page.goto(`${place.address}/#/security/help`)
  await cora.page.reload()
  await reads(cora, 'Not somebody from your conversations.')
  await cora.press('Answer: Anna')
  await cora.press('Same digits, and I know the voice')
  await reads(cora, 'You have given your part.')
  await phone.sees('Your keys are here')
  await phone.press('Choose a new PIN')
  await choosePin(phone, OTHER_PIN)
  await phone.press('Choose a new PIN')
  await reads(phone, 'The PIN is changed.')
  await phone.press('Go to my keys')
  await reads(phone, 'Everything is backed up')
  await anna.page.goto(`${place.address}/#/`)
  expect(await fingerprint(phone)).toBe(await fingerprint(anna))
  await reads(anna, 'A trusted contact helped to open your backup.')
  expectNoComplaints(anna, ben, cora, phone)
})

test('a device that has the keys sees who asks and stops it, and takes the contacts out of use; then there is nobody to ask', async () => {
  const thief = await askContacts()
  await thief.press('Ask them')
  await thief.sees('Your contacts are asked')
  await anna.page.reload()
  await reads(anna, 'Somebody asks your contacts for your keys')
  await reads(anna, 'Somebody asked your trusted contacts to open your backup.')
  await expectGoodLooks(anna, 'contacts-request')
  await expectGermanToo(anna)
  await goOnByKeyboard(anna, 'That is not me: stop it')
  await reads(anna, 'It is stopped. Whoever it was can sign in with your number')
  await ben.page.goto(`${place.address}/#/security/help`)
  await ben.page.reload()
  await reads(ben, 'Nobody asks for your help just now.')
  await reads(thief, 'A device that has your keys stopped it')
  await expectGoodLooks(thief, 'restore-contacts-stopped')
  await expectGermanToo(thief)

  await toSecurity(anna)
  await anna.press('Take out of use: Trusted contacts')
  await anna.press('Yes, take it out of use')
  await anna.page.getByRole('dialog').waitFor({ state: 'hidden' })
  await thief.press('Ask them')
  await reads(thief, 'Your backup has no trusted contacts.')
  await thief.press('With the PIN')
  await thief.sees('Enter your PIN')
  expectNoComplaints(anna, ben, thief)
})
