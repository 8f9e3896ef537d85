/** A person who has no mouse. */
import type { Page } from 'playwright-core'
import type { PageDevice } from './page-people.ts'

/** Moves on by the Tab key until the focus is on what has this name. */
export async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  for (let steps = 0; steps < 60; steps += 1) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const element = document.activeElement
      const isField = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement
      const label = isField ? element.labels?.[0] : undefined
      return element?.getAttribute('aria-label') ?? (label ?? element)?.textContent.trim() ?? ''
    })
    if (typeof name === 'string' ? at === name : name.test(at)) return
  }
  throw new Error(`the Tab key does not lead to ${String(name)}`)
}

export async function goOnByKeyboard({ page }: PageDevice, name: string | RegExp): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press('Enter')
}

export async function typeByKeyboard({ page }: PageDevice, label: string, text: string): Promise<void> {
  await tabTo(page, label)
  await page.keyboard.type(text)
}

/** Ticks a box, or takes the tick away. */
export async function tickByKeyboard({ page }: PageDevice, name: string | RegExp): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press('Space')
}
