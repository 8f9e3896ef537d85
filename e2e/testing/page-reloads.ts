/** A page that is reloaded while it works, and what its person does then. */
import type { Locator, Page, Route } from 'playwright-core'
import { expect } from 'vitest'
import { PIN, choosePin, enterPin } from './page-people.ts'
import type { PageDevice } from './page-people.ts'

const ASKS = /\/(?:v1|realm)\//

export function isBackedUp({ page }: { readonly page: Page }): Promise<void> {
  return page.getByText('Everything is backed up').waitFor()
}

/** Reloads while the `count`-th request of `work` is under way, its answer never seen. False when there were fewer. */
export async function reloadAt(
  device: PageDevice,
  count: number,
  work: () => Promise<void>,
  /** What is there when the work is done. */
  done: Locator = device.page.getByRole('button', { name: 'Go to my keys' }),
): Promise<boolean> {
  const { context, page } = device
  let asked = 0
  let hold: (route: Route) => Promise<void> = (route) => route.continue()
  const reached = new Promise<boolean>((resolve) => {
    hold = async (route) => {
      asked += 1
      if (asked < count) return route.continue()
      // The server has done it, and the page has not heard.
      await route.fetch().catch(() => undefined)
      resolve(true)
    }
  })
  await context.route(ASKS, (route) => hold(route))
  await work()
  const wasReached = await Promise.race([
    reached,
    done.waitFor().then(
      () => false,
      () => false,
    ),
  ])
  await context.unrouteAll({ behavior: 'ignoreErrors' })
  await page.reload()
  return wasReached
}

/** Goes on from wherever a reload has led, to the keys. */
export async function finish(device: PageDevice): Promise<void> {
  const heading = device.page.getByRole('heading', { level: 1 })
  await heading.waitFor()
  const title = await heading.innerText()
  if (title === 'Choose a PIN') {
    await choosePin(device, PIN)
    await device.press('Back up my keys')
    await device.press('Go to my keys')
  } else if (title === 'Enter your PIN') {
    await enterPin(device, PIN)
    await device.press('Go to my keys')
  } else expect(title).toBe('Your keys')
  await isBackedUp(device)
}
