import { beforeAll, describe, expect, test } from 'vitest'
import type { AccessEvent, KeySync } from 'keyhaven/sync'
import { eraseOldOrigins } from '../packages/server/src/access-log/sweeper.ts'
import { lying } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

type Body = Record<string, unknown>
type Row = Record<string, unknown>

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

describe('the access history', () => {
  test('is what happened, newest first, page by page, on every device the same', async () => {
    const { first, second } = await joined()
    await (await second.sync()).restore({ pin: OTHER_PIN })
    const all = await readAll(await first.sync(), 7)
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, index) => all.length - index))
    expect(all.at(-1)).toMatchObject({
      sequence: 1,
      type: 'signed_in',
      deviceLabel: 'Test device',
      address: '127.0.0.1',
      userAgent: 'node',
      erased: false,
    })
    for (const type of ['device_added', 'backup_created', 'keys_accessed', 'keys_restored', 'guess_used'])
      expect(all.map((event) => event.type)).toContain(type)
    const { events } = await (await second.sync()).getAccessHistory({ limit: 200 })
    expect(events).toEqual(all)
    expect(events.filter(({ type }) => type === 'guess_used')).not.toHaveLength(0)
  })

  test('verifies after addresses and agents were erased, and says that they were', async () => {
    const { first } = await joined()
    await (await first.sync()).getAccessHistory()
    const later = new Date(Date.now() + 91 * 24 * 3600_000)
    await eraseOldOrigins(place.app.database.database, { days: 90, now: later })
    const [event] = (await (await first.sync()).getAccessHistory({ limit: 1 })).events
    expect(event).toMatchObject({ address: undefined, userAgent: undefined, erased: true })
  })

  test('takes no page that is none, and no limit beyond its bounds', async () => {
    const { first } = await joined()
    const sync = await first.sync()
    for (const input of [{ before: 'x' }, { before: '1.00' }, { limit: 0 }, { limit: 201 }, { limit: 1.5 }])
      await expect(sync.getAccessHistory(input)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
  })
})

describe('a server that lies about the access log', () => {
  const rows = (body: Body): Row[] => body['rows'] as Row[]
  const changed = (index: number, change: (row: Row) => Row) => (body: Body) => ({
    ...body,
    rows: rows(body).map((row, at) => (at === index ? change(row) : row)),
  })
  test.each<readonly [string, string, (body: Body) => Body]>([
    ['leaves out a row', 'ALTERED', (body) => ({ ...body, rows: rows(body).filter((_, at) => at !== 1) })],
    ['leaves out the newest row', 'ALTERED', (body) => ({ ...body, rows: rows(body).slice(1) })],
    ['leaves out the oldest rows', 'TRUNCATED', (body) => ({ ...body, rows: [] })],
    ['turns rows round', 'ALTERED', (body) => ({ ...body, rows: rows(body).reverse() })],
    ['says it twice', 'ALTERED', (body) => ({ ...body, rows: rows(body).flatMap((row) => [row, row]) })],
    ['leaves out the last row of a page', 'TRUNCATED', changed(2, (row) => ({ ...row, previous: null }))],
    ['changes a type', 'ALTERED', changed(2, (row) => ({ ...row, type: 'signed_out' }))],
    ['changes a time', 'ALTERED', changed(2, (row) => ({ ...row, createdAt: '2020-01-01T00:00:00.000Z' }))],
    ['changes an address', 'ALTERED', changed(2, (row) => ({ ...row, address: '192.0.2.1' }))],
    ['changes a device label', 'ALTERED', changed(2, (row) => ({ ...row, deviceLabel: 'My phone' }))],
    [
      'makes a failure a success',
      'ALTERED',
      changed(2, (row) => ({ ...row, success: row['success'] !== true })),
    ],
    ['shows an empty log', 'TRUNCATED', (body) => ({ ...body, ...emptyLog(body) })],
    ['has another chain key', 'ALTERED', (body) => withHead(body, { key: 'ab'.repeat(32) })],
    ['signs nothing', 'ALTERED', (body) => withHead(body, { signature: null })],
    ['signs something else', 'ALTERED', (body) => withHead(body, { signature: '00'.repeat(64) })],
    ['names a later head', 'ALTERED', (body) => withHead(body, { sequence: 1_000_000 })],
  ])('and %s is refused with ERR_ACCESS_LOG_%s', async (_, code, lie) => {
    const { first } = await sharedAccount()
    const liar = lying({ json: { '/v1/access-log': lie } })
    await expect((await first.sync(liar)).getAccessHistory()).rejects.toMatchObject({
      code: `ERR_ACCESS_LOG_${code}`,
    })
    expect((await (await first.sync()).getAccessHistory()).events).not.toHaveLength(0)
  })

  test.each(['a device that saw more', 'a fresh device that restores'])(
    'and shows an older state of the log is found out by %s',
    async (who) => {
      const { first, second } = await joined()
      let old: Body = {}
      const remember = lying({ json: { '/v1/access-log': (body) => (old = body) } })
      await (await first.sync(remember)).getAccessHistory()
      await first.keys.importKeys(makeConversations(1))
      await (await first.sync()).backup()
      await first.keys.importKeys(makeConversations(1))
      await (await first.sync()).backup()
      const replay = lying({
        json: {
          '/v1/access-log': () => old,
          '/v1/pointer': (state) => ({ ...state, accessLog: old['head'] }),
        },
      })
      const fresh = await place.newDevice({ phone: first.phone })
      await (await fresh.sync(replay)).restore({ pin: PIN })
      const device = who.startsWith('a fresh') ? fresh : first
      await expect((await device.sync(replay)).getAccessHistory()).rejects.toMatchObject({
        code: 'ERR_ACCESS_LOG_TRUNCATED',
      })
      await expect((await second.sync(replay)).getAccessHistory()).resolves.toBeDefined()
    },
  )

  test('and whose database was edited does not get past any device, fresh or not', async () => {
    const { first } = await joined()
    await (await first.sync()).getAccessHistory()
    await place.app.database.asSuperuser(
      "UPDATE app.access_log SET type = 'signed_out' WHERE user_id = $1 AND type = 'device_added'",
      [first.accountId],
    )
    for (const device of [first, await place.newDevice({ phone: first.phone })])
      await expect(readAll(await device.sync(), 200)).rejects.toMatchObject({
        code: 'ERR_ACCESS_LOG_ALTERED',
      })
  })

  test('keeps nobody from backing up and restoring', async () => {
    const { first } = await joined()
    await place.app.database.asSuperuser('DELETE FROM app.access_log WHERE user_id = $1', [first.accountId])
    await first.keys.importKeys(makeConversations(1))
    expect(await (await first.sync()).backup()).toMatchObject({ status: 'backed-up', uploaded: 1 })
    const fresh = await place.newDevice({ phone: first.phone })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ conversationKeys: 2 })
    await expect((await fresh.sync()).getAccessHistory({ limit: 200 })).rejects.toMatchObject({
      code: 'ERR_ACCESS_LOG_TRUNCATED',
    })
  })
})

function emptyLog(body: Body): Body {
  return { rows: [], head: { ...(body['head'] as object), sequence: 0, hash: null, signature: null } }
}

function withHead(body: Body, head: Body): Body {
  return { ...body, head: { ...(body['head'] as object), ...head } }
}

async function readAll(sync: KeySync, limit: number): Promise<readonly AccessEvent[]> {
  const events: AccessEvent[] = []
  let page = await sync.getAccessHistory({ limit })
  events.push(...page.events)
  while (page.next !== undefined) {
    page = await sync.getAccessHistory({ limit, before: page.next })
    events.push(...page.events)
  }
  return events
}

let shared: Promise<{ readonly first: TestPerson }> | undefined

/** One account for the lies that change nothing, whose device has verified its log before. */
function sharedAccount(): Promise<{ readonly first: TestPerson }> {
  return (shared ??= joined().then(async ({ first }) => {
    await (await first.sync()).getAccessHistory()
    return { first }
  }))
}

/** An account whose backup two devices have joined. */
async function joined(): Promise<{ readonly first: TestPerson; readonly second: TestPerson }> {
  const first = await place.newDevice()
  await first.keys.importKeys(makeKeys(1))
  await (await first.sync()).backup({ pin: PIN })
  const second = await place.newDevice({ phone: first.phone })
  await (await second.sync()).restore({ pin: PIN })
  return { first, second }
}
