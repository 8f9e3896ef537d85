/**
 * What a person does on the page that asks the server more than once, and what has to be true when the page was reloaded in the
 * middle of it: nothing is lost, exactly one PIN works, and the page says what is going on.
 */
import type { Locator } from 'playwright-core'
import { expect } from 'vitest'
import { OTHER_PIN, PIN, choosePin, enterPin, setUp, signInBeside } from './page-people.ts'
import type { PageDevice, PagePlace } from './page-people.ts'
import { finish, isBackedUp } from './page-reloads.ts'

export interface Traveller {
  readonly place: PagePlace
  readonly device: PageDevice
  readonly phone: string
}

export interface Journey {
  readonly name: string
  /** From a browser with nothing to where `work` begins. */
  readonly prepare: (traveller: Traveller) => Promise<void>
  readonly work: (device: PageDevice) => Promise<void>
  readonly done: (device: PageDevice) => Locator
  /** After a reload: goes on as its person would. */
  readonly goOn: (traveller: Traveller) => Promise<void>
}

const text = ({ page }: PageDevice, words: string | RegExp): Locator => page.getByText(words).first()
export const toSecurity = async (device: PageDevice): Promise<void> => {
  await device.page.getByRole('link', { name: 'Security' }).click()
  // Then all that the screen asks is answered, and what is counted from here on is the work's.
  await device.page.getByRole('button', { name: 'Change PIN' }).waitFor()
}
const toHome = async (device: PageDevice): Promise<void> => {
  await device.page.getByRole('link', { name: 'Home' }).click()
  await isBackedUp(device)
}
const deleteAll = async (device: PageDevice): Promise<void> => {
  await device.press('Delete everything')
  await device.fill('Type DELETE to go on', 'DELETE')
  await device.page.getByRole('dialog').getByRole('button', { name: 'Delete everything' }).click()
}

/** Exactly one of these PINs opens the backup on a device of its own. */
export async function expectOnePin({ place, phone }: Traveller, pins: readonly string[]): Promise<string> {
  const sync = await signInBeside(place.address, phone)
  const opened: string[] = []
  for (const pin of pins) if ((await sync.restore({ pin })).status === 'restored') opened.push(pin)
  expect(opened).toHaveLength(1)
  return opened[0] ?? ''
}

const prepareSecurity = async ({ device, phone }: Traveller): Promise<void> => {
  await setUp(device, phone)
  await toSecurity(device)
}

const firstDevice: Journey = {
  name: 'the first backup',
  prepare: async ({ device, phone }) => {
    await device.signIn(phone)
    await device.press('Continue')
    await device.press('Continue')
    await device.sees('Choose a PIN')
  },
  work: async (device) => {
    await choosePin(device, PIN)
    await device.press('Back up my keys')
  },
  done: ({ page }) => page.getByRole('button', { name: 'Go to my keys' }),
  goOn: async (traveller) => {
    await finish(traveller.device)
    await expectOnePin(traveller, [OTHER_PIN, PIN])
  },
}

const nextDevice: Journey = {
  name: 'a restore',
  prepare: async ({ place, device, phone }) => {
    await setUp(await place.newDevice(), phone)
    await device.signIn(phone)
    await device.sees('Enter your PIN')
  },
  work: (device) => enterPin(device, PIN),
  done: firstDevice.done,
  goOn: firstDevice.goOn,
}

export const pinChange: Journey = {
  name: 'a change of the PIN',
  prepare: prepareSecurity,
  work: async (device) => {
    await device.press('Change PIN')
    await choosePin(device, OTHER_PIN)
    await device.press('Change PIN')
  },
  done: (device) => text(device, 'The PIN is changed.'),
  goOn: async (traveller) => {
    const { device } = traveller
    await text(device, 'Which PIN is it now?').waitFor()
    await expectOnePin(traveller, [PIN, OTHER_PIN])
    await pinChange.work(device)
    await pinChange.done(device).waitFor()
    await text(device, 'Which PIN is it now?').waitFor({ state: 'hidden' })
    await toHome(device)
    expect(await expectOnePin(traveller, [PIN, OTHER_PIN])).toBe(OTHER_PIN)
  },
}

export const rotation: Journey = {
  name: 'a new lock',
  prepare: prepareSecurity,
  work: (device) => device.press('Renew the lock of the backup'),
  done: (device) => text(device, 'The backup has a new lock.'),
  goOn: async (traveller) => {
    await traveller.device.sees('Security')
    await toHome(traveller.device)
    await expectOnePin(traveller, [OTHER_PIN, PIN])
  },
}

export const newWay: Journey = {
  name: 'a recovery code',
  prepare: async (traveller) => {
    await prepareSecurity(traveller)
    await traveller.device.press('Make a recovery code')
    await traveller.device.sees('A recovery code')
  },
  work: (device) => device.press('Show me the code'),
  done: ({ page }) => page.getByRole('heading', { name: 'Write down your code' }),
  goOn: async (traveller) => {
    const { device } = traveller
    // The code was never seen: the page shows none, and makes another one when it is asked to.
    await device.sees('A recovery code')
    await newWay.work(device)
    await newWay.done(device).waitFor()
    await device.press('I do not want this code')
    await toHome(device)
    await device.press('Check the backup')
    await text(device, /^Checked just now: all of it opens\./).waitFor()
    await expectOnePin(traveller, [OTHER_PIN, PIN])
  },
}

export const deletion: Journey = {
  name: 'a deletion',
  prepare: prepareSecurity,
  work: deleteAll,
  done: (device) => text(device, 'Everything is deleted'),
  goOn: async ({ place, device, phone }) => {
    await device.page.getByRole('heading', { level: 1 }).waitFor()
    // Where the account itself is gone, so is the session that could tell.
    if (await device.page.getByRole('heading', { name: 'Deleting was interrupted' }).isVisible()) {
      await device.press('Go on and delete everything')
      await deletion.done(device).waitFor()
    } else {
      await text(device, 'your account may be gone already').waitFor()
      await device.press('Remove everything from this device')
      await device.press('Remove it')
      await device.page.getByRole('dialog').waitFor({ state: 'hidden' })
    }
    await device.sees('Your keys, safe on every device')
    await device.page.reload()
    await device.sees('Your keys, safe on every device')
    // A number gets three codes in ten minutes.
    place.app.clock.now = new Date(Date.now() + 11 * 60_000)
    const sync = await signInBeside(place.address, phone)
    place.app.clock.now = new Date()
    expect(await sync.sync()).toMatchObject({ status: 'no-backup' })
  },
}

export const JOURNEYS: readonly Journey[] = [firstDevice, nextDevice, pinChange, rotation, newWay, deletion]
