import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import { randomBytes } from 'keyhaven/crypto'
import { randomPhone, startTestApp } from '../../packages/server/src/testing/app.ts'
import type { TestApp } from '../../packages/server/src/testing/app.ts'
import { openChromium } from '../testing/chromium.ts'
import type { OwnChromium } from '../testing/chromium.ts'
import { OTHER_PIN, PIN } from '../testing/people.ts'
import type { Steps } from './page.ts'

const realmId = randomBytes(16)
let chromium: OwnChromium
let browser: Browser
let app: TestApp
let site: Awaited<ReturnType<typeof openSite>>

beforeAll(async () => {
  ;[chromium, app, site] = await Promise.all([openChromium(), startTestApp({ realmId }), openSite()])
  browser = await chromium.launch()
})
afterAll(async () => {
  await chromium.close()
  await site.close()
})

/** An app's site on another origin than the server's: one page and its script. */
async function openSite(): Promise<{ readonly address: string; close(): Promise<void> }> {
  const entryPoints = [join(import.meta.dirname, 'page.ts')]
  const { outputFiles } = await build({ entryPoints, bundle: true, format: 'esm', write: false })
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    response.end(
      isScript ? outputFiles[0]?.contents : '<!doctype html><script type="module" src="/page.js"></script>',
    )
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
  const start = { origin: app.origin, realmId: Buffer.from(realmId).toString('hex'), phone }
  await run(page, 'askCode', [start])
  await run(page, 'enterCode', [start, app.codes.get(phone) ?? ''])
  return page
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
