import { beforeAll, describe, expect, test } from 'vitest'
import { attempt, cutAfter, forEachCut } from './testing/cuts.ts'
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
    let rounds = 0
    const steps = await forEachCut(async (steps) => {
      rounds += 1
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
    expect(steps).toBeGreaterThan(3)
    expect(await countSegments(first)).toBeLessThanOrEqual(2 * rounds + 3)
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
    })
    expect(steps).toBeGreaterThan(22)
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
    expect(steps).toBeGreaterThan(9)
  })
})

async function countSegments(device: TestPerson): Promise<number> {
  return (await (await device.sync()).status()).segments
}
