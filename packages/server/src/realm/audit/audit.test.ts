/**
 * The audit feed as a tenant's operator reads it.
 */
import { SignJWT } from 'jose'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { concat, lp, randomBytes, sha256, toHex, utf8 } from 'keyhaven/crypto'
import { recover, register, remove } from 'keyhaven/recovery'
import { DEFAULT_REALM_LIMITS } from '../../settings/realm-limits.ts'
import type { TestRealm } from '../testing/realm-server.ts'
import {
  acmeTenants,
  acmeToken,
  acmeTransport,
  ourConfiguration,
  startTestRealm,
} from '../testing/realm-server.ts'
import type { AuditPage } from './audit.ts'
import { eraseOldAudit } from './audit.ts'

const PIN = utf8('493817')
const OTHER_KEY = randomBytes(32)
const OTHER = { algorithm: 'HS256', data: OTHER_KEY } as const
let realm: TestRealm

beforeAll(async () => {
  realm = await startTestRealm({ tenants: new Map([...acmeTenants, ['other:1', OTHER]]) })
})

/** A token of tenant `other`, which may say anything. */
function otherToken(claims: Readonly<Record<string, unknown>>, kid = 'other:1'): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const good = { iss: 'other', aud: toHex(realm.id), scope: 'audit', nbf: now - 1, exp: now + 600 }
  return new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: 'HS256', kid }).sign(OTHER_KEY)
}

async function ask(token: string, query = ''): Promise<Response> {
  return fetch(`${realm.address}audit${query}`, { headers: { Authorization: `Bearer ${token}` } })
}

async function readPage(query = ''): Promise<AuditPage> {
  const answer = await ask(await acmeToken(realm.id, 'the operator', 'audit'), query)
  expect(answer.status).toBe(200)
  return (await answer.json()) as AuditPage
}

/** The whole feed after a cursor, a page at a time. */
async function readAll(after: string | null, limit = 1000): Promise<AuditPage> {
  const page = await readPage(`?limit=${String(limit)}${after === null ? '' : `&after=${after}`}`)
  if (!page.more) return page
  const rest = await readAll(page.cursor, limit)
  return { ...rest, events: [...page.events, ...rest.events] }
}

function recordOf(subject: string): string {
  return toHex(sha256(concat(lp('acme'), lp(subject))))
}

/** Registers, fails once, recovers, deletes. */
async function live(subject: string, at: TestRealm = realm): Promise<void> {
  const options = {
    configuration: ourConfiguration([at], 1),
    transport: acmeTransport(subject),
    userInfo: PIN,
  }
  await register({ ...options, pin: PIN, secret: randomBytes(8), numGuesses: 5 })
  await recover({ ...options, pin: utf8('000000') })
  await recover({ ...options, pin: PIN })
  await remove(options)
}

const LIFE = ['registered', 'guess_used', 'guess_used', 'share_recovered', 'deleted']

describe('the feed', () => {
  test('tells what was done, when and to which record, page by page, and nothing of whose it is', async () => {
    await live('person@mail.example')
    await expect.poll(async () => (await readAll(null)).events.length).toBe(LIFE.length)
    const { events, cursor, more } = await readAll(null)
    expect(events.map(({ type }) => type)).toEqual(LIFE)
    expect(new Set(events.map(({ record }) => record))).toEqual(new Set([recordOf('person@mail.example')]))
    expect(new Set(events.map(({ id }) => id)).size).toBe(LIFE.length)
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted())
    expect(JSON.stringify(events)).not.toContain('person')
    expect(await readAll(null, 2)).toEqual({ events, cursor, more })
    expect(await readPage(`?after=${cursor ?? ''}`)).toEqual({ events: [], cursor, more: false })
  })

  test('is not another tenant’s', async () => {
    const answer = await ask(await otherToken({}))
    expect(await answer.json()).toEqual({ events: [], cursor: null, more: false })
  })

  test('does not pass over what began earlier and was committed later', async () => {
    const { cursor } = await readAll(null)
    const slow = new pg.Client({ connectionString: realm.database.urls.keyhaven_realm })
    await slow.connect()
    try {
      const id = recordOf('slow')
      await slow.query(`BEGIN; SET LOCAL app.record_id = '${id}'`)
      await slow.query(
        `INSERT INTO realm.audit (record_id, event_id, tenant, type, happened_at) VALUES ($1, $2, 'acme', 'registered', now())`,
        [Buffer.from(id, 'hex'), randomBytes(16)],
      )
      await live('fast')
      await realm.database.asSuperuser('SELECT pg_sleep(2.5)')
      expect((await readAll(cursor)).events).toEqual([])
      await slow.query('COMMIT')
    } finally {
      await slow.end()
    }
    const records = async (): Promise<readonly string[]> =>
      (await readAll(cursor)).events.map(({ record }) => record)
    const fast = LIFE.map(() => recordOf('fast'))
    await expect.poll(records).toEqual([recordOf('slow'), ...fast])
  })

  test('has nothing of the tenant whose events go into access logs', async () => {
    const own = await startTestRealm({ ownTenant: 'acme' })
    await live('somebody', own)
    expect(await own.database.asSuperuser('SELECT FROM realm.audit')).toEqual([])
  })
})

describe('a feed is not given', () => {
  test.each<[string, () => Promise<string>]>([
    ['to a user', () => acmeToken(realm.id, 'somebody')],
    ['without scope', () => otherToken({ scope: undefined })],
    ['for several scopes', () => otherToken({ scope: 'user audit' })],
    ['of another realm', () => acmeToken(randomBytes(16), 'somebody', 'audit')],
    ['to another tenant’s key', () => otherToken({ iss: 'acme' }, 'acme:1')],
    ['to a key that names another issuer', () => otherToken({ iss: 'acme' })],
    ['after its token’s time', () => otherToken({ nbf: 1, exp: 600 })],
    ['before its token’s time', () => otherToken({ nbf: Math.floor(Date.now() / 1000) + 3600 })],
    ['for longer than a day', () => otherToken({ exp: Math.floor(Date.now() / 1000) + 90_000 })],
    ['for text that is no token', () => Promise.resolve('x.y.z')],
  ])('%s', async (_, token) => {
    const answer = await ask(await token())
    expect([answer.status, await answer.json()]).toMatchObject([
      401,
      { error: { code: 'ERR_TOKEN_REJECTED' } },
    ])
  })

  test('without a token, by another method, or for a query that is none', async () => {
    expect((await fetch(`${realm.address}audit`)).status).toBe(401)
    expect((await fetch(`${realm.address}audit`, { method: 'POST' })).status).toBe(405)
    const token = await otherToken({})
    const wrong = [
      'limit=0',
      'limit=1001',
      'limit=x',
      'after=',
      'after=0',
      `after=${'f'.repeat(48)}`,
      'limit=1&limit=2',
    ]
    for (const query of wrong) expect([query, (await ask(token, `?${query}`)).status]).toEqual([query, 400])
  })

  test('to an address that has asked too often, whatever its tokens are', async () => {
    const requests = { ...DEFAULT_REALM_LIMITS.requests, address: 3 }
    const busy = await startTestRealm({ limits: { ...DEFAULT_REALM_LIMITS, requests } })
    const send = async (token: string): Promise<number> =>
      (await fetch(`${busy.address}audit`, { headers: { Authorization: `Bearer ${token}` } })).status
    const good = await acmeToken(busy.id, 'the operator', 'audit')
    for (const [token, status] of [
      ['x.y.z', 401],
      [good, 200],
      ['x.y.z', 401],
      ['x.y.z', 429],
      [good, 429],
    ] as const)
      expect(await send(token)).toBe(status)
  })

  test('and its token opens no record', async () => {
    const headers = {
      Authorization: `Bearer ${await otherToken({ sub: 'somebody' })}`,
      'X-Juicebox-Version': '0.3.0',
    }
    const body = Uint8Array.of(0x68, ...utf8('Recover1'))
    expect((await fetch(`${realm.address}req`, { method: 'POST', headers, body })).status).toBe(401)
  })
})

describe('what is old', () => {
  test('is erased, and what is young stays', async () => {
    const { database, asSuperuser } = realm.database
    await live('old')
    await asSuperuser(
      "UPDATE realm.audit SET happened_at = now() - interval '31 days' WHERE type = 'registered'",
    )
    const rows = await asSuperuser<{ type: string }>('SELECT type FROM realm.audit')
    const old = rows.filter(({ type }) => type === 'registered').length
    expect(await eraseOldAudit(database, { days: 30, now: new Date() })).toBe(old)
    expect(await eraseOldAudit(database, { days: 30, now: new Date() })).toBe(0)
    expect(await asSuperuser('SELECT FROM realm.audit')).toHaveLength(rows.length - old)
  })

  test('is all that can be erased, and a request about a record reads and changes nothing', async () => {
    const { database } = realm.database
    const counts = await database.withRealmRecord(randomBytes(32), async (transaction) => {
      const seen = await transaction.query('SELECT FROM realm.audit')
      const removed = await transaction.query('DELETE FROM realm.audit')
      await transaction.query("SET LOCAL app.realm_audit_sweep = 'on'")
      const swept = await transaction.query('DELETE FROM realm.audit')
      return [seen.rowCount, removed.rowCount, swept.rowCount]
    })
    expect(counts).toEqual([0, 0, 0])
    const changing = database.withRealmRecord(randomBytes(32), (t) =>
      t.query("UPDATE realm.audit SET type = 'deleted'"),
    )
    await expect(changing).rejects.toMatchObject({ code: '42501' })
    const adding = database.withRealmRecord(randomBytes(32), (t) =>
      t.query("INSERT INTO realm.audit SELECT $1, $1, 'acme', 'deleted', now()", [randomBytes(32)]),
    )
    await expect(adding).rejects.toMatchObject({ code: '42501' })
  })
})
