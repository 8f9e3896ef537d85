/** Whether a screen is in German: no English word is left on it, and long words fit a phone. */
import { expect } from 'vitest'
import { de } from '../../packages/page/src/web/texts/de.ts'
import { en } from '../../packages/page/src/web/texts/en.ts'
import type { PageDevice } from './page-people.ts'

/** What stands in for what a text is given, such as a name. */
const GIVEN = '\u0000'
/** Parts of English texts that are no part of a German one; the name of the language is chosen by. */
export const english = listParts({ ...en, language: '' }).filter(
  (part) => !listParts(de).some((other) => other.includes(part)),
)

/** Every text of a language in the parts that do not change, without signs at their ends. */
function listParts(value: unknown): readonly string[] {
  if (typeof value === 'string') {
    const parts = value.split(GIVEN).map((part) => part.replaceAll(/^[^\p{L}\d]+|[^\p{L}\d]+$/gu, ''))
    return parts.filter((part) => part.length > 3)
  }
  if (typeof value === 'function')
    return listParts((value as (...input: readonly string[]) => string)(GIVEN, GIVEN, GIVEN))
  return Object.values(value as object).flatMap(listParts)
}

/** Runs on the page: what a person sees of it, and what a screen reader says. */
export function readAll(): string {
  const said = [...document.querySelectorAll('[aria-label], [placeholder], img[alt], title')].map((element) =>
    ['aria-label', 'placeholder', 'alt'].map((name) => element.getAttribute(name) ?? '').join('\n'),
  )
  return [document.title, document.body.innerText, ...said].join('\n')
}

/** Runs on the page: what is wider than the window, or than its own box. */
function findCut(): readonly string[] {
  const found = [
    ...document.querySelectorAll('h1, h2, p, li, dt, dd, button, label, a, small, strong'),
  ].filter(
    (element) =>
      element.scrollWidth > element.clientWidth + 1 &&
      getComputedStyle(element).display !== 'inline' &&
      element.closest('.wide, .quiet-label, pre, .conversations') === null,
  )
  const { scrollWidth, clientWidth } = document.documentElement
  return [...found.map(({ textContent }) => textContent), ...(scrollWidth > clientWidth ? ['the page'] : [])]
}

/** Words are German on this screen, and fit a phone of 320 px. */
export async function isGerman({ page }: PageDevice): Promise<void> {
  await page.setViewportSize({ width: 320, height: 640 })
  const [all, cut] = [await page.evaluate(readAll), await page.evaluate(findCut)]
  expect(await page.locator('html').getAttribute('lang')).toBe('de')
  const found = english.filter((part) => new RegExp(`(?<!\\p{L})${escape(part)}(?!\\p{L})`, 'u').test(all))
  expect({ found, cut }).toEqual({ found: [], cut: [] })
  await page.setViewportSize({ width: 1280, height: 720 })
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** The same screen of a device that speaks English, in German for as long as this looks. */
export async function expectGermanToo(device: PageDevice): Promise<void> {
  const { page } = device
  const language = page.locator('.settings select').first()
  await language.selectOption('de')
  await page.locator('html[lang=de]').waitFor()
  await isGerman(device)
  await language.selectOption('en')
  await page.locator('html[lang=en]').waitFor()
}
