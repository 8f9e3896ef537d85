/** A vault in a real browser's IndexedDB that is cut short at every call of the database: the old state, or the new one. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { openChromium } from '../testing/chromium.ts'
import type { OwnChromium } from '../testing/chromium.ts'
import { STRICT, openVaultSite } from '../testing/vault-site.ts'
import type { VaultSite } from '../testing/vault-site.ts'
import type { Step } from './cut-database.ts'

const steps: readonly Step[] = ['create', 'write', 'change-protection', 'remove-device-key', 'destroy']
/** A page that is killed at each call takes a second each; all steps in the soak, the one that writes most always. */
const killed: readonly Step[] = process.env['KEYHAVEN_SOAK'] === '1' ? steps : ['write']

let chromium: OwnChromium
let browser: Browser
let site: VaultSite
let context: BrowserContext
beforeAll(async () => {
  ;[chromium, site] = await Promise.all([openChromium(), openVaultSite()])
  browser = await chromium.launch()
})
afterAll(async () => {
  await chromium.close()
  await site.close()
})
beforeEach(async () => {
  context = await browser.newContext()
})
afterEach(() => context.close())

async function newTab(): Promise<Page> {
  const tab = await context.newPage()
  await tab.goto(site.address(STRICT, '/cuts'))
  await tab.waitForFunction('globalThis.cuts !== undefined')
  return tab
}

function call<T>(tab: Page, name: string, ...args: readonly unknown[]): Promise<T> {
  return tab.evaluate<T>(`cuts.${name}(...${JSON.stringify(args)})`)
}

describe.each(steps)('a database that fails during %s', (step) => {
  it('at any of its calls leaves the old or the new state, and the vault usable', async () => {
    const tab = await newTab()
    for (const kind of ['throw', 'abort'] as const) {
      const ends = await call<readonly string[]>(tab, 'cutEverywhere', step, kind)
      expect(ends.length).toBeGreaterThan(3)
      expect(ends.at(-1)).toBe('done new')
      expect(new Set(ends)).toContain('ERR_STORAGE_FAILED old')
      for (const end of ends) {
        expect(['ERR_STORAGE_FAILED old', 'ERR_STORAGE_FAILED new', 'done new']).toContain(end)
      }
    }
  })
})

describe.each(killed)('a page that is killed during %s', (step) => {
  it('at any call of the database leaves the old or the new state, and the vault usable', async () => {
    const states: string[] = []
    for (let at = 1; ; at += 1) {
      const tab = await newTab()
      await call(tab, 'prepareCut', step)
      const session = await context.newCDPSession(tab)
      const struck = tab.waitForEvent('console', { timeout: 0 })
      const run = call<{ readonly calls: number }>(tab, 'runCut', step, at, 'stop').then(
        () => 'done',
        () => 'killed',
      )
      if ((await Promise.race([struck, run])) !== 'done') {
        void session.send('Page.crash').catch(() => undefined)
        expect(await run).toBe('killed')
      }
      const outcome = await run
      void struck.catch(() => undefined)
      await tab.close()
      const after = await newTab()
      states.push(await call(after, 'judgeCut', step))
      await after.close()
      if (outcome === 'done') break
    }
    expect(states.length).toBeGreaterThan(3)
    expect([...new Set(states)].toSorted()).toEqual(['new', 'old'])
    expect(states.at(-1)).toBe('new')
  })
})
