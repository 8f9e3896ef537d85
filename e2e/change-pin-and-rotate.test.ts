import { beforeAll, describe, expect, test } from 'vitest'
import type { KeySync } from 'keyhaven/sync'
import { attempt, cutAfter, forEachCut } from './testing/cuts.ts'
import { lying } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place
let three: Place

beforeAll(async () => {
  place = await openPlace()
  three = await openPlace({ realms: 3 })
})

describe('a changed PIN', () => {
  test('is the only one that opens the backup; the old generation and its registration are gone', async () => {
    const { first, second } = await joined(place)
    const { segments } = await (await first.sync()).status()
    expect(await (await second.sync()).changePin({ pin: OTHER_PIN })).toMatchObject({
      status: 'pin-changed',
      generation: 2,
      identityKeys: 2,
      conversationKeys: 2,
      oldRegistrationRemainsOn: [],
    })
    const after = await (await second.sync()).status()
    expect(after).toMatchObject({ generation: 2, upToDate: true })
    expect(after.segments).toBeLessThanOrEqual(segments)
    await expectOnlyOnePin(place, second, { right: OTHER_PIN, wrong: PIN })
    await expectNothingLeftOver(place)
  })

  test('reaches the other device by its own way in, and what that one had not sent is not lost', async () => {
    const { first, second } = await joined(place)
    await second.keys.importKeys(makeConversations(1))
    const half = cutAfter(second.vault, 6)
    await attempt(async () => (await second.sync(half)).backup())
    await (await first.sync()).changePin({ pin: OTHER_PIN })
    await first.keys.importKeys(makeConversations(1))
    await (await first.sync()).backup()
    expect(await (await second.sync()).status()).toMatchObject({ joined: true, upToDate: false })
    expect(await (await second.sync()).backup()).toMatchObject({ generation: 2, conversationKeys: 4 })
    await (await first.sync()).backup()
    expect(await first.keys.exportKeys()).toEqual(await second.keys.exportKeys())
    await (await second.sync()).changePin({ pin: PIN })
    expect(await (await first.sync()).restore({ pin: PIN })).toMatchObject({ generation: 3, renewed: true })
  })

  test('needs a backup and a device that has joined it', async () => {
    const first = await place.newDevice()
    expect(await (await first.sync()).changePin({ pin: PIN })).toEqual({ status: 'no-backup' })
    expect(await (await first.sync()).rotate()).toEqual({ status: 'no-backup' })
    await (await first.sync()).backup({ pin: PIN })
    const stranger = await place.newDevice({ phone: first.phone })
    for (const change of [
      (await stranger.sync()).changePin({ pin: OTHER_PIN }),
      (await stranger.sync()).rotate(),
    ])
      await expect(change).rejects.toMatchObject({ code: 'ERR_AUTHORITY_REQUIRED' })
  })

  test('keeps the old generation while a realm that is down may hold the old registration, and no longer', async () => {
    const { first } = await joined(three)
    const before = await (await first.sync()).status()
    const [, , third = ''] = before.realms
    three.realmIsDown.add(third)
    expect(await (await first.sync()).changePin({ pin: OTHER_PIN })).toMatchObject({
      oldRegistrationRemainsOn: [third],
    })
    expect((await (await first.sync()).status()).segments).toBeGreaterThan(before.segments)
    three.realmIsDown.delete(third)
    expect(await (await first.sync()).backup()).toMatchObject({ oldRegistrationRemainsOn: [] })
    expect((await (await first.sync()).status()).segments).toBeLessThanOrEqual(before.segments)
    await expectOnlyOnePin(three, first, { right: OTHER_PIN, wrong: PIN })
  })

  test('that fails because realms are down is given up at once: the old PIN works, and nobody waits', async () => {
    const { first, second } = await joined(three)
    const [, two = '', third = ''] = (await (await first.sync()).status()).realms
    three.realmIsDown.add(two).add(third)
    await expect((await first.sync()).changePin({ pin: OTHER_PIN })).rejects.toMatchObject({
      code: 'ERR_REALMS_UNAVAILABLE',
    })
    three.realmIsDown.clear()
    expect(await (await second.sync()).rotate()).toMatchObject({ status: 'rotated', generation: 2 })
    await expectOnlyOnePin(three, second, { right: PIN, wrong: OTHER_PIN })
    await (await first.sync()).backup()
    await expectNothingLeftOver(three)
  })
})

describe('a rotation', () => {
  test('keeps the PIN and its registration, drops the old generation, and other devices follow', async () => {
    const { first, second } = await joined(place)
    await first.keys.importKeys(makeConversations(1))
    expect(await (await second.sync()).rotate()).toMatchObject({
      status: 'rotated',
      generation: 2,
      oldRegistrationRemainsOn: [],
    })
    expect(await generationsOf(place, second)).toEqual([2])
    expect(await (await first.sync()).backup()).toMatchObject({ generation: 2, conversationKeys: 3 })
    expect(await (await first.sync()).rotate()).toMatchObject({ generation: 3 })
    expect(await generationsOf(place, second)).toEqual([3])
    await expectOnlyOnePin(place, first, { right: PIN, wrong: OTHER_PIN })
    await expectNothingLeftOver(place)
  })

  test('is not undone for a device that has seen it, and after a renewal for nobody', async () => {
    const { first, second } = await joined(place)
    const old: Record<string, Record<string, unknown>> = {}
    const paths = ['/v1/pointer', '/v1/log/heads', '/v1/log/slots']
    const note = (path: string) => (body: Record<string, unknown>) => (old[path] = body)
    await (await first.sync(lying({ json: each(paths, note) }))).restore({ pin: PIN })
    await (await second.sync()).rotate()
    const replay = lying({ json: each(paths, (path) => () => old[path]) })
    await expect((await second.sync(replay)).backup()).rejects.toMatchObject({ code: 'ERR_LOG_ROLLED_BACK' })
    const third = await place.newDevice({ phone: first.phone })
    await (await third.sync()).restore({ pin: PIN })
    const fresh = await place.newDevice({ phone: first.phone })
    const generation = { '/v1/pointer': (state: Record<string, unknown>) => withGeneration(state, 1) }
    const liar = lying({ json: generation })
    await expect((await fresh.sync(liar)).restore({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
  })
})

describe('a device that is killed after any step', { timeout: 900_000 }, () => {
  const changes: readonly [string, (sync: KeySync) => Promise<unknown>, string][] = [
    ['of changing the PIN', (sync) => sync.changePin({ pin: OTHER_PIN }), OTHER_PIN],
    ['of a rotation', (sync) => sync.rotate(), PIN],
  ]
  test.each(changes)('%s leaves exactly one PIN that works, and no key is lost', async (_, run, pinAfter) => {
    const steps = await forEachCut((at) => killAndRecover(place, { at, run, pinAfter }))
    expect(steps).toBeGreaterThan(12)
    await expectNothingLeftOver(place)
  })

  test.each(changes)('%s does so with two of three realms', async (_, run, pinAfter) => {
    await forEachCut((at) => killAndRecover(three, { at, run, pinAfter }), { from: 7, by: 8 })
    await expectNothingLeftOver(three)
  })
})

/** Kills a change after so many steps; false when it was not killed any more. */
async function killAndRecover(
  where: Place,
  { at, run, pinAfter }: { at: number; run: (sync: KeySync) => Promise<unknown>; pinAfter: string },
): Promise<boolean> {
  const device = await where.newDevice()
  await device.keys.importKeys(makeKeys(1))
  await (await device.sync()).backup({ pin: PIN })
  await device.keys.importKeys(makeConversations(1))
  const cut = cutAfter(device.vault, at)
  const done = await attempt(async () => run(await device.sync(cut)))
  const next = await (await device.sync()).backup()
  expect(next).toMatchObject({ status: 'backed-up', created: false })
  const changed = 'generation' in next && next.generation === 2
  expect(changed || done === undefined).toBe(true)
  const right = changed ? pinAfter : PIN
  await expectOnlyOnePin(where, device, { right, wrong: right === PIN ? OTHER_PIN : PIN })
  return cut.killed()
}

/** An account whose backup two devices have joined. */
async function joined(where: Place): Promise<{ readonly first: TestPerson; readonly second: TestPerson }> {
  const first = await where.newDevice()
  await first.keys.importKeys(makeKeys(2))
  await (await first.sync()).backup({ pin: PIN })
  const second = await where.newDevice({ phone: first.phone })
  await (await second.sync()).restore({ pin: PIN })
  return { first, second }
}

async function expectOnlyOnePin(
  where: Place,
  device: TestPerson,
  pins: { readonly right: string; readonly wrong: string },
): Promise<void> {
  const fresh = await where.newDevice({ phone: device.phone })
  expect(await (await fresh.sync()).restore({ pin: pins.wrong })).toMatchObject({ status: 'wrong-pin' })
  expect(await (await fresh.sync()).restore({ pin: pins.right })).toMatchObject({ renewed: true })
  expect(await fresh.keys.exportKeys()).toEqual(await device.keys.exportKeys())
}

async function generationsOf(where: Place, device: TestPerson): Promise<readonly unknown[]> {
  const rows = await where.app.database.asSuperuser(
    'SELECT DISTINCT generation::int AS generation FROM app.segments WHERE user_id = $1',
    [device.accountId],
  )
  return rows.map((row) => row['generation'])
}

async function expectNothingLeftOver(where: Place): Promise<void> {
  const [row] = await where.app.database.asSuperuser(
    `SELECT (SELECT count(*)::int FROM realm.records) - (SELECT count(*)::int FROM app.pointers) AS extra,
            (SELECT count(*)::int FROM app.pending_changes) AS pending,
            (SELECT count(*)::int FROM app.retired_registrations) AS retired,
            (SELECT count(*)::int FROM app.segments JOIN app.pointers USING (user_id)
              WHERE cursor IS NULL OR segments.generation < pointers.generation) AS unused`,
  )
  expect(row).toEqual({ extra: 0, pending: 0, retired: 0, unused: 0 })
}

function each<T>(names: readonly string[], value: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)]))
}

function withGeneration(state: Record<string, unknown>, generation: number): Record<string, unknown> {
  return { ...state, pointer: { ...(state['pointer'] as object), generation } }
}
