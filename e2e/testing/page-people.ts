/**
 * People who use the page: a real server with the built page, and a real Chromium with a profile for each device.
 */
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, expect } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { parseConfiguration } from 'keyhaven/recovery'
import { createKeySync, httpTransport, requestSignInCode, signIn } from 'keyhaven/sync'
import type { KeySync, Session } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'
import { createSite, openInbox } from '@keyhaven/page'
import { addMessengerRoutes } from '../../packages/page/src/server/messenger/routes.ts'
import { DEFAULT_REALM_LIMITS } from '../../packages/server/src/settings/realm-limits.ts'
import { startTestApp } from '../../packages/server/src/testing/app.ts'
import type { AppInput } from '../../packages/server/src/app.ts'
import type { TestApp } from '../../packages/server/src/testing/app.ts'
import { openChromium } from './chromium.ts'
import type { OwnChromium } from './chromium.ts'
import { newVault } from './people.ts'

export const PIN = '274951'
export const OTHER_PIN = 'blue kettle 83'

const USUAL = { locale: 'en-US', reducedMotion: 'reduce', serviceWorkers: 'block' } as const

/** A browser profile on the page. */
export interface PageDevice {
  readonly context: BrowserContext
  readonly page: Page
  /** Console errors, warnings and uncaught faults so far; lines of the browser's own are not ours. */
  readonly complaints: string[]
  /** From the phone number to what follows the code. */
  signIn(phone: string): Promise<void>
  press(name: string | RegExp): Promise<void>
  fill(label: string, text: string): Promise<void>
  sees(heading: string): Promise<void>
}

export interface PagePlace {
  readonly app: TestApp
  /** The page's address; passkeys want the name. */
  readonly address: string
  /** At the page unless `at` is another path of its server. A service worker, which fetches every file of the page, only where told. */
  newDevice(options?: BrowserContextOptions & { readonly at?: string }): Promise<PageDevice>
  /** The profiles of all devices that are open. */
  contexts(): readonly BrowserContext[]
}

const opened: OwnChromium[] = []

afterAll(async () => {
  for (const chromium of opened.splice(0)) await chromium.close()
})

/** Opens the place; closed after the file. `makeSite` may serve something else than the build, `through` may be a proxy's origin. */
export async function openPagePlace({
  makeSite = createSite,
  through = (origin: string): string => origin,
  limits = {},
}: {
  readonly makeSite?: typeof createSite
  readonly through?: (origin: string) => string
  /** Of the server's, those that are not the usual ones. */
  readonly limits?: AppInput['limits']
} = {}): Promise<PagePlace> {
  const realmId = randomBytes(16)
  const inbox = openInbox()
  const app = await startTestApp({
    realmId,
    codeSender: inbox.send,
    site: makeSite({ realmId: toHex(realmId), inbox }),
    routes: addMessengerRoutes,
    limits,
    realmLimits: { ...DEFAULT_REALM_LIMITS, evaluationsPerDay: 1000 },
  })
  const chromium = await openChromium()
  opened.push(chromium)
  const browser = await chromium.launch()
  const address = through(app.origin).replace('127.0.0.1', 'localhost')
  let asOf = Date.now()
  return {
    app,
    address,
    contexts: () => browser.contexts(),
    newDevice: async ({ at = '', ...options } = {}) => {
      // The server's clock stands still, the browsers' goes on: minutes on a slow machine, and sessions would seem over.
      const passed = Date.now() - asOf
      app.clock.now = new Date(app.clock.now.getTime() + passed)
      asOf += passed
      const context = await browser.newContext({ ...USUAL, ...options })
      const page = await context.newPage()
      page.setDefaultTimeout(120_000)
      const complaints: string[] = []
      page.on('console', (message) => {
        const isOwn = !/^(?:Failed to load resource|Service Worker registration blocked by)/.test(
          message.text(),
        )
        if (['error', 'warning'].includes(message.type()) && isOwn) complaints.push(message.text())
      })
      page.on('pageerror', (fault) => complaints.push(fault.message))
      await page.goto(address + at)
      return deviceOf(context, page, complaints)
    },
  }
}

function deviceOf(context: BrowserContext, page: Page, complaints: string[]): PageDevice {
  const device: PageDevice = {
    context,
    page,
    complaints,
    press: (name) => page.getByRole('button', { name, exact: typeof name === 'string' }).click(),
    fill: (label, text) => page.getByLabel(label, { exact: true }).fill(text),
    sees: (heading) => page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor(),
    signIn: async (phone) => {
      await device.fill('Phone number', phone)
      await device.press('Send me a code')
      await device.press('Use this code')
      await device.press('Sign in')
    },
  }
  return device
}

/** Makes keys and the first backup; ends on the home screen, unless something else awaits the person. `look` is called on every screen. */
export async function setUp(
  device: PageDevice,
  phone: string,
  options: {
    readonly look?: (device: PageDevice, screen: string) => Promise<void>
    readonly toHome?: boolean
  } = {},
): Promise<void> {
  const look = (screen: string): Promise<void> => options.look?.(device, screen) ?? Promise.resolve()
  await device.sees('Your keys, safe on every device')
  await look('sign-in')
  await device.fill('Phone number', phone)
  await device.press('Send me a code')
  await device.press('Use this code')
  await look('code')
  await device.press('Sign in')
  await device.sees('Your keys')
  await look('keys')
  await device.press('Continue')
  await device.sees('How should this device keep them?')
  await look('keep')
  await device.press('Continue')
  await choosePin(device, PIN)
  await look('pin')
  await device.press('Back up my keys')
  await device.sees('Your keys are backed up')
  await look('backed-up')
  await device.press('Go to my keys')
  if (options.toHome === false) return
  await device.page.getByText('Everything is backed up').waitFor()
  await look('home')
}

export async function choosePin(device: PageDevice, pin: string): Promise<void> {
  await device.fill('New PIN', pin)
  await device.page.getByText('If the people who run this server').waitFor()
  await device.fill('The same PIN again', pin)
}

/** Enters a PIN on the next device. */
export async function enterPin(device: PageDevice, pin: string): Promise<void> {
  await device.fill('PIN', pin)
  await device.press('Bring my keys')
}

export function expectNoComplaints(...devices: readonly PageDevice[]): void {
  expect(devices.flatMap(({ complaints }) => complaints)).toEqual([])
}

export interface Program {
  readonly deviceLabel?: string
  /** In memory unless told. */
  readonly vault?: Vault
}

/** A program beside the page, as a device of its own. */
export async function signInProgram(
  origin: string,
  phone: string,
  program: Program = {},
): Promise<{ readonly session: Session; readonly vault: Vault }> {
  const { requestId } = await requestSignInCode({ origin, phone })
  const asked = await fetch(`${origin}/inbox`, {
    method: 'POST',
    body: JSON.stringify({ phone }),
    headers: { origin },
  })
  const { code } = (await asked.json()) as { readonly code: string }
  const { deviceLabel = 'program', vault = await newVault() } = program
  return { session: await signIn({ origin, phone, requestId, code, vault, deviceLabel }), vault }
}

/** The account as such a program has it. */
export async function signInBeside(origin: string, phone: string, program?: Program): Promise<KeySync> {
  const { session, vault } = await signInProgram(origin, phone, program)
  const page = await (await fetch(origin)).text()
  const id = /name="keyhaven-realm" content="([0-9a-f]+)"/.exec(page)?.[1] ?? ''
  const configuration = parseConfiguration({
    realms: [{ id, address: `${origin}/realm/` }],
    register_threshold: 1,
    recover_threshold: 1,
    pin_hashing_mode: 'Standard2019',
  })
  return createKeySync({ transport: httpTransport({ session }), vault, configuration })
}
