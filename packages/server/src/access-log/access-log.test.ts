import { SignJWT, decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { parseConfiguration, recover, register, remove } from 'keyhaven/recovery'
import type { Configuration, RealmTransport } from 'keyhaven/recovery'
import { parseTrustedProxies } from '../http/origin.ts'
import { startTestApp } from '../testing/app.ts'
import type { TestApp, TestDevice } from '../testing/app.ts'
import { readLogTypes } from '../testing/backups.ts'
import { randomId } from '../testing/segments.ts'
import type { AccessLogRow } from './read.ts'

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

async function readRows(device: TestDevice, query = ''): Promise<readonly AccessLogRow[]> {
  return (await device.get(`/v1/access-log${query}`)).body['rows'] as readonly AccessLogRow[]
}

describe('the access log', () => {
  test('says who signed in, from where, with what, and when', async () => {
    const alice = await server.signIn({ label: 'Tablet, großes 📱' })
    const rows = await readRows(alice)
    expect(rows).toHaveLength(2)
    expect(rows[1]).toMatchObject({
      sequence: 1,
      deviceLabel: 'Tablet, großes 📱',
      deviceId: alice.deviceId,
      type: 'signed_in',
      success: true,
      code: null,
      message: 'A device signed in.',
      address: '127.0.0.1',
      userAgent: 'node',
      createdAt: server.clock.now.toISOString(),
    })
    expect(rows[0]?.type).toBe('device_added')
  })

  test('tells the owner of a number of failed sign-ins, and of a flood only once', async () => {
    const alice = await server.signIn()
    const device = { id: toHex(randomBytes(16)), label: 'Thief' }
    const { requestId, code } = await server.askCode(alice.phone)
    const wrong = { phone: alice.phone, code: code === '000000' ? '000001' : '000000', device }
    const answer = await server.post('/v1/auth/verify', { ...wrong, requestId })
    const noRequest = { ...wrong, requestId: toHex(randomBytes(16)) }
    expect((await server.post('/v1/auth/verify', noRequest)).code).toBe('ERR_CODE_REJECTED')
    expect(answer.code).toBe('ERR_CODE_REJECTED')
    for (let count = 0; count < 10; count += 1) await server.post('/v1/auth/code', { phone: alice.phone })
    expect((await readLogTypes(alice)).slice(0, 5)).toEqual([
      'code_requested refused',
      'code_requested',
      'signed_in refused',
      'code_requested',
      'device_added',
    ])
    const [limited, , failed] = await readRows(alice)
    expect([limited?.code, failed?.code, failed?.deviceId]).toEqual([
      'ERR_RATE_LIMITED',
      'ERR_CODE_REJECTED',
      null,
    ])
  })

  test('is read newest first, page by page, each row once', async () => {
    const alice = await server.signIn()
    const report = { success: true, identityKeys: 1, conversationKeys: 2 }
    for (let count = 0; count < 7; count += 1) await alice.post('/v1/access-log/restored', report)
    const seen: number[] = []
    let next: number | null = 10
    for (let pages = 0; next !== null && pages < 10; pages += 1) {
      const { body } = await alice.get(`/v1/access-log?limit=4&before=${String(next)}`)
      seen.push(...(body['rows'] as readonly AccessLogRow[]).map(({ sequence }) => sequence))
      next = body['next'] as number | null
    }
    expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1])
  })

  test('marks what only the client says', async () => {
    const alice = await server.signIn()
    await alice.post('/v1/access-log/restored', { success: true, identityKeys: 3, conversationKeys: 1000 })
    await alice.post('/v1/access-log/restored', { success: false, identityKeys: 0, conversationKeys: 0 })
    expect(await readRows(alice, '?limit=2')).toMatchObject([
      { type: 'keys_restored', success: false, code: 'REPORTED_BY_CLIENT' },
      {
        type: 'keys_restored',
        success: true,
        code: 'REPORTED_BY_CLIENT',
        message: 'The device reported that it restored 3 identity keys and 1000 conversation keys.',
      },
    ])
  })

  test('is one’s own: another account’s rows are not there', async () => {
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    expect(await readRows(alice)).toHaveLength(2)
    expect((await readRows(bob)).every((row) => row.deviceId === bob.deviceId)).toBe(true)
  })

  test.each([
    'limit=0',
    'limit=201',
    'limit=x',
    'limit=-1',
    'limit=1&limit=2',
    'before=0',
    'before=-1',
    `before=${randomId()}`,
  ])('the query %s is refused', async (query) => {
    const alice = await server.signIn()
    expect((await alice.get(`/v1/access-log?${query}`)).code).toBe('ERR_BODY_MALFORMED')
  })

  test('keeps a cleaned and shortened user agent', async () => {
    const alice = await server.signIn()
    const userAgent = `Agent\u00ad/1\t${'é'.repeat(300)}`
    await alice.send('/v1/access-log/restored', {
      method: 'POST',
      json: { success: true, identityKeys: 1, conversationKeys: 1 },
      headers: { 'User-Agent': userAgent },
    })
    const [row] = await readRows(alice)
    expect(row?.userAgent).toHaveLength(256)
    expect(row?.userAgent?.startsWith('Agent/1')).toBe(true)
  })

  test('believes a forwarded address only from a trusted proxy', async () => {
    const behind = await startTestApp({ trustedProxies: parseTrustedProxies(['127.0.0.1', '10.0.0.0/8']) })
    const addressSeen = async (on: TestApp, forwarded: string): Promise<string | null | undefined> => {
      const alice = await on.signIn()
      const report = { success: true, identityKeys: 1, conversationKeys: 1 }
      await alice.send('/v1/access-log/restored', {
        method: 'POST',
        json: report,
        headers: { 'X-Forwarded-For': forwarded },
      })
      return (await readRows(alice))[0]?.address
    }
    expect(await addressSeen(server, '203.0.113.7')).toBe('127.0.0.1')
    expect(await addressSeen(behind, '1.1.1.1, 203.0.113.7, 10.1.2.3')).toBe('203.0.113.7')
    expect(await addressSeen(behind, '2001:db8::7')).toBe('2001:db8::7')
    expect(await addressSeen(behind, 'unknown, 10.1.2.3')).toBe('10.1.2.3')
    expect(await addressSeen(behind, "'; DROP TABLE app.access_log; --")).toBe('127.0.0.1')
  })
})

function configurationOf(app: TestApp, realmId: Uint8Array): Configuration {
  return parseConfiguration(
    {
      realms: [{ id: toHex(realmId), address: `${app.origin}/realm/` }],
      register_threshold: 1,
      recover_threshold: 1,
      pin_hashing_mode: 'FastInsecure',
    },
    { insecureForTests: true },
  )
}

describe('what this server’s realm does', () => {
  test('is in the log of the account behind the token, step by step, with device and address', async () => {
    const realmId = randomBytes(16)
    const own = await startTestApp({ realmId })
    const alice = await own.signIn({ label: 'Phone' })
    const registration = randomId()
    const realms = [toHex(realmId)]
    await alice.post('/v1/pointer/pending', { expectedEtag: null, registration, generation: 1, realms })
    const { body } = await alice.post('/v1/realm-tokens', { registration, realmIds: realms })
    const token = (body['tokens'] as Record<string, string>)[toHex(realmId)] ?? ''
    const configuration = configurationOf(own, realmId)
    const options = { configuration, transport: transportWith(token), userInfo: utf8('somebody') }
    const secret = randomBytes(69)
    await register({ ...options, pin: utf8('493817'), secret, numGuesses: 10 })
    expect(await recover({ ...options, pin: utf8('000000') })).toMatchObject({ status: 'wrong-pin' })
    expect(await recover({ ...options, pin: utf8('493817') })).toMatchObject({ status: 'recovered' })
    await remove(options)
    const rows = await readRows(alice)
    expect(rows.slice(0, 5).map(({ type }) => type)).toEqual([
      'registration_deleted',
      'share_recovered',
      'guess_used',
      'guess_used',
      'registration_stored',
    ])
    expect(rows[0]).toMatchObject({ deviceId: alice.deviceId, deviceLabel: 'Phone', address: '127.0.0.1' })
  })

  test('is not written for another tenant that shows an account’s context', async () => {
    const realmId = randomBytes(16)
    const secret = randomBytes(32)
    const tenants = new Map([['acme:1', { algorithm: 'HS256', data: secret }]] as const)
    const own = await startTestApp({ realmId, tenants })
    const alice = await own.signIn()
    const realms = [toHex(realmId)]
    const registration = randomId()
    await alice.post('/v1/pointer/pending', { expectedEtag: null, registration, generation: 1, realms })
    const { body } = await alice.post('/v1/realm-tokens', { registration, realmIds: realms })
    const stolen = decodeJwt((body['tokens'] as Record<string, string>)[toHex(realmId)] ?? '')
    const forged = await new SignJWT({ keyhaven_context: stolen['keyhaven_context'] })
      .setProtectedHeader({ alg: 'HS256', kid: 'acme:1' })
      .setIssuer('acme')
      .setSubject(stolen.sub ?? '')
      .setAudience(toHex(realmId))
      .setNotBefore('0s')
      .setExpirationTime('5m')
      .sign(secret)
    const before = await readRows(alice)
    const configuration = configurationOf(own, realmId)
    const stored = { pin: utf8('493817'), secret: randomBytes(69), numGuesses: 10, userInfo: utf8('a') }
    await register({ configuration, transport: transportWith(forged), ...stored })
    expect(await readRows(alice)).toEqual(before)
  })

  test('answers a realm’s refusals and faults in its own words', async () => {
    const answer = await server.send('/realm/req', {
      method: 'POST',
      headers: { 'X-Juicebox-Version': '0.3.0' },
    })
    expect(answer.status).toBe(401)
    expect((await server.send('/realm/')).body['keyhaven']).toBe(1)
    expect((await server.send('/realm/req')).status).toBe(405)
  })
})

/** Posts to the realm as a client does. */
function transportWith(token: string): RealmTransport {
  return async ({ realm, body, signal }) => {
    const response = await fetch(`${realm.address}req`, {
      method: 'POST',
      body: new Uint8Array(body),
      signal,
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/octet-stream',
        'X-Juicebox-Version': '0.3.0',
      },
    })
    if (!response.ok) return { kind: 'refused', status: response.status }
    return { kind: 'ok', body: new Uint8Array(await response.arrayBuffer()) }
  }
}
