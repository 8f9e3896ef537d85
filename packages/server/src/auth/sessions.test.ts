import { describe, expect, test } from 'vitest'
import { randomBytes, toBase64Url } from 'keyhaven/crypto'
import { startTestApp } from '../testing/app.ts'
import { sweepDue } from '../sweep-due.ts'
import type { TestAnswer, TestApp, TestDevice } from '../testing/app.ts'

const SECOND = 1000
const DAY = 24 * 3600 * SECOND

function advance(server: TestApp, ms: number): void {
  server.clock.now = new Date(server.clock.now.getTime() + ms)
}

function refresh(server: TestApp, refreshToken: unknown): Promise<TestAnswer> {
  return server.post('/v1/auth/refresh', { refreshToken })
}

async function isSignedIn(device: TestDevice): Promise<boolean> {
  return (await device.get('/v1/access-log')).status === 200
}

describe('sessions', () => {
  test('an access token ends after ten minutes, and a refresh token brings the next', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    advance(server, 599 * SECOND)
    expect(await isSignedIn(alice)).toBe(true)
    advance(server, SECOND)
    expect((await alice.get('/v1/pointer')).code).toBe('ERR_SIGNED_OUT')
    const { status, body } = await refresh(server, alice.refreshToken)
    expect(status).toBe(200)
    expect(Object.keys(body).sort()).toEqual(['accessToken', 'accessTokenExpiresInSeconds', 'refreshToken'])
    expect(body['refreshToken']).not.toBe(alice.refreshToken)
    alice.accessToken = String(body['accessToken'])
    expect(await isSignedIn(alice)).toBe(true)
  })

  test('the immediate predecessor is answered again within 30 s, with the same successor', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    const first = await refresh(server, alice.refreshToken)
    advance(server, 30 * SECOND)
    const again = await refresh(server, alice.refreshToken)
    expect(again.body['refreshToken']).toBe(first.body['refreshToken'])
    expect((await refresh(server, first.body['refreshToken'])).status).toBe(200)
  })

  test('parallel refreshes with one token all get the same successor', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(server, alice.refreshToken)))
    expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(200))
    expect(new Set(answers.map((answer) => answer.body['refreshToken'])).size).toBe(1)
  })

  test('one session’s token that comes again and again is refused beyond its bound, and others’ is not', async () => {
    const server = await startTestApp()
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    const answers = await Promise.all(Array.from({ length: 40 }, () => refresh(server, alice.refreshToken)))
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([undefined, 'ERR_RATE_LIMITED']))
    for (let count = 0; count < 120; count += 1) await refresh(server, alice.refreshToken)
    const refused = await refresh(server, alice.refreshToken)
    expect([refused.code, refused.headers.get('retry-after')]).toEqual(['ERR_RATE_LIMITED', '600'])
    expect((await refresh(server, bob.refreshToken)).status).toBe(200)
  })

  test('thirty days after their end sessions are removed, and no others', async () => {
    const server = await startTestApp()
    const { asSuperuser, database } = server.database
    const [live, leaving, left, expired] = await Promise.all(Array.from({ length: 4 }, () => server.signIn()))
    const end = (device: TestDevice | undefined, column: string, days: number): Promise<unknown> =>
      asSuperuser(`UPDATE app.sessions SET ${column} = now() - interval '1 day' * $2 WHERE user_id = $1`, [
        device?.accountId,
        days,
      ])
    await end(leaving, 'ended_at', 29)
    await end(left, 'ended_at', 31)
    await end(expired, 'expires_at', 31)
    expect(await sweepDue(database, 'sessions')).toBe(2)
    expect(await sweepDue(database, 'sessions')).toBe(0)
    const rows = await asSuperuser<{ user_id: string }>('SELECT user_id FROM app.sessions')
    expect(rows.map(({ user_id }) => user_id).sort()).toEqual([live?.accountId, leaving?.accountId].sort())
    expect(await isSignedIn(live as TestDevice)).toBe(true)
  })

  test('a transaction that says it is the sweep can read and remove nothing that is not due', async () => {
    const server = await startTestApp()
    await server.signIn()
    const removed = await server.database.database.withAuth(async (transaction) => {
      await transaction.query("SET LOCAL app.session_sweep = 'on'")
      const seen = await transaction.query('SELECT user_id FROM app.sessions')
      return [seen.rowCount, (await transaction.query('DELETE FROM app.sessions')).rowCount]
    })
    expect(removed).toEqual([0, 0])
  })

  test('a spent token that comes later ends the session for its thief and its owner', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    const next = await refresh(server, alice.refreshToken)
    advance(server, 31 * SECOND)
    expect((await refresh(server, alice.refreshToken)).code).toBe('ERR_SIGNED_OUT')
    expect((await refresh(server, next.body['refreshToken'])).code).toBe('ERR_SIGNED_OUT')
    expect(await isSignedIn(alice)).toBe(false)
  })

  test('a spent token that is not the immediate predecessor ends the session at once', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    const second = await refresh(server, alice.refreshToken)
    const third = await refresh(server, second.body['refreshToken'])
    expect((await refresh(server, alice.refreshToken)).code).toBe('ERR_SIGNED_OUT')
    expect((await refresh(server, third.body['refreshToken'])).code).toBe('ERR_SIGNED_OUT')
  })

  test('the reuse of a spent token is in the access log', async () => {
    const server = await startTestApp()
    const phone = '+12025550143'
    const alice = await server.signIn({ phone })
    await refresh(server, alice.refreshToken)
    advance(server, 31 * SECOND)
    await refresh(server, alice.refreshToken)
    const back = await server.signIn({ phone })
    const { rows } = (await back.get('/v1/access-log')).body as {
      rows: { type: string; success: boolean; code: string | null }[]
    }
    expect(rows.filter((row) => row.type === 'session_refreshed')).toMatchObject([
      { success: false, code: 'ERR_SIGNED_OUT' },
      { success: true, code: null },
    ])
  })

  test('a made-up token is refused and ends no session, whatever part of a real one it repeats', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    const real = Buffer.from(alice.refreshToken, 'base64url')
    const forged = [0, 15, 16, 31, 32, 63, 64, 79].map((index) => {
      const bytes = Buffer.from(real)
      bytes.writeUInt8((bytes.readUInt8(index) + 1) % 256, index)
      return toBase64Url(bytes)
    })
    const others = [
      toBase64Url(randomBytes(80)),
      alice.refreshToken.slice(1),
      `${alice.refreshToken}A`,
      'x',
      alice.accessToken,
    ]
    for (const token of [...forged, ...others]) {
      expect((await refresh(server, token)).code).toBe('ERR_SIGNED_OUT')
    }
    expect(await isSignedIn(alice)).toBe(true)
    expect((await refresh(server, alice.refreshToken)).status).toBe(200)
  })

  test('a session ends after 90 days without use', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    advance(server, 89 * DAY)
    const used = await refresh(server, alice.refreshToken)
    expect(used.status).toBe(200)
    advance(server, 90 * DAY)
    expect((await refresh(server, used.body['refreshToken'])).code).toBe('ERR_SIGNED_OUT')
  })

  test('logout ends this session at once and no other', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    const laptop = await server.signIn({ phone: alice.phone })
    expect((await alice.post('/v1/auth/logout', {})).status).toBe(204)
    expect(await isSignedIn(alice)).toBe(false)
    expect((await refresh(server, alice.refreshToken)).code).toBe('ERR_SIGNED_OUT')
    expect((await alice.post('/v1/auth/logout', {})).code).toBe('ERR_SIGNED_OUT')
    expect(await isSignedIn(laptop)).toBe(true)
  })

  test('logout needs no body', async () => {
    const server = await startTestApp()
    const alice = await server.signIn()
    expect((await alice.send('/v1/auth/logout', { method: 'POST' })).status).toBe(204)
  })

  test('another process with the same keys continues a session', async () => {
    const one = await startTestApp()
    const two = await startTestApp({ shared: one.database, keys: one.keys })
    const alice = await one.signIn()
    expect((await refresh(two, alice.refreshToken)).status).toBe(200)
  })
})
