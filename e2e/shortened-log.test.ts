import { beforeAll, describe, expect, test } from 'vitest'
import { attempt, cutAfter, forEachCut } from './testing/cuts.ts'
import { addressOf, lying } from './testing/liars.ts'
import type { Frame, Lie } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place
/** Two devices of one account; what one test leaves, the next one finds. */
let first: TestPerson
let second: TestPerson

/** Whatever follows a snapshot makes the next synchronisation make another one. */
const AT_ONCE = { snapshotAfterSegments: 0 }

beforeAll(async () => {
  place = await openPlace()
  first = await place.newDevice()
  await first.keys.importKeys(makeKeys(2))
  await (await first.sync()).backup({ pin: PIN })
  second = await place.newDevice({ phone: first.phone })
  await (await second.sync()).restore({ pin: PIN })
})

describe('a log that has grown long', () => {
  test('is put together anew by the next device that synchronises, and everybody reads on', async () => {
    for (let time = 0; time < 4; time += 1) await add(first)
    const long = await (await first.sync()).status()
    expect(await (await second.sync({ snapshotAfterSegments: 4 })).sync()).toMatchObject({ received: true })
    const short = await (await second.sync()).status()
    expect(long.segments - short.segments).toBeGreaterThan(3)
    expect(short).toMatchObject({ upToDate: true, generation: 1, conversationKeys: 6 })
    expect(await (await first.sync()).sync()).toMatchObject({ status: 'synced', received: true })
    expect(await (await first.sync({ snapshotAfterSegments: 4 })).sync()).toMatchObject({ received: false })
    await expectSame()
    await expectRestores()
    expect(await typesOf(first)).toContain('log_shortened')
  })

  test('loses nothing of a device that was in the middle of sending, and sends again what the server dropped meanwhile', async () => {
    await second.keys.importKeys(makeConversations(1))
    const half = cutAfter(second.vault, 3)
    await attempt(async () => (await second.sync(half)).sync())
    await add(first)
    await (await first.sync(AT_ONCE)).sync()
    expect(await (await second.sync()).sync()).toMatchObject({ received: true, uploaded: 1 })
    await expectSame()
  })

  test('is not put together over what another device writes at that moment', async () => {
    await add(first)
    let wrote = 0
    const meanwhile: typeof fetch = async (input, init) => {
      if (pathOf(input) === '/v1/pointer/commit') {
        wrote += 1
        await add(second)
      }
      return fetch(input, init)
    }
    expect(await (await first.sync({ ...AT_ONCE, fetch: meanwhile })).sync()).toMatchObject({
      status: 'synced',
    })
    expect(wrote).toBe(1)
    expect(await countUnseen()).toBe(0)
    await (await first.sync(AT_ONCE)).sync()
    await expectSame()
  })

  test('keeps no other device from changing the PIN, although the one that put it together died over it', async () => {
    await add(first)
    const dead: typeof fetch = (input, init) =>
      /pointer\/(?:commit|abandon)/.test(pathOf(input))
        ? Promise.reject(new TypeError('gone'))
        : fetch(input, init)
    await (await first.sync({ ...AT_ONCE, fetch: dead })).sync()
    expect(await countUnseen()).toBeGreaterThan(0)
    expect(await (await second.sync()).changePin({ pin: OTHER_PIN })).toMatchObject({ generation: 2 })
    expect(await (await first.sync()).sync()).toMatchObject({ status: 'synced', generation: 2 })
    expect(await (await first.sync()).changePin({ pin: PIN })).toMatchObject({ generation: 3 })
    expect(await countUnseen()).toBe(0)
    await expectSame()
  })

  test('that is shortened after a rotation still holds the anchor of the registration', async () => {
    await add(first)
    await (await second.sync(AT_ONCE)).sync()
    await (await second.sync()).rotate()
    await add(first)
    await (await second.sync(AT_ONCE)).sync()
    await expectRestores()
  })
})

describe('a device that is killed after any step of a synchronisation that shortens the log', () => {
  test('loses nothing, and the next one completes it', { timeout: 240_000 }, async () => {
    const steps = await forEachCut(async (at) => {
      await add(first)
      await second.keys.importKeys(makeConversations(1))
      const cut = cutAfter(second.vault, at)
      await attempt(async () => (await second.sync({ ...cut, ...AT_ONCE })).sync())
      expect(await (await second.sync(AT_ONCE)).sync()).toMatchObject({ status: 'synced' })
      await expectSame()
      expect((await (await first.sync()).status()).segments).toBeLessThan(8)
      return cut.killed()
    })
    expect(steps).toBeGreaterThan(12)
    expect(await countUnseen()).toBe(0)
  })
})

describe('a server that lies about a log that was shortened', () => {
  test('is refused when it shows what was before, or drops more than is covered', async () => {
    await add(first)
    const before = await record(second)
    await (await first.sync(AT_ONCE)).sync()
    const short = await record(second)
    await add(second)
    await (await first.sync()).sync()
    for (const lie of [before, short]) {
      await expect((await first.sync(lying(lie))).sync()).rejects.toMatchObject({
        code: 'ERR_LOG_ROLLED_BACK',
      })
    }
    const fresh = await place.newDevice({ phone: first.phone })
    const greedy = lying({
      json: { '/v1/log/heads': (heads) => ({ ...heads, coveredCursor: heads['cursor'] }) },
    })
    await expect((await fresh.sync(greedy)).restore({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_INCOMPLETE',
    })
    expect(await fresh.keys.listKeys()).toEqual([])
    await expectSame()
  })
})

/** Everything that the server says to a device that reads the log from its beginning, as a lie for later. */
async function record(device: TestPerson): Promise<Lie> {
  const paths = ['/v1/log/heads', '/v1/log/slots']
  const said: Record<string, Record<string, unknown>> = {}
  const log: Frame[] = []
  const note = (path: string) => (body: Record<string, unknown>) => (said[path] = body)
  const noting = lying({
    json: Object.fromEntries(paths.map((path) => [path, note(path)])),
    frames: (frames) => {
      log.push(...frames)
      return frames
    },
  })
  await (await device.sync(noting)).verifyBackup()
  return {
    json: Object.fromEntries(paths.map((path) => [path, () => said[path]])),
    frames: (_, after) => log.filter(({ cursor }) => cursor > after),
  }
}

/** Adds a conversation, in a segment of its own. */
async function add(device: TestPerson): Promise<void> {
  await device.keys.importKeys(makeConversations(1))
  await (await device.sync()).sync()
}

async function expectSame(): Promise<void> {
  for (const device of [first, second]) await (await device.sync()).sync()
  expect(await first.keys.exportKeys()).toEqual(await second.keys.exportKeys())
}

async function expectRestores(): Promise<void> {
  const fresh = await place.newDevice({ phone: first.phone })
  expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({
    status: 'restored',
    renewed: true,
  })
  await expectSame()
  expect(await fresh.keys.exportKeys()).toEqual(await first.keys.exportKeys())
}

function pathOf(input: Parameters<typeof fetch>[0]): string {
  return new URL(addressOf(input)).pathname
}

async function countUnseen(): Promise<unknown> {
  const [row] = await place.app.database.asSuperuser(
    'SELECT count(*)::int AS unseen FROM app.segments WHERE cursor IS NULL',
  )
  return row?.['unseen']
}

async function typesOf(device: TestPerson): Promise<readonly unknown[]> {
  const rows = await place.app.database.asSuperuser('SELECT type FROM app.access_log WHERE user_id = $1', [
    device.accountId,
  ])
  return rows.map((row) => row['type'])
}
