import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import { randomBytes } from 'keyhaven/crypto'
import { randomPhone, startTestApp } from '../../packages/server/src/testing/app.ts'
import type { TestApp } from '../../packages/server/src/testing/app.ts'
import { addAuthenticator } from '../testing/authenticator.ts'
import { openChromium } from '../testing/chromium.ts'
import type { OwnChromium } from '../testing/chromium.ts'
import { OTHER_PIN, PIN } from '../testing/people.ts'
import type { Steps } from './page.ts'

const realmId = randomBytes(16)
// One person signs in more often here than people do.
const limits = { codesPerPhone: { most: 100, seconds: 600 } }
let chromium: OwnChromium
let browser: Browser
let app: TestApp
let site: Awaited<ReturnType<typeof openSite>>

beforeAll(async () => {
  ;[chromium, app, site] = await Promise.all([openChromium(), startTestApp({ realmId, limits }), openSite()])
  browser = await chromium.launch()
})
afterAll(async () => {
  await chromium.close()
  await site.close()
})

/** An app's site on another origin than the server's: one page, its script, and the parts that it loads when needed. */
async function openSite(): Promise<{ readonly address: string; close(): Promise<void> }> {
  const entryPoints = [join(import.meta.dirname, 'page.ts')]
  const { outputFiles } = await build({
    entryPoints,
    bundle: true,
    splitting: true,
    format: 'esm',
    outdir: '/',
    write: false,
  })
  const scripts = new Map(outputFiles.map(({ path, contents }) => [path, contents]))
  const server = createServer((request, response) => {
    const script = scripts.get(request.url ?? '')
    response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? '<!doctype html><script type="module" src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return {
    address: `http://localhost:${String((server.address() as AddressInfo).port)}/`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A browser of its own, signed in with this number. */
async function signedIn(phone: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(site.address)
  await page.waitForFunction('globalThis.steps !== undefined')
  await signIn(page, phone, 'me')
  return page
}

function startOf(phone: string, name: string): Parameters<Steps['askCode']>[0] {
  return { origin: app.origin, realmId: Buffer.from(realmId).toString('hex'), phone, name }
}

/** Goes on in this page as a device with a vault of this name. */
async function signIn(page: Page, phone: string, name: string): Promise<void> {
  const start = startOf(phone, name)
  await run(page, 'askCode', [start])
  await run(page, 'enterCode', [start, app.codes.get(phone) ?? ''])
}

function run<S extends keyof Steps>(
  page: Page,
  step: S,
  args: Parameters<Steps[S]>,
): Promise<Awaited<ReturnType<Steps[S]>>> {
  const call = `steps[${JSON.stringify(step)}](...${JSON.stringify(args)})`
  return page.evaluate<Awaited<ReturnType<Steps[S]>>>(call)
}

test('a key goes from one browser to another with a phone number and a PIN', async () => {
  const phone = randomPhone()
  const conversation = randomUUID()
  const key = [...randomBytes(32)]
  const first = await signedIn(phone)
  await run(first, 'addKey', [conversation, key])
  expect(await run(first, 'backup', [PIN])).toBe('backed-up')
  const second = await signedIn(phone)
  expect(await run(second, 'restore', [OTHER_PIN])).toBe('wrong-pin')
  expect(await run(second, 'key', [conversation])).toEqual([])
  expect(await run(second, 'restore', [PIN])).toBe('restored')
  expect(await run(second, 'key', [conversation])).toEqual(key)
})

test('a part of the app that does not load has a code and begins nothing; loaded anew, the app goes on', async () => {
  const phone = randomPhone()
  const page = await signedIn(phone)
  const conversation = randomUUID()
  await page.route(`${site.address}*.js`, (route) => route.abort())
  await run(page, 'addKey', [conversation, [...randomBytes(32)]])
  for (const step of ['backup', 'restore'] as const) {
    expect(await run(page, step, [PIN])).toBe('ERR_MODULE_UNAVAILABLE')
  }
  for (const step of ['addPasskey', 'sign', 'addPassword'] as const) {
    expect([step, await run(page, step, [])]).toEqual([step, 'ERR_MODULE_UNAVAILABLE'])
  }
  await page.unroute(`${site.address}*.js`)
  await page.reload()
  await page.waitForFunction('globalThis.steps !== undefined')
  await run(page, 'resume', [startOf(phone, 'me')])
  expect(await run(page, 'key', [conversation])).toHaveLength(32)
  expect(await run(page, 'backup', [PIN])).toBe('backed-up')
  expect(await run(page, 'sign', [])).toBe('signed')
})

// One page with one authenticator is two devices with a vault each: the debugging protocol takes a passkey from one virtual
// authenticator to another, but not the secret of its PRF.
test('a passkey opens the backup on a fresh device that has it, until it is removed', async () => {
  const phone = randomPhone()
  const page = await signedIn(phone)
  const original = await addAuthenticator(page)
  const conversation = randomUUID()
  const key = [...randomBytes(32)]
  await run(page, 'addKey', [conversation, key])
  expect(await run(page, 'addPasskey', [])).toBe('no-backup')
  expect(await run(page, 'backup', [PIN])).toBe('backed-up')
  expect(await run(page, 'addPasskey', [])).toBe('added')
  await signIn(page, phone, 'second')
  expect(await run(page, 'key', [conversation])).toEqual([])
  expect(await run(page, 'addPasskey', [])).toBe('ERR_AUTHORITY_REQUIRED')
  const { inputs, named, outcome } = await run(page, 'watchedPasskey', [])
  expect(outcome).toBe('restored')
  expect(named).toEqual([0])
  const account = await run(page, 'account', [])
  const text = Buffer.from('keyhaven/passkey-way-input/v1')
  const parts = [be4(text.length), text, be4(16), Buffer.from(account.replaceAll('-', ''), 'hex')]
  expect(inputs).toEqual([createHash('sha256').update(Buffer.concat(parts)).digest('hex')])
  expect(await run(page, 'key', [conversation])).toEqual(key)

  const other = await signedIn(phone)
  const copy = await addAuthenticator(other)
  expect(await run(other, 'restoreWithPasskey', [])).toBe('cancelled')
  const { credentials } = await original.session.send('WebAuthn.getCredentials', {
    authenticatorId: original.id,
  })
  for (const credential of credentials)
    await copy.session.send('WebAuthn.addCredential', { authenticatorId: copy.id, credential })
  expect(await run(other, 'restoreWithPasskey', [])).toBe('ERR_PASSKEY_UNAVAILABLE no-prf')
  expect(await run(other, 'key', [conversation])).toEqual([])

  expect(await run(page, 'removePasskeys', [])).toEqual(['removed'])
  await signIn(page, phone, 'third')
  expect(await run(page, 'restoreWithPasskey', [])).toBe('unknown-way')
  expect(await run(page, 'key', [conversation])).toEqual([])
  await signIn(page, randomPhone(), 'stranger')
  expect(await run(page, 'restoreWithPasskey', [])).toBe('no-backup')
})

function be4(value: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, value)
}
