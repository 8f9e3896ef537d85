import { beforeAll, describe, expect, test } from 'vitest'
import { attempt, cutAfter, forEachCut, loseOne } from './testing/cuts.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place

beforeAll(async () => {
  place = await openPlace()
})

describe('a first backup', { timeout: 900_000 }, () => {
  test('that is killed after any step is abandoned or completed by the next one, and its PIN restores every key', async () => {
    const steps = await forEachCut(async (steps) => {
      const device = await place.newDevice()
      const keys = makeKeys(2)
      await device.keys.importKeys(keys)
      const cut = cutAfter(device.vault, steps)
      const outcome = await attempt(async () => (await device.sync(cut)).backup({ pin: PIN }))
      if (outcome !== undefined) return false
      const next = await (await device.sync()).backup()
      if (next.status !== 'backed-up') {
        expect(next).toEqual({ status: 'pin-needed' })
        expect(await (await device.sync()).backup({ pin: PIN })).toMatchObject({ created: true })
      }
      await expectOnlyOnePin(device, { right: PIN, wrong: OTHER_PIN })
      return true
    })
    expect(steps).toBeGreaterThan(12)
    await expectNothingLeftOver()
  })

  test('whose every request in turn stays unanswered can be repeated as it is', async () => {
    const requests = await forEachCut(async (which) => {
      const device = await place.newDevice()
      await device.keys.importKeys(makeKeys(1))
      const lossy = loseOne(which)
      const outcome = await attempt(async () => (await device.sync(lossy)).backup({ pin: PIN }))
      if (outcome === undefined) {
        expect(await (await device.sync()).backup({ pin: PIN })).toMatchObject({ status: 'backed-up' })
      }
      expect(await (await device.sync()).status()).toMatchObject({ upToDate: true })
      return lossy.lost()
    })
    expect(requests).toBeGreaterThan(8)
    await expectNothingLeftOver()
  })
})

describe('a replacement', { timeout: 900_000 }, () => {
  test('that is killed after any step leaves exactly one PIN that works, and no key is lost', async () => {
    const after = { old: 0, new: 0 }
    await forEachCut(async (steps) => {
      const device = await place.newDevice()
      await device.keys.importKeys(makeKeys(2))
      await (await device.sync()).backup({ pin: PIN })
      await device.keys.importKeys(makeConversations(1))
      const cut = cutAfter(device.vault, steps)
      const done = await attempt(async () => (await device.sync(cut)).replaceBackup({ pin: OTHER_PIN }))
      const next = await (await device.sync()).backup()
      expect(next.status).toBe('backed-up')
      const replaced = 'generation' in next && next.generation === 2
      after[replaced ? 'new' : 'old'] += 1
      expect(replaced || done === undefined).toBe(true)
      await expectOnlyOnePin(
        device,
        replaced ? { right: OTHER_PIN, wrong: PIN } : { right: PIN, wrong: OTHER_PIN },
      )
      return cut.killed()
    })
    expect(after.old).toBeGreaterThan(1)
    expect(after.new).toBeGreaterThan(1)
    await expectNothingLeftOver()
  })
})

async function expectOnlyOnePin(
  device: TestPerson,
  pins: { readonly right: string; readonly wrong: string },
): Promise<void> {
  const fresh = await place.newDevice({ phone: device.phone })
  expect(await (await fresh.sync()).restore({ pin: pins.wrong })).toMatchObject({ status: 'wrong-pin' })
  expect(await (await fresh.sync()).restore({ pin: pins.right })).toMatchObject({ status: 'restored' })
  expect(await fresh.keys.exportKeys()).toEqual(await device.keys.exportKeys())
}

/** One registration at the realm for each backup, and nothing under way or to be deleted at the server. */
async function expectNothingLeftOver(): Promise<void> {
  const [row] = await place.app.database.asSuperuser(
    `SELECT (SELECT count(*)::int FROM realm.records) - (SELECT count(*)::int FROM app.pointers) AS extra,
            (SELECT count(*)::int FROM app.pending_changes) AS pending,
            (SELECT count(*)::int FROM app.retired_registrations) AS retired,
            (SELECT count(*)::int FROM app.segments WHERE cursor IS NULL) AS unseen`,
  )
  expect(row).toEqual({ extra: 0, pending: 0, retired: 0, unseen: 0 })
}
