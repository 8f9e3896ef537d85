import { beforeEach, describe, expect, it } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import type { RegisteredRecord } from 'keyhaven/recovery/realm'
import type { TestDatabase } from '../testing/database.ts'
import { createTestDatabase } from '../testing/database.ts'
import type { StoredRecord } from './records.ts'
import { lockRecord, sweepRecords, writeRecord } from './records.ts'
import { startRealmSweeper } from './sweeper.ts'

let test: TestDatabase
beforeEach(async () => {
  test = await createTestDatabase()
})

const GUARD = { authority: randomBytes(32), coolingUntil: 1_700_000_000_999 }

function registered(change: Partial<RegisteredRecord> = {}): StoredRecord {
  return {
    record: {
      state: 'registered',
      version: randomBytes(16),
      numGuesses: 3,
      guessCount: 2,
      unlockKeyTagHash: randomBytes(32),
      charged: [
        { hash: randomBytes(32), chargedAt: 1_700_000_000_123, repeats: 0 },
        { hash: randomBytes(32), chargedAt: 1_700_000_000_456, repeats: 5 },
      ],
      lastAttemptUntil: undefined,
      spent: { day: 20_000, evaluations: 2 },
      guard: undefined,
      ...change,
    },
    sealed: randomBytes(406),
  }
}

const NOTHING: StoredRecord = { record: { state: 'not-registered' }, sealed: undefined }

function write(recordId: Uint8Array, stored: StoredRecord): Promise<void> {
  return test.database.withRealmRecord(recordId, async (transaction) => {
    const before = await lockRecord(transaction, recordId)
    writeRecord(transaction, { recordId, tenant: 'acme' }, { before, after: stored })
  })
}

function read(recordId: Uint8Array): Promise<StoredRecord> {
  return test.database.withRealmRecord(recordId, (transaction) => lockRecord(transaction, recordId))
}

describe('records', () => {
  it('come back as they were written, in each state', async () => {
    const recordId = randomBytes(32)
    expect(await read(recordId)).toEqual(NOTHING)
    const states: readonly StoredRecord[] = [
      registered(),
      registered({ guessCount: 3, lastAttemptUntil: 1_700_000_300_456 }),
      registered({ guessCount: 0, charged: [] }),
      registered({ guard: { authority: randomBytes(32), coolingUntil: undefined } }),
      registered({ guard: { authority: randomBytes(32), coolingUntil: 1_700_000_300_456 } }),
      {
        record: { state: 'no-guesses', guarded: { version: randomBytes(16), guard: GUARD } },
        sealed: undefined,
      },
      { record: { state: 'no-guesses', guarded: undefined }, sealed: undefined },
      registered(),
      NOTHING,
    ]
    for (const stored of states) {
      await write(recordId, stored)
      expect(await read(recordId)).toEqual(stored)
    }
    expect(await test.asSuperuser('SELECT * FROM realm.records')).toEqual([])
  })

  it('hold nothing of a registration in clear, and nothing at all once the guesses are gone', async () => {
    const recordId = randomBytes(32)
    await write(recordId, registered())
    await write(recordId, { record: { state: 'no-guesses', guarded: undefined }, sealed: undefined })
    const [row] = await test.asSuperuser('SELECT * FROM realm.records')
    const kept = Object.entries(row ?? {}).filter(([, value]) => value !== null)
    expect(kept.map(([name]) => name).sort()).toEqual(['record_id', 'state', 'tenant', 'updated_at'])
  })
})

describe('another record', () => {
  it('cannot be read, changed, made or deleted by the realm’s own login', async () => {
    const [mine, theirs] = [randomBytes(32), randomBytes(32)]
    await write(theirs, registered())
    const before = await test.asSuperuser('SELECT * FROM realm.records')
    await test.database.withRealmRecord(mine, async (transaction) => {
      expect((await lockRecord(transaction, theirs)).record).toEqual({ state: 'not-registered' })
      expect((await transaction.query('SELECT * FROM realm.records')).rows).toEqual([])
      expect((await transaction.query('UPDATE realm.records SET updated_at = now()')).rowCount).toBe(0)
      expect((await transaction.query('DELETE FROM realm.records')).rowCount).toBe(0)
    })
    const makeTheirs = (id: Uint8Array): Promise<void> =>
      test.database.withRealmRecord(mine, (transaction) => {
        writeRecord(transaction, { recordId: id, tenant: 'acme' }, { before: NOTHING, after: registered() })
      })
    await expect(makeTheirs(theirs)).rejects.toThrow('row-level security')
    await expect(makeTheirs(randomBytes(32))).rejects.toThrow('row-level security')
    expect(await test.asSuperuser('SELECT * FROM realm.records')).toEqual(before)
  })

  it('cannot be touched by the other logins at all', async () => {
    await write(randomBytes(32), registered())
    const userId = '00000000-0000-4000-8000-000000000000'
    await expect(
      test.database.withUser(userId, (transaction) => transaction.query('SELECT * FROM realm.records')),
    ).rejects.toThrow('permission denied')
    await expect(
      test.database.withAuth((transaction) => transaction.query('SELECT * FROM realm.records')),
    ).rejects.toThrow('permission denied')
  })
})

describe('the sweeper', () => {
  it('destroys what has run out, and nothing else', async () => {
    const [over, running, used] = [randomBytes(32), randomBytes(32), randomBytes(32)]
    await write(over, registered({ guessCount: 3, lastAttemptUntil: Date.now() - 1 }))
    await write(running, registered({ guessCount: 3, lastAttemptUntil: Date.now() + 60_000 }))
    await write(used, registered())
    const [before, other] = [await read(running), await read(used)]
    expect(await sweepRecords(test.database)).toBe(1)
    expect(await read(over)).toEqual({
      record: { state: 'no-guesses', guarded: undefined },
      sealed: undefined,
    })
    expect([await read(running), await read(used)]).toEqual([before, other])
    expect(await sweepRecords(test.database)).toBe(0)
  })

  it('leaves a guarded record guarded, under the same version', async () => {
    const over = randomBytes(32)
    const stored = registered({ guessCount: 3, lastAttemptUntil: Date.now() - 1, guard: GUARD })
    await write(over, stored)
    await sweepRecords(test.database)
    const version = stored.record.state === 'registered' ? stored.record.version : undefined
    expect(await read(over)).toEqual({
      record: { state: 'no-guesses', guarded: { version, guard: GUARD } },
      sealed: undefined,
    })
  })

  it('runs by itself until it is stopped', async () => {
    const over = randomBytes(32)
    await write(over, registered({ guessCount: 3, lastAttemptUntil: Date.now() - 1 }))
    const stop = startRealmSweeper(test.database, 5)
    while ((await read(over)).sealed !== undefined) await new Promise((done) => setTimeout(done, 5))
    await stop()
    await write(over, registered({ guessCount: 3, lastAttemptUntil: Date.now() - 1 }))
    await new Promise((done) => setTimeout(done, 30))
    expect((await read(over)).record.state).toBe('registered')
  })

  it('has a right that reads nothing and makes nothing but “no guesses”', async () => {
    const over = randomBytes(32)
    await write(over, registered({ guessCount: 3, lastAttemptUntil: Date.now() - 1 }))
    const asSweeper = (text: string): Promise<number | null> =>
      test.database.withRealmRecord(randomBytes(32), async (transaction) => {
        await transaction.query("SET LOCAL app.realm_sweep = 'on'")
        return (await transaction.query(text)).rowCount
      })
    expect(await asSweeper('SELECT * FROM realm.records')).toBe(0)
    expect(await asSweeper('DELETE FROM realm.records')).toBe(0)
    await expect(asSweeper('UPDATE realm.records SET guess_count = 0')).rejects.toThrow('row-level security')
    expect(toHex((await read(over)).sealed ?? new Uint8Array())).not.toBe('')
  })
})
