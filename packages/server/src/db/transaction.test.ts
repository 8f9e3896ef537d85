import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { TestDatabase } from '../testing/database.ts'
import { createTestDatabase } from '../testing/database.ts'
import { openDatabase } from './database.ts'
import type { Transaction } from './transaction.ts'

let ground: TestDatabase

beforeAll(async () => {
  ground = await createTestDatabase()
  await ground.asSuperuser('CREATE TABLE app.counted (value int UNIQUE)')
  await ground.asSuperuser('GRANT SELECT, INSERT ON app.counted TO keyhaven_app')
})

async function count(): Promise<number> {
  const rows = await ground.asSuperuser<{ n: string }>('SELECT count(*) AS n FROM app.counted')
  return Number(rows[0]?.n)
}

async function askUser(transaction: Transaction): Promise<string | null | undefined> {
  const { rows } = await transaction.query<{ id: string | null }>('SELECT app.current_user_id() AS id')
  return rows[0]?.id
}

describe('a transaction', () => {
  test('knows its user, and the next one on the same connection does not', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    expect(await ground.database.withUser(one, askUser)).toBe(one)
    expect(await ground.database.withUser(other, askUser)).toBe(other)
    expect(await ground.database.withAuth(askUser)).toBe(null)
    expect(await ground.database.withAuth(askUser, { userId: one })).toBe(one)
    expect(await ground.database.withAuth(askUser)).toBe(null)
  })

  test('knows its realm record, in a commit that waits for the disk', async () => {
    const record = new Uint8Array(32).fill(7)
    const found = await ground.database.withRealmRecord(record, async (transaction) => {
      const { rows } = await transaction.query<{ id: Buffer; wait: string }>(
        "SELECT realm.current_record_id() AS id, current_setting('synchronous_commit') AS wait",
      )
      return rows[0]
    })
    expect(new Uint8Array(found?.id ?? [])).toEqual(record)
    expect(found?.wait).toBe('on')
  })

  test.each([
    '',
    'x',
    "'; RESET ROLE; --",
    '00000000-0000-0000-0000-00000000000G',
    'A0000000-0000-0000-0000-000000000000',
    '00000000-0000-0000-0000-000000000000\n',
  ])('refuses %j as a user', async (userId) => {
    await expect(ground.database.withUser(userId, askUser)).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
    await expect(ground.database.withAuth(askUser, { userId })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
  })

  test.each([0, 31, 33])('refuses %i bytes as a realm record', async (length) => {
    const attempt = ground.database.withRealmRecord(new Uint8Array(length), askUser)
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
  })

  test('leaves nothing when its work throws, and throws just that', async () => {
    const before = await count()
    const fault = new Error('stop')
    const attempt = ground.database.withUser(randomUUID(), async (transaction) => {
      await transaction.query('INSERT INTO app.counted VALUES (1)')
      throw fault
    })
    await expect(attempt).rejects.toBe(fault)
    expect(await count()).toBe(before)
  })

  test('does not pass for done when a failed statement was swallowed', async () => {
    const before = await count()
    const attempt = ground.database.withUser(randomUUID(), async (transaction) => {
      await transaction.query('INSERT INTO app.counted VALUES (2)')
      await transaction.query('SELECT 1/0').catch(() => undefined)
    })
    await expect(attempt).rejects.toThrow('nothing was committed')
    expect(await count()).toBe(before)
  })

  test('fails as a statement did that nobody waited for, also where the next one fails because of it', async () => {
    const before = await count()
    const attempt = (more: (transaction: Transaction) => Promise<unknown>): Promise<unknown> =>
      ground.database.withUser(randomUUID(), async (transaction) => {
        transaction.send('INSERT INTO app.counted VALUES ($1)', [3])
        transaction.send('INSERT INTO app.counted VALUES ($1 / 0)', [3])
        return more(transaction)
      })
    await expect(attempt(() => Promise.resolve())).rejects.toThrow('division by zero')
    await expect(attempt(async (transaction) => transaction.query('SELECT 1'))).rejects.toThrow(
      'division by zero',
    )
    const own = new Error('stop')
    await expect(attempt(() => Promise.reject(own))).rejects.toThrow('division by zero')
    expect(await count()).toBe(before)
  })

  test('commits what was sent, each time anew under the same prepared statement', async () => {
    const before = await count()
    for (const value of [10, 11, 12, 13, 14, 15, 16]) {
      await ground.database.withUser(randomUUID(), (transaction) => {
        transaction.send('INSERT INTO app.counted VALUES ($1)', [value])
        return Promise.resolve()
      })
    }
    expect(await count()).toBe(before + 7)
  })

  test('sees with a prepared statement what its own user sees, not the one that prepared it', async () => {
    const ids = Array.from({ length: 20 }, () => randomUUID())
    const seen = ids.map((id) =>
      ground.database.withUser(id, async (transaction) => {
        const { rows } = await transaction.query<{ id: string }>(
          'SELECT app.current_user_id() AS id WHERE $1::int = 1',
          [1],
        )
        return rows[0]?.id
      }),
    )
    expect(await Promise.all(seen)).toEqual(ids)
  })

  test('cannot be used after its end', async () => {
    let kept: Transaction | undefined
    await ground.database.withUser(randomUUID(), (transaction) => {
      kept = transaction
      return Promise.resolve()
    })
    expect(() => kept?.query('SELECT 1')).toThrow('has ended')
  })

  test('ends with ERR_DATABASE_UNAVAILABLE when its connection is cut, and the next one works', async () => {
    const attempt = ground.database.withUser(randomUUID(), async (transaction) => {
      const { rows } = await transaction.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await ground.asSuperuser('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
      await transaction.query('SELECT pg_sleep(5)')
    })
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_DATABASE_UNAVAILABLE' })
    expect(
      await ground.database.withUser(
        randomUUID(),
        async (transaction) => (await transaction.query('SELECT 1')).rowCount,
      ),
    ).toBe(1)
  })

  test('survives that idle connections are cut', async () => {
    expect(await ground.database.ready()).toBe(true)
    await ground.asSuperuser(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE 'keyhaven_%' AND pid <> pg_backend_pid()",
    )
    await expect.poll(() => ground.database.ready()).toBe(true)
  })

  test('gives int8 as numbers and refuses those that a number cannot hold', async () => {
    const ask = (text: string): Promise<unknown> =>
      ground.database.withUser(
        randomUUID(),
        async (transaction) => (await transaction.query(text)).rows[0]?.['n'],
      )
    expect(await ask('SELECT 9007199254740991::int8 AS n')).toBe(Number.MAX_SAFE_INTEGER)
    await expect(ask('SELECT 9007199254740992::int8 AS n')).rejects.toThrow('beyond 2^53')
    expect(await ask('SELECT 1::int8 AS n')).toBe(1)
  })

  test('that gets no connection in time is refused as an outage, and takes nothing from those that come later', async () => {
    const impatient = openDatabase(ground.urls, { waitMs: 1000 })
    let release: () => void = () => undefined
    const released = new Promise<void>((done) => (release = done))
    // A busy machine may take longer than that to connect.
    const hold = (): Promise<void> => impatient.withUser(randomUUID(), () => released).catch(hold)
    const holding = Array.from({ length: 10 }, hold)
    try {
      await expect.poll(() => impatient.load().keyhaven_app).toEqual({ busy: 10, idle: 0, waiting: 0 })
      const late = Array.from({ length: 20 }, () => impatient.withUser(randomUUID(), askUser))
      for (const { status, ...why } of await Promise.allSettled(late)) {
        expect(status).toBe('rejected')
        expect(why).toMatchObject({ reason: { code: 'ERR_DATABASE_UNAVAILABLE' } })
      }
      release()
      await Promise.all(holding)
      expect(impatient.load().keyhaven_app).toEqual({ busy: 0, idle: 10, waiting: 0 })
    } finally {
      release()
      await impatient.close()
    }
  })

  test('a hundred at once take turns on the pool', async () => {
    const ids = Array.from({ length: 100 }, () => randomUUID())
    expect(await Promise.all(ids.map((id) => ground.database.withUser(id, askUser)))).toEqual(ids)
  })
})
