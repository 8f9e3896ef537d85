/** The page without a connection, and the page after a release. */
import { cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSite } from '@keyhaven/page'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import { PIN, choosePin, enterPin, expectNoComplaints, openPagePlace } from '../testing/page-people.ts'
import { newSetUpDevice } from '../testing/page-prepared.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

const BUILT = fileURLToPath(new URL('../../packages/page/dist/web', import.meta.url))
const OFFLINE = 'No connection. Check your network; nothing is lost.'
const phone = randomPhone()
let place: PagePlace
let owner: PageDevice
let folder: string
/** What the server serves just now: the build, the release after it, or one that is being put up. */
let serves: 'build' | 'half' | 'release' = 'build'

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyhaven-release-'))
  await makeRelease(folder)
  place = await openPagePlace({
    makeSite: (options) => {
      const sites = { build: createSite(options), release: createSite(options, folder) }
      return (request) => {
        const isWorker = new URL(request.url).pathname === '/service-worker.js'
        const half = isWorker ? sites.release : sites.build
        return serves === 'half' ? half(request) : sites[serves](request)
      }
    },
  })
  owner = await newSetUpDevice(place, phone, { serviceWorkers: 'allow' })
  await isKept(owner)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** The same page with another name, and every one of its scripts under another name. */
async function makeRelease(to: string): Promise<void> {
  await cp(BUILT, to, { recursive: true })
  const renew = (text: string): string => text.replaceAll(/(-[\w-]{8})\.js/g, '$1x.js')
  for (const { parentPath, name } of (await readdir(to, { recursive: true, withFileTypes: true })).filter(
    (entry) => /\.(?:html|js)$/.test(entry.name),
  )) {
    const path = join(parentPath, name)
    const text = renew(await readFile(path, 'utf8'))
      .replaceAll(/(release:.)[0-9a-f]{16}/g, '$10123456789abcdef')
      .replace('<html ', '<html data-release="second" ')
    await writeFile(path, text)
    await rename(path, join(parentPath, renew(name)))
  }
}

const reads = (device: PageDevice, text: string | RegExp): Promise<void> =>
  device.page.getByText(text).first().waitFor()

/** The page's files are kept, and the page is answered by what keeps them. */
async function isKept({ page }: PageDevice): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready
    if (navigator.serviceWorker.controller !== null) return
    await new Promise((resolve) => {
      navigator.serviceWorker.addEventListener('controllerchange', resolve)
    })
  })
}

const listKept = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const kept = await Promise.all(
      (await caches.keys()).map(async (name) => (await caches.open(name)).keys()),
    )
    return kept.flat().map(({ url }) => new URL(url).pathname)
  })

test('opened without a connection the page is there, says so, and works on with the keys of the device', async () => {
  await owner.context.setOffline(true)
  await owner.page.reload()
  await owner.sees('Your keys')
  await reads(owner, 'This device has no connection just now.')
  await reads(owner, 'No connection to the server')
  await expectGoodLooks(owner, 'offline')
  await owner.page.getByRole('link', { name: 'Nostr' }).click()
  await owner.sees('Nostr')
  await owner.press('Make a Nostr key')
  await reads(owner, /^npub1/)
  await owner.page.getByRole('link', { name: 'Security' }).click()
  await reads(owner, OFFLINE)
  await owner.context.setOffline(false)
  await owner.page.getByRole('link', { name: 'Home' }).click()
  await owner.press('Back up now')
  await reads(owner, 'Everything is backed up')
  await owner.page.getByText('This device has no connection just now.').waitFor({ state: 'hidden' })
  expectNoComplaints(owner)
})

test('a signed-out device, and one that waits for its PIN, say that there is no connection, and go on when it is back', async () => {
  const device = await place.newDevice({ serviceWorkers: 'allow' })
  await isKept(device)
  await device.context.setOffline(true)
  await device.page.reload()
  await device.sees('Your keys, safe on every device')
  await device.fill('Phone number', phone)
  await device.press('Send me a code')
  await reads(device, OFFLINE)
  await device.context.setOffline(false)
  await device.signIn(phone)
  await device.sees('Enter your PIN')
  await device.context.setOffline(true)
  await device.page.reload()
  await reads(device, OFFLINE)
  await device.context.setOffline(false)
  await device.sees('Enter your PIN')
  await enterPin(device, PIN)
  await device.sees('Your keys are here')
  expectNoComplaints(device)
})

test('a backup that loses the connection in the middle says so, and is done when it is back', async () => {
  const device = await place.newDevice({ serviceWorkers: 'allow' })
  await device.signIn(randomPhone())
  await device.sees('Your keys')
  await device.press('Continue')
  await device.press('Continue')
  await choosePin(device, PIN)
  // The connection is gone at the third request of the backup.
  let asked = 0
  await device.context.route(/\/(?:v1|realm)\//, async (route) => {
    asked += 1
    if (asked < 3) return route.continue()
    await device.context.setOffline(true)
    return route.abort('internetdisconnected')
  })
  await device.press('Back up my keys')
  await reads(device, OFFLINE)
  expect(asked).toBeGreaterThanOrEqual(3)
  await expectGoodLooks(device, 'backup-cut')
  await device.context.unrouteAll({ behavior: 'wait' })
  await device.context.setOffline(false)
  await device.press('Back up my keys')
  await device.sees('Your keys are backed up')
  await device.press('Go to my keys')
  await reads(device, 'Everything is backed up')
  expectNoComplaints(device)
})

test('a part that cannot be loaded without a connection says that, and nothing of a fault of the page', async () => {
  const device = await place.newDevice()
  await device.signIn(phone)
  await enterPin(device, PIN)
  await device.press('Go to my keys')
  await reads(device, 'Everything is backed up')
  await device.context.setOffline(true)
  await device.page.getByRole('link', { name: 'Nostr' }).click()
  await reads(device, OFFLINE)
  await device.page.getByRole('link', { name: 'Home' }).click()
  await device.press('Check the backup')
  // Conversations say the same in a place of their own.
  await device.page.getByRole('region', { name: 'No connection' }).getByText(OFFLINE).waitFor()
  expect(await device.page.getByText('That did not work').count()).toBe(0)
  await device.context.setOffline(false)
  await device.page.getByRole('link', { name: 'Nostr' }).click()
  await device.press('Load the page again')
  await reads(device, /^npub1/)
  expectNoComplaints(device)
})

test('what is kept is the page’s own files, and no answer of a server', async () => {
  const kept = await listKept(owner.page)
  expect(kept).toContain('/')
  expect(kept.length).toBeGreaterThan(50)
  expect(kept.filter((path) => !/^\/(?:|icon\.svg|app\.webmanifest|assets\/[\w.-]+)$/.test(path))).toEqual([])
})

test('after a release the page is the new one, online and offline; one that was open goes on; half a release is not kept', async () => {
  const release = (page: Page): Promise<string | null> => page.locator('html').getAttribute('data-release')
  const checkForRelease = (page: Page): Promise<boolean> =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready
      await registration.update()
      const worker = registration.installing
      if (worker === null) return false
      return new Promise<boolean>((resolve) => {
        worker.addEventListener('statechange', () => {
          if (['activated', 'redundant'].includes(worker.state)) resolve(worker.state === 'activated')
        })
      })
    })
  await owner.page.reload()
  try {
    serves = 'half'
    expect(await checkForRelease(owner.page)).toBe(false)
    serves = 'release'
    const other = await owner.context.newPage()
    other.setDefaultTimeout(120_000)
    await other.goto(place.address)
    expect(await release(other)).toBe('second')
    await other.getByText('Everything is backed up').waitFor()
    expect(await release(owner.page)).toBe(null)
    await owner.page.evaluate(async (name) => {
      const isThere = async (): Promise<boolean> => (await caches.keys()).includes(name)
      const registration = await navigator.serviceWorker.ready
      await registration.update()
      while (!(await isThere()) || registration.installing !== null || registration.waiting !== null)
        await new Promise((resolve) => setTimeout(resolve, 50))
    }, 'page-0123456789abcdef')
    // A part that was not loaded yet, and that the server does not have any more.
    await owner.page.getByRole('link', { name: 'Nostr' }).click()
    await owner.sees('Nostr')
    await owner.context.setOffline(true)
    await other.reload()
    expect(await release(other)).toBe('second')
    await other.getByText('No connection to the server').waitFor()
  } finally {
    serves = 'build'
  }
  expectNoComplaints(owner)
})
