import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { randomBytes, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import { encodeRequest, generateScalar, groupNoble, parseResponse } from 'keyhaven/recovery/realm'
import { DEFAULT_REALM_LIMITS } from '../settings/realm-limits.ts'
import { createCurvePool } from './curve-pool.ts'
import type { CurvePool } from './curve-pool.ts'
import type { TestRealm } from './testing/realm-server.ts'
import { acmeToken, acmeTransport, ourConfiguration, startTestRealm } from './testing/realm-server.ts'

const PIN = utf8('493817')
const userInfo = utf8('person')

async function post(realm: TestRealm, subject: string, body: Uint8Array): Promise<Response> {
  return fetch(`${realm.address}req`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: { Authorization: `Bearer ${await acmeToken(realm.id, subject)}`, 'X-Juicebox-Version': '0.3.0' },
  })
}

function guess(version: Uint8Array): Uint8Array {
  const blindedInput = groupNoble.multiplyBase(generateScalar(groupNoble))
  return encodeRequest({ kind: 'recover2', version, blindedInput })
}

function optionsAt(realm: TestRealm, subject: string): Omit<Parameters<typeof recover>[0], 'pin'> {
  return { configuration: ourConfiguration([realm], 1), transport: acmeTransport(subject), userInfo }
}

describe('a realm with more to do than it can', () => {
  const pool = createCurvePool({ threads: 1, places: 3 })
  afterAll(() => pool.close())

  it('refuses guesses with 503 before they are counted, answers all else, and goes on', async () => {
    const realm = await startTestRealm({ curve: pool })
    const options = optionsAt(realm, 'one')
    const { version } = await register({ ...options, pin: PIN, secret: randomBytes(8), numGuesses: 2 })
    const places = [pool.enter(), pool.enter(), pool.enter()]
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const answer = await post(realm, 'one', guess(version))
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
      expect(await answer.json()).toMatchObject({ error: { code: 'ERR_OVERLOADED' } })
    }
    expect((await post(realm, 'one', encodeRequest({ kind: 'recover1' }))).status).toBe(200)
    for (const leave of places) leave?.()
    expect(await recover({ ...options, pin: utf8('000000') })).toMatchObject({ guessesRemaining: 1 })
    expect(await recover({ ...options, pin: PIN })).toMatchObject({ status: 'recovered' })
    expect(pool.load()).toEqual({ inside: 0, waiting: 0 })
  })
})

describe('a guess for nobody', () => {
  it('has a place, a commit on disk and an evaluation like any other', async () => {
    const pool = createCurvePool({ threads: 1 })
    afterAll(() => pool.close())
    const seen: string[] = []
    const watching: CurvePool = {
      ...pool,
      enter: () => {
        seen.push('place')
        return pool.enter()
      },
      evaluate: (task) => {
        seen.push('evaluation')
        return pool.evaluate(task)
      },
    }
    const realm = await startTestRealm({ curve: watching })
    const written = async (): Promise<unknown> => {
      const [row] = await realm.database.asSuperuser('SELECT pg_current_wal_flush_lsn()::text AS lsn')
      return row?.['lsn']
    }
    const before = await written()
    const answer = await post(realm, 'nobody', guess(randomBytes(16)))
    const body = new Uint8Array(await answer.arrayBuffer())
    expect(parseResponse({ kind: 'recover2', body })).toMatchObject({ status: 'not-registered' })
    expect(seen).toEqual(['place', 'evaluation'])
    expect(await written()).not.toBe(before)
  })
})

describe('what a realm takes in ten minutes', () => {
  it.each(['address', 'record', 'tenant'] as const)('of one %s is bounded, with 429', async (bounded) => {
    const requests = { ...DEFAULT_REALM_LIMITS.requests, [bounded]: 10 }
    const realm = await startTestRealm({ limits: { ...DEFAULT_REALM_LIMITS, requests } })
    const ask = (subject: string): Promise<Response> =>
      post(realm, subject, encodeRequest({ kind: 'recover1' }))
    for (let count = 0; count < 10; count += 1) expect((await ask('one')).status).toBe(200)
    const answer = await ask('one')
    expect(answer.status).toBe(429)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect((await ask('two')).status).toBe(bounded === 'record' ? 200 : 429)
  })

  it('counts a request whose body is on its way for the address alone', async () => {
    const requests = { address: 20, record: 1, tenant: 1 }
    const realm = await startTestRealm({ limits: { ...DEFAULT_REALM_LIMITS, requests } })
    const token = await acmeToken(realm.id, 'one')
    const lines = [
      'POST /realm/req HTTP/1.1',
      'Host: x',
      'X-Juicebox-Version: 0.3.0',
      `Authorization: Bearer ${token}`,
      'Content-Length: 9',
      'Expect: 100-continue',
    ]
    const slow = connect(Number(new URL(realm.address).port), '127.0.0.1', () =>
      slow.write([...lines, '', 'half'].join('\r\n')),
    )
    slow.on('error', () => undefined)
    // Its headers have been looked at by then.
    await once(slow, 'data')
    expect((await post(realm, 'one', encodeRequest({ kind: 'recover1' }))).status).toBe(200)
    expect((await post(realm, 'one', encodeRequest({ kind: 'recover1' }))).status).toBe(429)
    slow.destroy()
  })

  it('counts bad tokens for the address alone', async () => {
    const requests = { address: 20, record: 10, tenant: 10 }
    const realm = await startTestRealm({ limits: { ...DEFAULT_REALM_LIMITS, requests } })
    const bad = { method: 'POST', headers: { Authorization: 'Bearer x.y.z', 'X-Juicebox-Version': '0.3.0' } }
    for (let count = 0; count < 15; count += 1) {
      expect((await fetch(`${realm.address}req`, bad)).status).toBe(401)
    }
    expect((await post(realm, 'one', encodeRequest({ kind: 'recover1' }))).status).toBe(200)
    for (let count = 0; count < 4; count += 1) await fetch(`${realm.address}req`, bad)
    expect((await fetch(`${realm.address}req`, bad)).status).toBe(429)
  })
})
