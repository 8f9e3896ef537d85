/** Whether what can be pressed stays where it is while a screen fills: a press on what moves away is lost. */
import { expect } from 'vitest'
import type { PageDevice } from './page-people.ts'

/** How long each answer of the server is kept back after the one before it: each is seen by itself. */
const APART_MS = 60

declare global {
  /** As the page has it while it is watched. */
  interface Window {
    keyhavenMoves?: { readonly at: Map<Element, number>; readonly moved: string[]; isOver: boolean }
  }
}

/** `go` leads to a screen, which is whole when `whole` is read there. */
export async function expectNothingMoves(
  { page }: PageDevice,
  go: () => Promise<void>,
  whole: string | RegExp,
): Promise<void> {
  let last = Promise.resolve()
  let open = 0
  await page.route(/\/(?:v1|realm)\//, async (route) => {
    open += 1
    last = last.then(() => new Promise((resolve) => setTimeout(resolve, APART_MS)))
    await last
    await route.fulfill({ response: await route.fetch() })
    open -= 1
  })
  await go()
  await page.evaluate(watchMoves)
  await page.getByText(whole).first().waitFor()
  await expect.poll(() => open).toBe(0)
  await page.unrouteAll({ behavior: 'wait' })
  const { moved, seen } = await page.evaluate(endWatch)
  expect(seen).toBeGreaterThan(3)
  expect(moved).toEqual([])
}

/** Runs on the page. */
function watchMoves(): void {
  const watch = { at: new Map<Element, number>(), moved: [] as string[], isOver: false }
  window.keyhavenMoves = watch
  const look = (): void => {
    for (const element of document.querySelectorAll('main button, main a.button')) {
      if (!element.checkVisibility()) continue
      const at = element.getBoundingClientRect().top + scrollY
      const before = watch.at.get(element)
      if (before !== undefined && Math.abs(before - at) > 1) watch.moved.push(element.textContent)
      watch.at.set(element, at)
    }
    if (!watch.isOver) requestAnimationFrame(look)
  }
  look()
}

/** Runs on the page. */
function endWatch(): { readonly moved: readonly string[]; readonly seen: number } {
  const watch = window.keyhavenMoves
  if (watch === undefined) return { moved: ['nothing was watched'], seen: 0 }
  watch.isOver = true
  return { moved: watch.moved, seen: watch.at.size }
}
