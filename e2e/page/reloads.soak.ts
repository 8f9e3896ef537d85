/** A reload at every request of all that a person does. */
import { beforeAll, expect, test } from 'vitest'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { JOURNEYS } from '../testing/page-journeys.ts'
import { expectNoComplaints, openPagePlace } from '../testing/page-people.ts'
import type { PagePlace } from '../testing/page-people.ts'
import { reloadAt } from '../testing/page-reloads.ts'

let place: PagePlace

beforeAll(async () => {
  place = await openPagePlace()
})

test.each(JOURNEYS)('a reload at any request of $name loses nothing', async (journey) => {
  let count = 0
  for (let reached = true; reached;) {
    count += 1
    // The server's clock stands still otherwise, and the browsers' go on.
    place.app.clock.now = new Date()
    const traveller = {
      place,
      device: await place.newDevice({ serviceWorkers: 'allow' }),
      phone: randomPhone(),
    }
    const { device } = traveller
    await journey.prepare(traveller)
    reached = await reloadAt(device, count, () => journey.work(device), journey.done(device))
    if (reached) await journey.goOn(traveller)
    expectNoComplaints(device)
    for (const context of place.contexts()) await context.close()
  }
  expect(count).toBeGreaterThan(3)
})
