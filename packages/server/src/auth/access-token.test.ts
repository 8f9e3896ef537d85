import { createHmac } from 'node:crypto'
import { SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { deriveAuthKeys } from './keys.ts'
import { randomBytes, toBase64Url, utf8 } from 'keyhaven/crypto'
import { signAccessToken } from './access-token.ts'
import type { AccessClaims } from './access-token.ts'
import { startTestApp } from '../testing/app.ts'
import type { TestApp, TestDevice } from '../testing/app.ts'

let server: TestApp
let alice: TestDevice
let claims: AccessClaims
beforeAll(async () => {
  server = await startTestApp()
  alice = await server.signIn()
  const payload = JSON.parse(Buffer.from(alice.accessToken.split('.')[1] ?? '', 'base64url').toString()) as {
    sid: string
  }
  claims = { accountId: alice.accountId, sessionId: payload.sid, deviceId: alice.deviceId }
})

async function statusWith(token: string): Promise<readonly unknown[]> {
  const answer = await server.send('/v1/access-log', { headers: { Authorization: `Bearer ${token}` } })
  return [answer.status, answer.code]
}

const SIGNED_OUT = [401, 'ERR_SIGNED_OUT']

function encode(value: unknown): string {
  return toBase64Url(utf8(JSON.stringify(value)))
}

describe('access tokens', () => {
  test('a token that is signed anew for the live session is good', async () => {
    const key = deriveAuthKeys(server.keys).accessToken
    expect(
      await statusWith(
        await signAccessToken(claims, { key, issuer: 'http://127.0.0.1', now: server.clock.now }),
      ),
    ).toEqual([200, undefined])
  })

  test('a token under another key is refused', async () => {
    const key = deriveAuthKeys({ ...server.keys, tokenKey: randomBytes(32) }).accessToken
    expect(
      await statusWith(
        await signAccessToken(claims, { key, issuer: 'http://127.0.0.1', now: server.clock.now }),
      ),
    ).toEqual(SIGNED_OUT)
  })

  test('a token under the key of realm tokens is refused', async () => {
    const key = deriveAuthKeys(server.keys).realmToken
    expect(
      await statusWith(
        await signAccessToken(claims, { key, issuer: 'http://127.0.0.1', now: server.clock.now }),
      ),
    ).toEqual(SIGNED_OUT)
  })

  test('an expired token is refused', async () => {
    const key = deriveAuthKeys(server.keys).accessToken
    const now = new Date(server.clock.now.getTime() - 601_000)
    expect(await statusWith(await signAccessToken(claims, { key, issuer: 'http://127.0.0.1', now }))).toEqual(
      SIGNED_OUT,
    )
  })

  test.each([
    ['another issuer', { iss: 'http://elsewhere' }],
    ['another audience', { aud: '00'.repeat(16) }],
    ['no audience', { aud: undefined }],
    ['no end', { exp: undefined }],
    ['no beginning', { iat: undefined }],
    ['a time that has not come', { nbf: Math.floor(Date.now() / 1000) + 3600 }],
    ['several audiences, none of them this server', { aud: ['a', 'b'] }],
    ['another session', { sid: '00000000-0000-4000-8000-000000000000' }],
    ['another device', { device: '00'.repeat(16) }],
    ['a device that is none', { device: 'x' }],
    ['a user that is none', { sub: "'; SELECT 1" }],
    ['another user', { sub: '00000000-0000-4000-8000-000000000000' }],
  ])('a rightly signed token with %s is refused', async (_, change) => {
    const seconds = Math.floor(server.clock.now.getTime() / 1000)
    const payload = {
      iss: 'http://127.0.0.1',
      aud: 'keyhaven',
      sub: claims.accountId,
      sid: claims.sessionId,
      device: claims.deviceId,
      iat: seconds,
      exp: seconds + 600,
    }
    const sign = (content: Record<string, unknown>): Promise<string> =>
      new SignJWT(content)
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt' })
        .sign(deriveAuthKeys(server.keys).accessToken.privateKey)
    expect(await statusWith(await sign(payload))).toEqual([200, undefined])
    expect(await statusWith(await sign({ ...payload, ...change }))).toEqual(SIGNED_OUT)
  })

  test('a rightly signed token of another type is refused', async () => {
    const { privateKey } = deriveAuthKeys(server.keys).accessToken
    const [, payload = ''] = alice.accessToken.split('.')
    const content = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    const typed = (typ: string): Promise<string> =>
      new SignJWT(content).setProtectedHeader({ alg: 'EdDSA', typ }).sign(privateKey)
    expect(await statusWith(await typed('at+jwt'))).toEqual([200, undefined])
    for (const typ of ['JWT', 'id+jwt', '']) expect(await statusWith(await typed(typ))).toEqual(SIGNED_OUT)
  })

  test('the algorithm is not the token’s to choose', async () => {
    const [, payload = ''] = alice.accessToken.split('.')
    const none = `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`
    const header = encode({ alg: 'HS256', typ: 'at+jwt' })
    const { publicKeySpki } = deriveAuthKeys(server.keys).accessToken
    const confused = [publicKeySpki, publicKeySpki.subarray(12)].map((key) => {
      const tag = createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url')
      return `${header}.${payload}.${tag}`
    })
    for (const token of [none, `${none}AA`, ...confused]) expect(await statusWith(token)).toEqual(SIGNED_OUT)
  })

  test('every single changed character of a token is refused', async () => {
    const { accessToken } = alice
    for (let index = 0; index < accessToken.length; index += 17) {
      const other = accessToken[index] === 'A' ? 'B' : 'A'
      const token = accessToken.slice(0, index) + other + accessToken.slice(index + 1)
      expect(await statusWith(token)).toEqual(SIGNED_OUT)
    }
  })

  test.each([
    '',
    'Bearer',
    'Bearer ',
    'Basic eDp4',
    'Bearer a.b',
    'Bearer a.b.c.d',
    'Bearer ...',
    'x'.repeat(5000),
  ])('the header %j is refused', async (authorization) => {
    const answer = await server.send('/v1/pointer', { headers: { Authorization: authorization } })
    expect([answer.status, answer.code, answer.headers.get('www-authenticate')]).toEqual([
      ...SIGNED_OUT,
      'Bearer',
    ])
  })

  test('without a good token a request is answered while its body is still on its way', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(1024))
      },
    })
    const answer = await server.send(`/v1/log/segments/${'0'.repeat(64)}`, {
      method: 'PUT',
      body,
      headers: { 'Content-Type': 'application/octet-stream' },
    })
    expect(answer.status).toBe(401)
  })
})
