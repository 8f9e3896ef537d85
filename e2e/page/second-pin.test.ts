/** A second PIN on the page: made on one device, opened on another by the keyboard alone, and nothing that tells of it in between. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { deriveLevel } from 'keyhaven/sync'
import { createCapture, createCaptureProxy } from '../../packages/cli/src/demo/capture-proxy.ts'
import { messagesPlace, searchPlaces } from '../../packages/cli/src/demo/search-places.ts'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import {
  choosePin,
  enterPin,
  expectNoComplaints,
  openPagePlace,
  signInBeside,
} from '../testing/page-people.ts'
import { expectGermanToo } from '../testing/page-german.ts'
import { goOnByKeyboard, tickByKeyboard, typeByKeyboard } from '../testing/page-keyboard.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import { newSetUpDevice } from '../testing/page-prepared.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'
import { readStorage } from '../testing/page-storage.ts'

/** Long enough that no run of digits is one of them by chance. */
const FIRST = '2749518306'
const SECOND = '8301649527'
const WORD = 'Garden of the year 1987'
const MANY = { most: 1000, seconds: 600 }
const phone = randomPhone()
const marker = randomBytes(16)
const capture = createCapture()
const kept: Uint8Array[] = []
let place: PagePlace
let anna: PageDevice
let ben: PageDevice

beforeAll(async () => {
  const proxy = await createCaptureProxy(capture)
  afterAll(() => proxy.close())
  place = await openPagePlace({
    limits: { codesPerPhone: MANY, codesPerPhoneAndDay: MANY, codesPerAddressPhoneAndDay: MANY },
    through: (origin) => {
      proxy.forwardTo(origin)
      return proxy.origin
    },
  })
  anna = await newSetUpDevice(place, phone, { pin: FIRST })
  ben = await newSetUpDevice(place, randomPhone())
  await follow(anna, 'Invite somebody')
  await anna.fill('Name of this person', 'Ben')
  await anna.press('Make a link')
  await joinBen(await anna.page.getByText(/\/#\/join\//).innerText())
  const client = await signInBeside(place.address, phone, { deviceLabel: toHex(marker) })
  expect(await client.restore({ pin: FIRST })).toMatchObject({ status: 'restored' })
  await client.keys.addConversationKey('team@other-app', randomBytes(32))
  await client.sync()
})

const reads = (device: PageDevice, text: string | RegExp): Promise<void> =>
  device.page.getByText(text).first().waitFor()
const follow = (device: PageDevice, name: string | RegExp): Promise<void> =>
  device.page.getByRole('link', { name, exact: typeof name === 'string' }).click()

async function joinBen(link: string): Promise<void> {
  await ben.page.goto(link)
  await ben.page.reload()
  await ben.fill('Name of this person', 'Anna')
  await ben.press('Join')
  await ben.sees('Anna')
}

/** Puts the marker where the page could keep something, then takes everything that lies there. */
async function keepWhatIsStored({ page }: PageDevice): Promise<void> {
  const stored = await page.evaluate(readStorage, toHex(marker))
  kept.push(...stored.map((text) => new Uint8Array(Buffer.from(text, 'base64'))))
}

async function giveWord(device: PageDevice, word: string): Promise<void> {
  await device.sees('A second PIN')
  await device.fill('Your word', word)
  await device.press('Send me a code')
  await device.press('Use this code')
  await device.press('Sign in')
}

/** Without a mouse; the Enter key sends each form off. */
async function giveWordByKeyboard(device: PageDevice, word: string): Promise<void> {
  const { page } = device
  await device.sees('A second PIN')
  await typeByKeyboard(device, 'Your word', word)
  await page.keyboard.press('Enter')
  const code = await page
    .locator('.inbox-code')
    .filter({ hasText: /^\d{6}$/ })
    .innerText()
  await typeByKeyboard(device, 'Six-digit code', code)
  await page.keyboard.press('Enter')
}

async function write(device: PageDevice, text: string): Promise<void> {
  await device.fill('Write a message', text)
  await device.page.getByLabel('Write a message').press('Enter')
}

test('it is made with a word and a PIN that is not the first, and what goes there leaves the first', async () => {
  await anna.page.goto(`${place.address}/#/`)
  await anna.page.reload()
  await reads(anna, 'The key of one conversation of another app is here, too.')
  await follow(anna, 'Security')
  await follow(anna, 'Open or make one')
  await anna.sees('A second PIN')
  await expectGermanToo(anna)
  await anna.press('Send me a code')
  await reads(anna, 'Write a word of 1 to 64 characters.')
  await expectGoodLooks(anna, 'second-word')
  await giveWord(anna, WORD)
  await anna.sees('There is nothing under this word yet')
  await expectGermanToo(anna)
  await choosePin(anna, FIRST)
  await anna.press('Make it')
  await reads(anna, 'Enter your first PIN, too.')
  await anna.fill('Your first PIN', FIRST)
  await anna.press('Make it')
  await reads(anna, 'That is your first PIN.')
  await expectGoodLooks(anna, 'second-new')
  await choosePin(anna, SECOND)
  await anna.press('Make it')
  await anna.sees('What should be behind the second PIN?')
  await tickByKeyboard(anna, /^Ben/)
  await tickByKeyboard(anna, 'team@other-app')
  await expectGoodLooks(anna, 'second-put')
  await expectGermanToo(anna)
  await goOnByKeyboard(anna, 'Go on')
  await reads(anna, 'Your second PIN is open.')
  await reads(anna, 'The key of one conversation of another app is here, too.')
  await follow(anna, /^Ben/)
  await reads(anna, 'Nobody has opened it yet.')
  await anna.page.getByRole('navigation').getByRole('link', { name: 'Home' }).click()
  await reads(anna, 'Everything is backed up')
  await expectGoodLooks(anna, 'second-home')
  await expectGermanToo(anna)
  await keepWhatIsStored(anna)
  await anna.press('Close it')
  await anna.page.getByText('Your second PIN is open.').waitFor({ state: 'hidden' })
  await reads(anna, 'Everything is backed up')
  await reads(anna, /^1 message$/)
  expect(await anna.page.getByText(/of another app/).count()).toBe(0)
  await keepWhatIsStored(anna)
  expectNoComplaints(anna)
})

test('the other person gets the link, and the conversation goes on behind the second PIN alone', async () => {
  const told = ben.page.getByText(/^I go on writing here: /)
  await told.waitFor()
  const link = (await told.innerText()).replace(/^I go on writing here: /, '')
  await ben.page.goto(link)
  await ben.page.reload()
  await ben.fill('Name of this person', 'Anna again')
  await ben.press('Join')
  await ben.sees('Anna again')
  await write(ben, 'I am here, too')
  await reads(ben, 'I am here, too')
  expectNoComplaints(ben)
})

test('another device opens it from the PIN screen, which is the same whether there is one or not', async () => {
  const [phone2, strange] = [await place.newDevice(), await place.newDevice()]
  const number = randomPhone()
  await (await signInBeside(place.address, number)).backup({ pin: FIRST })
  await phone2.signIn(phone)
  await strange.signIn(number)
  for (const device of [phone2, strange]) await device.sees('Enter your PIN')
  const [screen, without] = await Promise.all(
    [phone2, strange].map(({ page }) => page.locator('main').innerText()),
  )
  expect(screen).toBe(without)
  expect(screen).toContain('With a second PIN')

  await goOnByKeyboard(phone2, 'With a second PIN')
  await giveWordByKeyboard(phone2, 'Gardens of 1987')
  await reads(phone2, 'There is nothing under this word.')
  await expectGoodLooks(phone2, 'second-nothing')
  await expectGermanToo(phone2)
  await giveWordByKeyboard(phone2, ` ${WORD.toLowerCase()} `)
  await phone2.sees('Enter your second PIN')
  await enterPin(phone2, FIRST)
  await reads(phone2, '9 tries are left.')
  await expectGoodLooks(phone2, 'second-enter')
  await expectGermanToo(phone2)
  await typeByKeyboard(phone2, 'PIN', SECOND)
  await phone2.page.keyboard.press('Enter')
  await reads(phone2, 'Your second PIN is open.')
  await reads(phone2, 'The key of one conversation of another app is here, too.')
  await follow(phone2, /^Ben/)
  await reads(phone2, 'I am here, too')
  await write(phone2, 'Only the two of us')
  await reads(ben, 'Only the two of us')
  await keepWhatIsStored(phone2)
  await phone2.press('Close it')
  await phone2.sees('Enter your PIN')
  await keepWhatIsStored(phone2)
  await enterPin(phone2, SECOND)
  await reads(phone2, '9 tries are left.')
  expectNoComplaints(phone2, strange, ben)
})

test('no PIN passed on the wire or is kept in a browser, and nothing there tells of the word', async () => {
  const search = async (places: Parameters<typeof searchPlaces>[0]['places'], bytes: Uint8Array[]) =>
    searchPlaces({
      places,
      secrets: { bytes, digits: [FIRST, SECOND] },
      marker,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    })
  const wire = messagesPlace('the wire', [
    ...capture.requestHeads,
    ...capture.requestBodies,
    ...capture.answerHeads,
    ...capture.answerBodies,
  ])
  const browser = messagesPlace('the browser', kept)
  const found = { leaks: 0, findings: [], unmarked: [] }
  expect(await search([wire], [utf8(WORD), utf8(WORD.toLowerCase())])).toMatchObject(found)
  const traces = [WORD, WORD.toLowerCase(), deriveLevel(WORD)].map((text) => utf8(text))
  expect(await search([browser], traces)).toMatchObject(found)
  expect(capture.compressed).toBe(0)
})
