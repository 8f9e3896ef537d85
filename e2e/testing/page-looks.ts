/**
 * How a screen looks and reads: axe-core finds nothing on it in light on a phone and in dark on a desktop, and nothing is
 * wider than the window at any width between. KEYHAVEN_SCREENSHOTS names a folder for pictures of what was seen.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type AxeCore from 'axe-core'
import { expect } from 'vitest'
import type { PageDevice } from './page-people.ts'

/** As the page has it once the source was run there. */
declare const axe: typeof AxeCore

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Colours do not depend on the width, nor widths on the theme; axe-core, which takes long, reads the two ends. */
const LOOKS = [
  { theme: 'light', width: 320, height: 640, read: true },
  { theme: 'dark', width: 768, height: 1024, read: false },
  { theme: 'dark', width: 1440, height: 900, read: true },
] as const
const ALL_LOOKS = LOOKS.flatMap((look) =>
  (['light', 'dark'] as const).map((theme) => ({ ...look, theme, read: true })),
)
const USUAL = { width: 1280, height: 720 }

export async function expectGoodLooks({ page }: PageDevice, name: string): Promise<void> {
  const folder = process.env['KEYHAVEN_SCREENSHOTS']
  if (folder !== undefined) mkdirSync(folder, { recursive: true })
  await page.evaluate(AXE)
  for (const { theme, read, ...size } of folder === undefined ? LOOKS : ALL_LOOKS) {
    await page.setViewportSize(size)
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    const found = await page.evaluate(lookOver, read)
    expect({ name, ...size, theme, found }).toEqual({ name, ...size, theme, found: [] })
    if (folder === undefined) continue
    const path = join(folder, `${name}-${String(size.width)}-${theme}.png`)
    await page.screenshot({ path, fullPage: true })
  }
  await page.setViewportSize(USUAL)
}

/** Runs on the page. */
async function lookOver(read: boolean): Promise<readonly string[]> {
  // What react-aria says aloud names a button, also for the seconds after the button has gone.
  const where = { exclude: '[data-live-announcer]' }
  const { violations } = read ? await axe.run(where, { resultTypes: ['violations'] }) : { violations: [] }
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
  const { scrollWidth, clientWidth } = document.documentElement
  return scrollWidth > clientWidth ? [...found, `wider than the window: ${String(scrollWidth)}`] : found
}
