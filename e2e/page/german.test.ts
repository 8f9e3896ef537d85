/** The page in German, from the first visit to the next device: no English word is left on a screen, and long words fit a phone. */
import { beforeAll, expect, test } from 'vitest'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { de } from '../../packages/page/src/web/texts/de.ts'
import { en } from '../../packages/page/src/web/texts/en.ts'
import { english, isGerman, readAll } from '../testing/page-german.ts'
import { PIN, expectNoComplaints, openPagePlace } from '../testing/page-people.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

const phone = randomPhone()
let place: PagePlace
let first: PageDevice
let second: PageDevice

beforeAll(async () => {
  place = await openPagePlace()
  first = await place.newDevice({ locale: 'de-DE' })
  second = await place.newDevice({ locale: 'de-DE' })
})

const reads = (device: PageDevice, text: string | RegExp): Promise<void> =>
  device.page.getByText(text).first().waitFor()
const sees = async (device: PageDevice, heading: string): Promise<void> => {
  await device.sees(heading)
  await isGerman(device)
}
const follow = ({ page }: PageDevice, name: string): Promise<void> =>
  page.getByRole('link', { name, exact: true }).click()

async function signIn(device: PageDevice): Promise<void> {
  await sees(device, de.phone.title)
  await device.fill(de.phone.number, phone)
  await device.press(de.phone.send)
  await device.press(de.code.use)
  await sees(device, de.code.title)
  await device.press(de.code.check)
}

async function choosePin(device: PageDevice, go: string): Promise<void> {
  await device.fill(de.pin.label, '123456')
  await reads(device, de.pin.refusals.sequence)
  await isGerman(device)
  await device.fill(de.pin.label, PIN)
  await reads(device, /Wenn sich die Betreiber/)
  await device.fill(de.pin.repeat, PIN)
  await isGerman(device)
  await device.press(go)
}

test('the check finds English where it is', async () => {
  const device = await place.newDevice({ locale: 'en-US' })
  await device.sees(en.phone.title)
  const all = await device.page.evaluate(readAll)
  expect(english.filter((part) => all.includes(part)).length).toBeGreaterThan(5)
  expect(english.length).toBeGreaterThan(300)
  await device.context.close()
})

test('keys, backup, a recovery code, and every screen of a device that has its keys', async () => {
  await signIn(first)
  await sees(first, de.keys.title)
  for (const choice of [de.keys.bring, de.imports.choices.qryptchat]) {
    await first.page.getByText(choice).click()
    await isGerman(first)
  }
  await first.page.getByText(de.keys.make).click()
  await first.press(de.next)
  await sees(first, de.keep.title)
  await first.press(de.next)
  await first.sees(de.pin.title)
  await choosePin(first, de.pin.backUp)
  await sees(first, de.pin.doneTitle)
  await first.press(de.spare.kit)
  await sees(first, de.kit.title)
  await first.page.goBack()
  await first.press(de.spare.code)
  await sees(first, de.recoveryCode.title)
  await first.press(de.recoveryCode.make)
  await sees(first, de.recoveryCode.shownTitle)
  await first.press(de.recoveryCode.written)
  await sees(first, de.recoveryCode.checkTitle)
  await first.press(de.recoveryCode.discard)
  await first.press(de.pin.start)
  await reads(first, de.home.safe)
  await first.press(de.home.verify)
  await reads(first, /^Gerade geprüft/)
  await isGerman(first)
  await first.press(de.home.signOut)
  await first.page.getByRole('dialog').waitFor()
  await isGerman(first)
  await first.press(de.cancel)
  await follow(first, de.nav.nostr)
  await sees(first, de.nostr.title)
  await first.press(de.nostr.make)
  await reads(first, /^npub1/)
  await first.fill(de.nostr.noteLabel, 'Grüße')
  await first.press(de.nostr.sign)
  await reads(first, de.nostr.valid)
  await isGerman(first)
  await follow(first, de.nav.home)
  await follow(first, de.talk.invite)
  await sees(first, de.talk.invite)
  await first.fill(de.talk.who, 'Jürgen')
  await first.press(de.talk.makeLink)
  await reads(first, de.talk.linkWaits)
  await isGerman(first)
  await follow(first, de.talk.about)
  await reads(first, de.talk.removeLead)
  await isGerman(first)
  expectNoComplaints(first)
})

test('security, and the next device to its keys; days are written as people write them', async () => {
  await follow(first, de.nav.security)
  await first.sees(de.security.title)
  await reads(first, /^Geprüft: Bis zum \d{1,2}\. \p{L}+ \d{4} um \d{2}:\d{2} fehlt nichts\.$/u)
  await isGerman(first)
  await first.press(de.security.keepChange)
  await isGerman(first)
  await first.press(de.security.changePin)
  await first.page.getByLabel(de.pin.label, { exact: true }).waitFor()
  await isGerman(first)
  await first.press(de.waysIn.addDevice)
  await sees(first, de.link.oldTitle)
  await signIn(second)
  await sees(second, de.enterPin.title)
  for (const [way, heading] of [
    [de.without.go['recovery-code'], de.without.code.title],
    [de.without.go.kit, de.without.kit.title],
    [de.without.go.link, de.link.newTitle],
  ] as const) {
    await second.press(way)
    await sees(second, heading)
  }
  await second.page.getByRole('img', { name: de.link.picture }).waitFor()
  await isGerman(second)
  await second.press(de.without.go.pin)
  await second.fill(de.enterPin.label, '830164')
  await second.press(de.enterPin.open)
  await reads(second, de.enterPin.wrong)
  await isGerman(second)
  await second.fill(de.enterPin.label, PIN)
  await second.press(de.enterPin.open)
  await sees(second, de.enterPin.doneTitle)
  await second.press(de.pin.start)
  await reads(second, de.home.safe)
  expectNoComplaints(first, second)
})
