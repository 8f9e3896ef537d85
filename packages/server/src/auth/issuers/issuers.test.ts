/**
 * Sign-in by tokens of outside issuers, against an issuer over HTTP that rotates, lies, redirects and goes away.
 */
import { createHmac, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { SignJWT } from 'jose'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { startTestApp } from '../../testing/app.ts'
import type { TestAnswer, TestApp } from '../../testing/app.ts'
import { givingKeys, publishKey, startTestIssuer } from '../../testing/issuer.ts'
import type { TestIssuer } from '../../testing/issuer.ts'

const ed25519 = generateKeyPairSync('ed25519')
const nextEd25519 = generateKeyPairSync('ed25519')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ec384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })

const KEYS = [
  publishKey('ed', ed25519.publicKey),
  publishKey('rsa', rsa.publicKey),
  publishKey('ec', ec.publicKey),
  publishKey('weak', weakRsa.publicKey),
  publishKey('ec384', ec384.publicKey),
  { kty: 'oct', kid: 'oct', k: Buffer.from('x'.repeat(32)).toString('base64url') },
]
const failing = (response: ServerResponse): void => {
  response.writeHead(500).end()
}

const REALM_ID = randomBytes(16)
let acme: TestIssuer
let other: TestIssuer
let server: TestApp
let ground: Pick<TestApp, 'database' | 'keys'>

beforeAll(async () => {
  acme = await startTestIssuer(KEYS)
  other = await startTestIssuer([publishKey('ed', nextEd25519.publicKey)])
  ground = await startTestApp({ realmId: REALM_ID })
})

/** A server that has asked nobody yet. */
beforeEach(async () => {
  acme.answer = givingKeys(KEYS)
  const entries = [acme, other].map(
    ({ origin }) => [origin, { audience: 'app', keys: `${origin}/keys` }] as const,
  )
  server = await startTestApp({
    issuers: new Map(entries),
    shared: ground.database,
    keys: ground.keys,
    realmId: REALM_ID,
  })
  acme.asked = 0
  other.asked = 0
})

interface Change {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: KeyObject | Uint8Array
}

/** A good token, changed; a claim that is undefined is left out. */
function makeToken({ claims, header, key = ed25519.privateKey }: Change = {}): Promise<string> {
  const now = Math.floor(server.clock.now.getTime() / 1000)
  const good = { iss: acme.origin, aud: 'app', sub: 'person-17', iat: now, exp: now + 600 }
  const payload: unknown = JSON.parse(JSON.stringify({ ...good, ...claims }))
  const named = JSON.parse(JSON.stringify({ alg: 'EdDSA', kid: 'ed', ...header })) as { alg: string }
  return new SignJWT(payload as Record<string, unknown>).setProtectedHeader(named).sign(key)
}

function show(token: string): Promise<TestAnswer> {
  return server.post('/v1/auth/issuer', { token, device: { id: toHex(randomBytes(16)), label: 'A device' } })
}

async function codeOf(change: Change): Promise<string | undefined> {
  return (await show(await makeToken(change))).code
}

function wait(seconds: number): void {
  server.clock.now = new Date(server.clock.now.getTime() + seconds * 1000)
}

describe('a token of an outside issuer', () => {
  test.each<[string, Change]>([
    ['EdDSA', {}],
    ['RS256', { header: { alg: 'RS256', kid: 'rsa' }, key: rsa.privateKey }],
    ['ES256', { header: { alg: 'ES256', kid: 'ec' }, key: ec.privateKey }],
  ])('by %s signs in', async (_, change) => {
    const { status, body } = await show(await makeToken(change))
    expect(status).toBe(200)
    expect(Object.keys(body).toSorted()).toEqual([
      'accessToken',
      'accessTokenExpiresInSeconds',
      'accountId',
      'refreshToken',
    ])
    const headers = { Authorization: `Bearer ${String(body['accessToken'])}` }
    expect((await server.send('/v1/pointer', { headers })).status).toBe(200)
    expect((await server.post('/v1/auth/refresh', { refreshToken: body['refreshToken'] })).status).toBe(200)
  })

  test('names one account at each sign-in, another for each subject and issuer, and leaves neither name in the database', async () => {
    const account = async (change: Change = {}): Promise<unknown> =>
      (await show(await makeToken(change))).body['accountId']
    const first = await account()
    expect(await account()).toBe(first)
    const at = { claims: { iss: other.origin }, key: nextEd25519.privateKey }
    const accounts = [first, await account({ claims: { sub: 'person-18' } }), await account(at)]
    expect(new Set(accounts).size).toBe(3)
    const rows = await server.database.asSuperuser<{ text: string }>(
      'SELECT row_to_json(p)::text AS text FROM auth.phones p UNION ALL SELECT row_to_json(a)::text FROM app.accounts a',
    )
    expect(rows.length).toBeGreaterThanOrEqual(6)
    const dump = rows.map(({ text }) => text).join('')
    for (const name of ['person-17', acme.origin, Buffer.from('person-17').toString('hex')])
      expect(dump).not.toContain(name)
  })

  test('makes a new account once the old one is closed', async () => {
    const subject = { claims: { sub: 'leaver' } }
    const { body } = await show(await makeToken(subject))
    const headers = { Authorization: `Bearer ${String(body['accessToken'])}` }
    const closed = await server.post('/v1/removals', { kind: 'account', etag: null }, headers)
    expect(closed.body).toEqual({ status: 'closed' })
    expect((await show(await makeToken(subject))).body['accountId']).not.toBe(body['accountId'])
  })
})

describe('refused is a token', () => {
  const now = (): number => Math.floor(server.clock.now.getTime() / 1000)
  test.each<[string, () => Change]>([
    ['under another key', () => ({ key: nextEd25519.privateKey })],
    ['under another key of the set than it names', () => ({ header: { kid: 'rsa' } })],
    ['of another issuer’s key', () => ({ claims: { iss: other.origin } })],
    ['without a key’s name', () => ({ header: { kid: undefined } })],
    ['with a key’s name that is none', () => ({ header: { kid: 7 } })],
    ['for another audience', () => ({ claims: { aud: 'another app' } })],
    ['for several audiences', () => ({ claims: { aud: ['app', 'another app'] } })],
    ['for no audience', () => ({ claims: { aud: undefined } })],
    ['that expired', () => ({ claims: { iat: now() - 60, exp: now() - 6 } })],
    ['that is not yet valid', () => ({ claims: { nbf: now() + 60 } })],
    ['from the future', () => ({ claims: { iat: now() + 60 } })],
    ['that is older than ten minutes', () => ({ claims: { iat: now() - 610, exp: now() + 3600 } })],
    ['without its time', () => ({ claims: { iat: undefined } })],
    ['without an end', () => ({ claims: { exp: undefined } })],
    ['without a subject', () => ({ claims: { sub: undefined } })],
    ['with an empty subject', () => ({ claims: { sub: '' } })],
    ['with a subject that is too long', () => ({ claims: { sub: 'x'.repeat(256) } })],
    [
      'by an algorithm of a weaker kind',
      () => ({ header: { alg: 'RS256', kid: 'weak' }, key: weakRsa.privateKey }),
    ],
    ['by RS512', () => ({ header: { alg: 'RS512', kid: 'rsa' }, key: rsa.privateKey })],
    ['by PS256', () => ({ header: { alg: 'PS256', kid: 'rsa' }, key: rsa.privateKey })],
    ['by ES384', () => ({ header: { alg: 'ES384', kid: 'ec384' }, key: ec384.privateKey })],
    [
      'by a shared secret of the set',
      () => ({ header: { alg: 'HS256', kid: 'oct' }, key: Buffer.from('x'.repeat(32)) }),
    ],
    ['with a header that must be understood', () => ({ header: { crit: ['exp'], exp: 1 } })],
  ])('%s', async (_, change) => {
    // jose does not sign with every one of these keys.
    const token = await makeToken(change()).catch(() => forge(change()))
    expect((await show(token)).code).toBe('ERR_CODE_REJECTED')
  })

  /** With a signature that is none. */
  function forge({ claims, header }: Change): string {
    const payload = { iss: acme.origin, aud: 'app', sub: 'x', iat: now(), exp: now() + 600, ...claims }
    const parts = [{ alg: 'EdDSA', kid: 'ed', ...header }, payload].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    return [...parts, Buffer.alloc(64, 1).toString('base64url')].join('.')
  }

  test('that takes a public key for a shared secret, or needs no signature', async () => {
    for (const [kid, key] of [
      ['ed', ed25519.publicKey],
      ['rsa', rsa.publicKey],
    ] as const) {
      const [, payload = ''] = forge({}).split('.')
      const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid })).toString('base64url')
      const secrets = [
        key.export({ format: 'der', type: 'spki' }),
        Buffer.from(key.export({ format: 'pem', type: 'spki' })),
        Buffer.from(JSON.stringify(key.export({ format: 'jwk' }))),
      ]
      for (const secret of secrets) {
        const tag = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')
        expect((await show(`${header}.${payload}.${tag}`)).code).toBe('ERR_CODE_REJECTED')
      }
      const none = Buffer.from(JSON.stringify({ alg: 'none', kid })).toString('base64url')
      expect((await show(`${none}.${payload}.`)).code).toBe('ERR_CODE_REJECTED')
    }
  })

  test('of an issuer that nobody named, whom nobody asks for his keys', async () => {
    const stranger = await startTestIssuer(KEYS)
    expect(await codeOf({ claims: { iss: stranger.origin } })).toBe('ERR_CODE_REJECTED')
    expect(
      await codeOf({ claims: { iss: `${acme.origin}/` }, header: { jku: `${stranger.origin}/keys` } }),
    ).toBe('ERR_CODE_REJECTED')
    expect([stranger.asked, acme.asked]).toEqual([0, 0])
  })

  test('that is none or too long', async () => {
    for (const token of ['x', 'a.b.c', '.'.repeat(8000)])
      expect((await show(token)).code).toBe('ERR_CODE_REJECTED')
    for (const token of ['', 'x'.repeat(8193)]) expect((await show(token)).code).toBe('ERR_BODY_MALFORMED')
    expect(acme.asked).toBe(0)
  })
})

describe('the keys of an issuer', () => {
  test('are asked for once, also by many at once, and again after ten minutes', async () => {
    const tokens = await Promise.all(Array.from({ length: 8 }, () => makeToken()))
    const answers = await Promise.all(tokens.map(show))
    expect(answers.map(({ status }) => status)).toEqual(tokens.map(() => 200))
    wait(599)
    await codeOf({})
    expect(acme.asked).toBe(1)
    wait(1)
    await codeOf({})
    expect(acme.asked).toBe(2)
  })

  test('are asked for at most every 30 seconds because of names that are not among them', async () => {
    await codeOf({})
    for (let round = 0; round < 20; round += 1)
      expect(await codeOf({ header: { kid: `made-up-${String(round)}` } })).toBe('ERR_CODE_REJECTED')
    expect(acme.asked).toBe(1)
    wait(30)
    for (let round = 0; round < 20; round += 1) await codeOf({ header: { kid: `made-up-${String(round)}` } })
    expect(acme.asked).toBe(2)
  })

  test('rotate: a new one is good after 30 seconds at most, one that was taken out is good for ten minutes at most', async () => {
    await codeOf({})
    acme.answer = givingKeys([publishKey('next', nextEd25519.publicKey)])
    const next = { header: { kid: 'next' }, key: nextEd25519.privateKey }
    expect(await codeOf(next)).toBe('ERR_CODE_REJECTED')
    wait(30)
    expect(await codeOf(next)).toBeUndefined()
    expect(await codeOf({})).toBe('ERR_CODE_REJECTED')
    acme.answer = givingKeys(KEYS)
    expect(await codeOf(next)).toBeUndefined()
    wait(600)
    expect(await codeOf(next)).toBe('ERR_CODE_REJECTED')
  })

  test('are used for ten minutes while the issuer is away, then nobody signs in by it; it is asked every 5 seconds, and is back at once', async () => {
    await codeOf({})
    acme.answer = failing
    wait(599)
    expect(await codeOf({})).toBeUndefined()
    wait(1)
    for (let round = 0; round < 10; round += 1) expect((await show(await makeToken())).status).toBe(503)
    expect(acme.asked).toBe(2)
    wait(5)
    expect(await codeOf({})).toBe('ERR_ISSUER_UNAVAILABLE')
    expect(acme.asked).toBe(3)
    acme.answer = givingKeys(KEYS)
    wait(5)
    expect(await codeOf({})).toBeUndefined()
    expect(await codeOf({ claims: { iss: other.origin }, key: nextEd25519.privateKey })).toBeUndefined()
  })

  test.each<[string, (response: ServerResponse) => void]>([
    ['that redirect', (response) => response.writeHead(302, { Location: `${acme.origin}/elsewhere` }).end()],
    ['that are longer than 64 KiB', givingKeys([...KEYS, { kty: 'OKP', pad: 'x'.repeat(65_536) }])],
    [
      'that never end',
      (response) => {
        response.on('error', () => undefined)
        const more = (): void =>
          void response.write('['.repeat(16_384), (fault) => {
            if (!fault) more()
          })
        more()
      },
    ],
    ['that are no JSON', (response) => response.end('keys')],
    ['that are no key set', (response) => response.end('{"keys":{}}')],
    ['that are null', (response) => response.end('null')],
    ['with another status', (response) => response.writeHead(204).end()],
    ['that hang up', (response) => response.destroy()],
  ])('%s are none', async (_, answer) => {
    acme.answer = answer
    const refused = await show(await makeToken())
    expect([refused.status, refused.code]).toEqual([503, 'ERR_ISSUER_UNAVAILABLE'])
    expect(acme.asked).toBe(1)
  })
})

test('a server without issuers has no such route', async () => {
  const plain = await startTestApp({ shared: ground.database, keys: ground.keys, realmId: REALM_ID })
  expect((await plain.post('/v1/auth/issuer', { token: 'x' })).code).toBe('ERR_NOT_FOUND')
})
