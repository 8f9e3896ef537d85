import { beforeAll, describe, expect, test } from 'vitest'
import { KeyhavenError } from 'keyhaven'
import { cutAfter } from './testing/cuts.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place

beforeAll(async () => {
  place = await openPlace()
})

describe('a device that is killed after any step', { timeout: 900_000 }, () => {
  test('of a later backup sends what it had to send at the next one, and nothing twice', async () => {
    const first = await place.newDevice()
    await (await first.sync()).backup({ pin: PIN })
    const second = await place.newDevice({ phone: first.phone })
    await (await second.sync()).restore({ pin: PIN })
    const steps = await forEachCut(async (steps) => {
      await first.keys.importKeys(makeConversations(1))
      await second.keys.importKeys(makeConversations(1))
      await (await second.sync()).backup()
      const cut = cutAfter(first.vault, steps)
      await attempt(async () => (await first.sync(cut)).backup())
      await (await first.sync()).backup()
      await (await second.sync()).backup()
      expect(await second.keys.exportKeys()).toEqual(await first.keys.exportKeys())
      expect(await (await first.sync()).status()).toMatchObject({ upToDate: true })
      return cut.killed()
    })
    expect(steps).toBeGreaterThan(6)
    expect(await countSegments(first)).toBeLessThanOrEqual(2 * (steps + 1) + 3)
  })

  test('of a restore restores at the next try, and is in the backup as a device after that', async () => {
    const first = await place.newDevice()
    await first.keys.importKeys(makeKeys(3))
    await (await first.sync()).backup({ pin: PIN })
    const steps = await forEachCut(async (steps) => {
      const second = await place.newDevice({ phone: first.phone })
      const cut = cutAfter(second.vault, steps)
      await attempt(async () => (await second.sync(cut)).restore({ pin: PIN }))
      const keys = await second.keys.exportKeys()
      const whole = await first.keys.exportKeys()
      if (Object.keys(keys.conversationKeys).length > 0) expect(keys).toEqual(whole)
      expect(await (await second.sync()).restore({ pin: PIN })).toMatchObject({ deviceAdded: true })
      expect(await second.keys.exportKeys()).toEqual(whole)
      return cut.killed()
    }, FIRST_STEP_OF_RENEWAL)
    expect(steps).toBeGreaterThan(25)
    expect(await (await first.sync()).backup({ pin: OTHER_PIN })).toMatchObject({ guessesRemaining: 9 })
    const [left] = await place.app.database.asSuperuser(
      `SELECT (SELECT count(*)::int FROM realm.records) - (SELECT count(*)::int FROM app.pointers) AS extra,
              (SELECT count(*)::int FROM app.segments WHERE cursor IS NULL) AS unseen`,
    )
    expect(left).toEqual({ extra: 0, unseen: 0 })
    await (await first.sync()).replaceBackup({ pin: PIN })
    expect(await (await first.sync()).backup()).toMatchObject({ generation: 2 })
  })

  test('of joining a backup joins at the next try, and both devices have the keys of both', async () => {
    const first = await place.newDevice()
    await first.keys.importKeys(makeConversations(1))
    await (await first.sync()).backup({ pin: PIN })
    const steps = await forEachCut(async (steps) => {
      const second = await place.newDevice({ phone: first.phone })
      await second.keys.importKeys(makeConversations(1))
      const cut = cutAfter(second.vault, steps)
      await attempt(async () => (await second.sync(cut)).backup({ pin: PIN }))
      expect(await (await second.sync()).backup({ pin: PIN })).toMatchObject({ status: 'backed-up' })
      await (await first.sync()).backup()
      expect(await second.keys.exportKeys()).toEqual(await first.keys.exportKeys())
      return cut.killed()
    })
    expect(steps).toBeGreaterThan(12)
  })
})

/** About where a restore has brought the keys; renewal.test.ts is about what follows. */
const FIRST_STEP_OF_RENEWAL = 16

/** Runs `once` with 1, 2, 3 … (every third from `sparseFrom` on) until it says that nothing was cut any more; returns how often something was. */
async function forEachCut(once: (at: number) => Promise<boolean>, sparseFrom = Infinity): Promise<number> {
  for (let at = 1; ; at += at < sparseFrom ? 1 : 3) if (!(await once(at))) return at - 1
}

/** Runs what may fail, but only with a coded error or the kill itself. */
async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (fault) {
    expect(fault instanceof KeyhavenError || (fault instanceof TypeError && fault.message === 'killed')).toBe(
      true,
    )
  }
}

async function countSegments(device: TestPerson): Promise<number> {
  return (await (await device.sync()).status()).segments
}
