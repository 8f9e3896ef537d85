import { describe, expect, test } from 'vitest'
import { parseHex, randomBytes, toHex } from 'keyhaven/crypto'
import type { Database } from '../db/database.ts'
import { parseTrustedProxies } from '../http/origin.ts'
import { randomPhone, startTestApp } from '../testing/app.ts'
import { createTestDatabase } from '../testing/database.ts'
import type { TestAnswer, TestApp } from '../testing/app.ts'
import { deriveAuthKeys } from './keys.ts'
import { openPhone } from './phone.ts'
import { DEFAULT_LIMITS } from './rate-limits.ts'

const MINUTE = 60_000

function otherCode(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0')
}

interface Shown {
  readonly requestId: string
  readonly code: string
}

function verify(server: TestApp, phone: string, { requestId, code }: Shown): Promise<TestAnswer> {
  const device = { id: toHex(randomBytes(16)), label: 'Laptop' }
  return server.post('/v1/auth/verify', { phone, requestId, code, device })
}

function wrongly({ requestId, code }: Shown): Shown {
  return { requestId, code: otherCode(code) }
}

function askFrom(server: TestApp, phone: string, address: string): Promise<TestAnswer> {
  return server.post('/v1/auth/code', { phone }, { 'X-Forwarded-For': address })
}

function advance(server: TestApp, ms: number): void {
  server.clock.now = new Date(server.clock.now.getTime() + ms)
}

describe('sign-in', () => {
  test('a code signs a new number in, and the same number later finds the same account', async () => {
    const server = await startTestApp()
    const phone = randomPhone()
    const sent = await server.post('/v1/auth/code', {
      phone: `  ${phone.slice(0, 2)} (${phone.slice(2, 5)}) ${phone.slice(5)}`,
    })
    const requestId = String(sent.body['requestId'])
    expect([sent.status, sent.body]).toEqual([202, { requestId, expiresInSeconds: 300 }])
    expect(requestId).toMatch(/^[0-9a-f]{32}$/)
    const first = await verify(server, phone, { requestId, code: server.codes.get(phone) ?? '' })
    expect(first.status).toBe(200)
    expect(Object.keys(first.body).sort()).toEqual([
      'accessToken',
      'accessTokenExpiresInSeconds',
      'accountId',
      'phone',
      'refreshToken',
    ])
    expect(first.body['phone']).toBe(phone)
    expect(first.body['accessTokenExpiresInSeconds']).toBe(600)
    const second = await verify(server, phone, await server.askCode(phone))
    expect(second.body['accountId']).toBe(first.body['accountId'])
    const stranger = await server.signIn()
    expect(stranger.accountId).not.toBe(first.body['accountId'])
  })

  test('a code works once, also when it is shown twenty times at once', async () => {
    const server = await startTestApp()
    const phone = randomPhone()
    const asked = await server.askCode(phone)
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(server, phone, asked)))
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(answers.filter((answer) => answer.code === 'ERR_CODE_REJECTED')).toHaveLength(19)
    expect(await server.database.asSuperuser('SELECT FROM app.sessions')).toHaveLength(1)
  })

  test('a code is good with the id of its own request only, and a newer code leaves it good', async () => {
    const server = await startTestApp()
    const phone = randomPhone()
    const older = await server.askCode(phone)
    let newer = await server.askCode(phone)
    if (newer.code === older.code) newer = await server.askCode(phone)
    const crossed = { requestId: older.requestId, code: newer.code }
    expect((await verify(server, phone, crossed)).code).toBe('ERR_CODE_REJECTED')
    expect((await verify(server, phone, older)).status).toBe(200)
    expect((await verify(server, phone, newer)).status).toBe(200)
  })

  test('a stranger who knows the number uses up no try of its owner’s code and leaves no row in his log', async () => {
    const server = await startTestApp({ trustedProxies: parseTrustedProxies(['127.0.0.1']) })
    const owner = await server.signIn()
    const asked = await server.askCode(owner.phone)
    const show = (shown: Shown, count: number): Promise<TestAnswer> =>
      server.post(
        '/v1/auth/verify',
        { phone: owner.phone, ...shown, device: { id: toHex(randomBytes(16)), label: 'Thief' } },
        { 'X-Forwarded-For': `203.0.113.${String(count)}` },
      )
    const guesses = Array.from({ length: 250 }, (_, count) =>
      show({ requestId: toHex(randomBytes(16)), code: asked.code }, count),
    )
    for (const answer of await Promise.all(guesses)) expect(answer.code).toBe('ERR_CODE_REJECTED')
    // His own request gives him its own five tries, and its code goes to the owner's phone.
    const his = await server.post('/v1/auth/code', { phone: owner.phone })
    for (let count = 0; count < 6; count += 1) {
      await show(
        { requestId: String(his.body['requestId']), code: otherCode(server.codes.get(owner.phone) ?? '') },
        count,
      )
    }
    const { body } = await owner.get('/v1/access-log?limit=200')
    const refused = (body['rows'] as { readonly type: string; readonly success: boolean }[]).filter(
      ({ type, success }) => type === 'signed_in' && !success,
    )
    expect(refused).toHaveLength(5)
    expect((await verify(server, owner.phone, asked)).status).toBe(200)
  })

  test('a code lives for five minutes', async () => {
    const server = await startTestApp()
    const phone = randomPhone()
    const asked = await server.askCode(phone)
    advance(server, 5 * MINUTE)
    expect((await verify(server, phone, asked)).code).toBe('ERR_CODE_REJECTED')
  })

  test('of fifty wrong codes at once five count as tries, and then the right one is refused too', async () => {
    const server = await startTestApp()
    const phone = randomPhone()
    const asked = await server.askCode(phone)
    const answers = await Promise.all(Array.from({ length: 50 }, () => verify(server, phone, wrongly(asked))))
    expect(answers.every((answer) => answer.code === 'ERR_CODE_REJECTED')).toBe(true)
    expect(await server.database.asSuperuser('SELECT tries FROM auth.sign_in_codes')).toEqual([{ tries: 5 }])
    expect((await verify(server, phone, asked)).code).toBe('ERR_CODE_REJECTED')
  })

  test('four wrong codes leave the fifth try for the right one', async () => {
    const server = await startTestApp()
    const phone = randomPhone()
    const asked = await server.askCode(phone)
    for (let count = 0; count < 4; count += 1) await verify(server, phone, wrongly(asked))
    expect((await verify(server, phone, asked)).status).toBe(200)
  })

  test('a code of one number is none of another', async () => {
    const server = await startTestApp()
    const [mine, yours] = [randomPhone(), randomPhone()]
    const asked = await server.askCode(mine)
    await server.askCode(yours)
    expect((await verify(server, yours, asked)).code).toBe('ERR_CODE_REJECTED')
    expect((await verify(server, randomPhone(), asked)).code).toBe('ERR_CODE_REJECTED')
    expect((await verify(server, mine, asked)).status).toBe(200)
  })

  test('a sender that fails is answered the same for known and unknown numbers, and its fault is no answer', async () => {
    const server = await startTestApp({ codeSender: () => Promise.reject(new Error('canary +15551234567')) })
    const answer = await server.post('/v1/auth/code', { phone: randomPhone() })
    expect([answer.status, answer.code]).toEqual([503, 'ERR_SENDER_UNAVAILABLE'])
    expect(JSON.stringify([answer.body, server.logged])).not.toContain('canary')
  })
})

describe('what known and unknown numbers show', () => {
  test('both steps run the same statements and give the same answers', async () => {
    const created = await createTestDatabase()
    const statements: string[] = []
    const server = await startTestApp({
      shared: created,
      database: recordStatements(created.database, statements),
    })
    const known = (await server.signIn()).phone
    const run = async (phone: string): Promise<readonly unknown[]> => {
      statements.splice(0)
      const asked = await server.post('/v1/auth/code', { phone })
      const { requestId, ...body } = asked.body
      const shown = { requestId: String(requestId), code: otherCode(server.codes.get(phone) ?? '') }
      const tried = await verify(server, phone, shown)
      const unknown = await verify(server, phone, { ...shown, requestId: toHex(randomBytes(16)) })
      return [asked.status, body, tried.status, tried.body, unknown.status, unknown.body, [...statements]]
    }
    // A code has been asked for with both: counters know numbers, whether or not they have an account.
    const unknown = randomPhone()
    await server.post('/v1/auth/code', { phone: unknown })
    const [ofKnown, ofUnknown] = [await run(known), await run(unknown)]
    expect((ofKnown.at(-1) as string[]).length).toBeGreaterThan(10)
    expect(ofUnknown).toEqual(ofKnown)
  })
})

describe('the limits of sign-in', () => {
  test('a number gets three codes in ten minutes, with the time to wait', async () => {
    const server = await startTestApp({ trustedProxies: parseTrustedProxies(['127.0.0.1']) })
    const phone = randomPhone()
    let asked = 0
    const ask = (): Promise<TestAnswer> => askFrom(server, phone, `203.0.113.${String((asked += 1))}`)
    for (let count = 0; count < 3; count += 1) expect((await ask()).status).toBe(202)
    const fourth = await ask()
    expect([fourth.status, fourth.code, fourth.headers.get('retry-after')]).toEqual([
      429,
      'ERR_RATE_LIMITED',
      '600',
    ])
    advance(server, 10 * MINUTE)
    expect((await ask()).status).toBe(202)
  })

  test('one address gets four codes of a day for a number, and its owner still gets one from wherever he is', async () => {
    const server = await startTestApp({ trustedProxies: parseTrustedProxies(['127.0.0.1']) })
    const phone = randomPhone()
    let given = 0
    for (let round = 0; round < 6; round += 1) {
      for (let count = 0; count < 7; count += 1) {
        given += (await askFrom(server, phone, '203.0.113.1')).status === 202 ? 1 : 0
      }
      advance(server, 10 * MINUTE)
    }
    expect(given).toBe(4)
    expect((await askFrom(server, phone, '198.51.100.7')).status).toBe(202)
  })

  test('a device of the account has codes of its own, which strangers, and a device that was removed, do not use up', async () => {
    const server = await startTestApp({
      trustedProxies: parseTrustedProxies(['127.0.0.1']),
      limits: { codesPerPhone: { most: 100, seconds: 600 } },
    })
    const owner = await server.signIn()
    const other = await server.signIn({ phone: owner.phone })
    const ask = async (address: string, deviceId?: string): Promise<number> => {
      const body = { phone: owner.phone, ...(deviceId !== undefined && { deviceId }) }
      return (await server.post('/v1/auth/code', body, { 'X-Forwarded-For': address })).status
    }
    const strangers = Array.from({ length: 9 }, (_, host) => `203.0.113.${String(host)}`)
    for (const stranger of strangers) await ask(stranger)
    expect(await ask('203.0.113.9')).toBe(429)
    expect(await ask('203.0.113.9', toHex(randomBytes(16)))).toBe(429)
    expect(await ask('203.0.113.9', (await server.signIn()).deviceId)).toBe(429)
    expect(await ask('203.0.113.9', owner.deviceId)).toBe(202)
    expect(await ask('203.0.113.9', other.deviceId)).toBe(202)
    expect((await owner.send(`/v1/devices/${other.deviceId}`, { method: 'DELETE' })).status).toBe(204)
    expect(await ask('203.0.113.9', other.deviceId)).toBe(429)
    for (let count = 0; count < 3; count += 1) expect(await ask('198.51.100.1', owner.deviceId)).toBe(202)
    expect(await ask('198.51.100.1', owner.deviceId)).toBe(429)
    const bad = await server.post('/v1/auth/code', { phone: owner.phone, deviceId: 'none' })
    expect(bad.code).toBe('ERR_BODY_MALFORMED')
  })

  test('an address gets two hundred codes a day, over all numbers', async () => {
    const server = await startTestApp({ limits: { codesPerAddressAndDay: { most: 4, seconds: 86_400 } } })
    expect(DEFAULT_LIMITS.codesPerAddressAndDay).toEqual({ most: 200, seconds: 86_400 })
    const ask = (): Promise<TestAnswer> => server.post('/v1/auth/code', { phone: randomPhone() })
    for (let count = 0; count < 4; count += 1) expect((await ask()).status).toBe(202)
    advance(server, 60 * MINUTE)
    expect((await ask()).code).toBe('ERR_RATE_LIMITED')
    advance(server, 23 * 60 * MINUTE)
    expect((await ask()).status).toBe(202)
  })

  test('a flood from one address is refused without the database, and no other address with it', async () => {
    const created = await createTestDatabase()
    const statements: string[] = []
    const server = await startTestApp({
      shared: created,
      database: recordStatements(created.database, statements),
      trustedProxies: parseTrustedProxies(['127.0.0.1']),
      signInLimits: { most: 2, seconds: 600, atOnce: 10 },
    })
    const ask = (address: string): Promise<TestAnswer> => askFrom(server, randomPhone(), address)
    for (let count = 0; count < 2; count += 1) expect((await ask('203.0.113.1')).status).toBe(202)
    statements.splice(0)
    const refused = await ask('203.0.113.1')
    expect([refused.code, refused.headers.get('retry-after'), statements]).toEqual([
      'ERR_RATE_LIMITED',
      '600',
      [],
    ])
    expect((await ask('203.0.113.2')).status).toBe(202)
    advance(server, 10 * MINUTE)
    expect((await ask('203.0.113.1')).status).toBe(202)
  })

  test('parallel requests do not pass the limit together', async () => {
    const server = await startTestApp()
    const phone = randomPhone()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.post('/v1/auth/code', { phone })),
    )
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(3)
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(17)
  })

  test('an address gets twenty codes in ten minutes, over all numbers', async () => {
    const server = await startTestApp({ limits: { codesPerAddress: { most: 20, seconds: 600 } } })
    for (let count = 0; count < 20; count += 1) {
      expect((await server.post('/v1/auth/code', { phone: randomPhone() })).status).toBe(202)
    }
    expect((await server.post('/v1/auth/code', { phone: randomPhone() })).code).toBe('ERR_RATE_LIMITED')
    advance(server, 10 * MINUTE)
    expect((await server.post('/v1/auth/code', { phone: randomPhone() })).status).toBe(202)
  })

  test('processes over one database share the limits', async () => {
    const one = await startTestApp()
    const two = await startTestApp({ shared: one.database, keys: one.keys })
    const phone = randomPhone()
    const answers = []
    for (const server of [one, two, one, two])
      answers.push((await server.post('/v1/auth/code', { phone })).status)
    expect(answers).toEqual([202, 202, 202, 429])
  })

  test('what is past is swept away', async () => {
    const server = await startTestApp()
    server.clock.now = new Date(Date.now() - 2 * 24 * 60 * MINUTE)
    await server.post('/v1/auth/code', { phone: randomPhone() })
    server.clock.now = new Date()
    const phone = randomPhone()
    await server.post('/v1/auth/code', { phone })
    expect(await server.database.asSuperuser('SELECT FROM auth.sign_in_codes')).toHaveLength(1)
    expect(
      await server.database.asSuperuser('SELECT FROM auth.rate_limits WHERE ends_at < now()'),
    ).toHaveLength(0)
  })

  test('the sweep waits for nobody: parallel requests over counters that are past all pass', async () => {
    const server = await startTestApp()
    const phones = Array.from({ length: 24 }, randomPhone)
    const askAll = async (): Promise<readonly number[]> => {
      const answers = await Promise.all(phones.map((phone) => server.post('/v1/auth/code', { phone })))
      return answers.map((answer) => answer.status)
    }
    server.clock.now = new Date(Date.now() - 2 * 24 * 60 * MINUTE)
    expect(await askAll()).toEqual(phones.map(() => 202))
    server.clock.now = new Date()
    expect(await askAll()).toEqual(phones.map(() => 202))
  })
})

describe('phone numbers at rest', () => {
  test('the number is in no table and no log, and opens only with the phone key', async () => {
    const server = await startTestApp()
    const { phone, accountId, refreshToken, accessToken } = await server.signIn({ label: 'planted marker' })
    await server.post('/v1/auth/code', { phone })
    const dump = await dumpTables(server)
    expect(dump).toContain('planted marker')
    const digits = phone.slice(1)
    const secrets = [
      digits,
      Buffer.from(digits).toString('hex'),
      server.codes.get(phone) ?? '',
      accessToken,
      refreshToken,
    ]
    for (const secret of secrets) expect(dump.includes(secret)).toBe(false)
    expect(JSON.stringify(server.logged)).not.toContain(digits)
    const [row] = await server.database.asSuperuser<{ phone_sealed: Uint8Array }>(
      'SELECT phone_sealed FROM app.accounts',
    )
    const sealed = row?.phone_sealed ?? new Uint8Array()
    const { phoneSeal } = deriveAuthKeys(server.keys)
    expect(await openPhone({ sealed, accountId, phoneSealKey: phoneSeal })).toBe(phone)
    await expect(openPhone({ sealed, accountId, phoneSealKey: randomBytes(32) })).rejects.toMatchObject({
      code: 'ERR_ENVELOPE_REJECTED',
    })
  })

  test('a refresh token’s secret is stored only hashed', async () => {
    const server = await startTestApp()
    const { refreshToken } = await server.signIn()
    const secret = Buffer.from(refreshToken, 'base64url').subarray(32, 64)
    const dump = await dumpTables(server)
    expect(dump).not.toContain(toHex(secret))
    expect(parseHex(toHex(secret), 'secret', 32)).toHaveLength(32)
  })
})

/** Every row of every table as text, as in a dump. */
async function dumpTables(server: TestApp): Promise<string> {
  const tables = await server.database.asSuperuser<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('app', 'auth', 'realm', 'migration')",
  )
  const texts = await Promise.all(
    tables.map(async ({ name }) =>
      (await server.database.asSuperuser<{ text: string }>(`SELECT t::text AS text FROM ${name} t`)).map(
        (row) => row.text,
      ),
    ),
  )
  return texts.flat().join('\n')
}

/** The same database, with the statements of sign-in written down; ids and hashes in settings are left out. */
function recordStatements(database: Database, statements: string[]): Database {
  return {
    ...database,
    withAuth: (run, options) =>
      database.withAuth(
        (transaction) =>
          run({
            ...transaction,
            query: (text, values) => {
              statements.push(text.replace(/'[0-9a-f-]{32,64}'/, "'…'"))
              return transaction.query(text, values)
            },
          }),
        options,
      ),
  }
}
