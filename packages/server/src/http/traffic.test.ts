import { describe, expect, test } from 'vitest'
import pg from 'pg'
import { startTestApp } from '../testing/app.ts'
import { createBackup, putSegment } from '../testing/backups.ts'
import { createSegment } from '../testing/segments.ts'
import { Refusal } from './refusal.ts'
import { createTraffic } from './traffic.ts'

const REPORT = { success: true, identityKeys: 1, conversationKeys: 1 }

describe('one account’s traffic', () => {
  test('leaves the database to others, however many of its requests wait for one another', async () => {
    const server = await startTestApp()
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    const backup = await createBackup(alice)
    const lock = new pg.Client({ connectionString: server.database.superuserUrl })
    await lock.connect()
    try {
      await lock.query('BEGIN')
      await lock.query('SELECT FROM app.logs WHERE user_id = $1 FOR UPDATE', [alice.accountId])
      const waiting = Array.from({ length: 30 }, (_, index) =>
        putSegment(alice, createSegment({ ...alice, sequence: 10 + index, parents: [backup.ways.id] })),
      )
      const blocked = (): Promise<readonly unknown[]> =>
        server.database.asSuperuser("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
      await expect.poll(async () => (await blocked()).length).toBeGreaterThan(0)
      expect((await bob.get('/v1/log/heads')).status).toBe(200)
      expect((await blocked()).length).toBe(1)
      await lock.query('ROLLBACK')
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(waiting.map(() => 201))
    } finally {
      await lock.end()
    }
  })

  test('is refused beyond its requests at once, before their bodies are read, and free again when they end', async () => {
    const server = await startTestApp({ accountLimits: { most: 1000, seconds: 600, atOnce: 3 } })
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    const { released, release } = createRelease()
    // One of the questions below may take the place of one that comes late; it comes again.
    const hold = async (): Promise<number> => {
      const headers = { 'Content-Type': 'application/json' }
      const request = { method: 'POST', body: holdBody(released), headers }
      const { status } = await alice.send('/v1/access-log/restored', request)
      return status === 429 ? hold() : status
    }
    const held = [hold(), hold(), hold()]
    await expect.poll(async () => (await alice.get('/v1/pointer')).code).toBe('ERR_RATE_LIMITED')
    expect((await bob.get('/v1/pointer')).status).toBe(200)
    release()
    expect(await Promise.all(held)).toEqual([204, 204, 204])
    expect((await alice.get('/v1/pointer')).status).toBe(200)
  })

  test('is refused beyond its requests in a while, with the time to wait, and others’ is not', async () => {
    const server = await startTestApp({ accountLimits: { most: 5, seconds: 600, atOnce: 10 } })
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    const codes = []
    for (let count = 0; count < 7; count += 1) {
      codes.push((await alice.post('/v1/access-log/restored', REPORT)).status)
    }
    expect(codes).toEqual([204, 204, 204, 204, 204, 429, 429])
    const refused = await alice.get('/v1/pointer')
    expect([refused.code, refused.headers.get('retry-after')]).toEqual(['ERR_RATE_LIMITED', '600'])
    expect((await bob.get('/v1/pointer')).status).toBe(200)
    server.clock.now = new Date(server.clock.now.getTime() + 600_000)
    await alice.refresh()
    expect((await alice.get('/v1/pointer')).status).toBe(200)
  })
})

test('a clock that was put back leaves nobody out for longer than the limit’s time', () => {
  const traffic = createTraffic({ most: 1, seconds: 600, atOnce: 10 })
  const [before, after] = [new Date('2026-01-02T00:00:00Z'), new Date('2026-01-01T00:00:00Z')]
  traffic.enter('alice', before)()
  expect(() => traffic.enter('alice', before)).toThrow(Refusal)
  traffic.enter('alice', after)()
  expect(() => traffic.enter('alice', after)).toThrow(Refusal)
})

function createRelease(): { readonly released: Promise<void>; readonly release: () => void } {
  let release: () => void = () => undefined
  const released = new Promise<void>((done) => {
    release = done
  })
  return {
    released,
    release: () => {
      release()
    },
  }
}

/** A body whose end arrives when it is told to. */
function holdBody(released: Promise<void>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode(' '))
      void released.then(() => {
        controller.enqueue(new TextEncoder().encode(JSON.stringify(REPORT)))
        controller.close()
      })
    },
  })
}
