/**
 * What the API answers to requests that are none: always a coded error, and nothing changed.
 */
import { connect } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes } from 'keyhaven/crypto'
import { startTestApp } from './testing/app.ts'
import type { TestAnswer, TestApp, TestDevice } from './testing/app.ts'
import { createBackup } from './testing/backups.ts'
import { createSegment } from './testing/segments.ts'
import type { TestBackup } from './testing/backups.ts'

let server: TestApp
let alice: TestDevice
let backup: TestBackup
beforeAll(async () => {
  server = await startTestApp({ limits: { codesPerAddress: { most: 100_000, seconds: 600 } } })
  alice = await server.signIn()
  backup = await createBackup(alice)
})

const SEGMENT = '0'.repeat(64)
const ID = '0'.repeat(32)

const JSON_ROUTES: readonly (readonly [string, string])[] = [
  ['POST', '/v1/auth/code'],
  ['POST', '/v1/auth/verify'],
  ['POST', '/v1/auth/refresh'],
  ['POST', '/v1/phone'],
  ['POST', '/v1/realm-tokens'],
  ['POST', '/v1/access-log/restored'],
  ['PUT', `/v1/log/slots/${ID}`],
  ['POST', '/v1/pointer/pending'],
  ['POST', '/v1/pointer/abandon'],
  ['POST', '/v1/pointer/commit'],
  ['POST', `/v1/contacts/requests/${ID}/veto`],
  ['PUT', `/v1/contacts/asked/00000000-0000-4000-8000-000000000000/${ID}`],
]

const SIGNED_IN_ROUTES: readonly (readonly [string, string])[] = [
  ...JSON_ROUTES.slice(3),
  ['POST', '/v1/auth/logout'],
  ['GET', '/v1/access-log'],
  ['PUT', `/v1/log/segments/${SEGMENT}`],
  ['GET', '/v1/log/segments'],
  ['GET', '/v1/log/heads'],
  ['GET', '/v1/log/slots'],
  ['GET', '/v1/pointer'],
  ['DELETE', `/v1/pointer/retired/${ID}`],
  ['GET', '/v1/contacts'],
  ['PUT', '/v1/contacts'],
  ['PUT', `/v1/contacts/requests/${ID}`],
  ['DELETE', '/v1/contacts'],
  ['GET', `/v1/contacts/requests/${ID}`],
  ['DELETE', `/v1/contacts/requests/${ID}`],
  ['GET', '/v1/contacts/asked'],
  ['GET', '/v1/devices'],
  ['PATCH', `/v1/devices/${ID}`],
  ['DELETE', `/v1/devices/${ID}`],
]

function sendRaw(
  method: string,
  path: string,
  body: string | Uint8Array,
  contentType: string,
): Promise<TestAnswer> {
  return alice.send(path, { method, body, headers: { 'Content-Type': contentType } })
}

describe.each(JSON_ROUTES)('%s %s', (method, path) => {
  test.each([
    ['nothing', ''],
    ['half an object', '{"phone":'],
    ['no object', '[]'],
    ['null', 'null'],
    ['a number', '5'],
    ['an empty object', '{}'],
    ['deep nesting', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['a prototype', '{"__proto__":{"registration":"x"},"constructor":{}}'],
    ['a second value', '{} {}'],
  ])('refuses %s', async (_, body) => {
    const answer = await sendRaw(method, path, body, 'application/json')
    expect([answer.status, answer.code]).toEqual([400, 'ERR_BODY_MALFORMED'])
  })

  test('refuses bytes that are no UTF-8', async () => {
    const answer = await sendRaw(method, path, Uint8Array.of(0x22, 0xff, 0xfe, 0x22), 'application/json')
    expect([answer.status, answer.code]).toEqual([400, 'ERR_BODY_MALFORMED'])
  })

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/json; charset=utf-16',
  ])('refuses the content type %s', async (contentType) => {
    const answer = await sendRaw(method, path, '{}', contentType)
    expect([answer.status, answer.code]).toEqual([415, 'ERR_CONTENT_TYPE'])
  })

  test('refuses a body over 64 KiB, with a length and without', async () => {
    const large = `"${'x'.repeat(64 * 1024)}"`
    const known = await sendRaw(method, path, large, 'application/json')
    expect([known.status, known.code]).toEqual([413, 'ERR_BODY_TOO_LARGE'])
    const chunked = await alice.send(path, {
      method,
      body: new Blob([large]).stream(),
      headers: { 'Content-Type': 'application/json' },
    })
    expect([chunked.status, chunked.code]).toEqual([413, 'ERR_BODY_TOO_LARGE'])
  })

  test('answers another method with 405 and the right one', async () => {
    const answer = await alice.send(path, { method: 'PATCH' })
    expect([answer.status, answer.code, answer.headers.get('allow')]).toEqual([
      405,
      'ERR_METHOD_NOT_ALLOWED',
      method,
    ])
  })
})

describe('signed-in routes', () => {
  test.each(SIGNED_IN_ROUTES)(
    '%s %s is refused without a token, whatever else is wrong',
    async (method, path) => {
      const answer = await server.send(path, { method, ...(method === 'GET' ? {} : { body: 'not json' }) })
      expect([answer.status, answer.code, answer.body['error']]).toEqual([
        401,
        'ERR_SIGNED_OUT',
        { code: 'ERR_SIGNED_OUT', message: 'The access token is missing, not valid, or its session ended.' },
      ])
    },
  )
})

describe('segments', () => {
  test('are refused over 1 MiB, with a length and without', async () => {
    const bytes = randomBytes(1024 * 1024 + 1)
    const path = `/v1/log/segments/${SEGMENT}`
    expect((await alice.put(path, bytes)).code).toBe('ERR_BODY_TOO_LARGE')
    const headers = { 'Content-Type': 'application/octet-stream' }
    const chunked = await alice.send(path, { method: 'PUT', body: new Blob([bytes]).stream(), headers })
    expect([chunked.status, chunked.code]).toEqual([413, 'ERR_BODY_TOO_LARGE'])
  })

  test('are refused with another content type, empty, as noise, or packed', async () => {
    const path = `/v1/log/segments/${SEGMENT}`
    expect((await sendRaw('PUT', path, randomBytes(200), 'application/json')).code).toBe('ERR_CONTENT_TYPE')
    expect((await alice.put(path, new Uint8Array(0))).code).toBe('ERR_BODY_MALFORMED')
    expect((await alice.put(path, randomBytes(200))).code).toBe('ERR_BODY_MALFORMED')
    const packed = await alice.send(path, {
      method: 'PUT',
      body: randomBytes(200),
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Encoding': 'gzip' },
    })
    expect(packed.code).toBe('ERR_CONTENT_TYPE')
  })

  test('keep their one name: upper case, another length or a path are refused', async () => {
    const segment = createSegment({ ...alice, sequence: 2, parents: [backup.ways.id] })
    const names = [
      segment.id.toUpperCase(),
      segment.id.slice(1),
      `${segment.id}0`,
      `${segment.id}%00`,
      '..%2f..%2fhealthz',
      '%ff',
    ]
    for (const name of names) {
      const answer = await alice.put(`/v1/log/segments/${name}`, segment.bytes)
      expect([name, answer.status]).toEqual([name, 400])
      expect(answer.code).toBe('ERR_BODY_MALFORMED')
    }
    expect((await alice.get('/v1/log/heads')).body['segments']).toBe(1)
  })

  test.each(['after=-1', 'after=1e3', 'after=x', 'after=', 'after=1&after=2', `after=${'9'.repeat(16)}`])(
    'the cursor %s is refused',
    async (query) => {
      expect((await alice.get(`/v1/log/segments?${query}`)).code).toBe('ERR_BODY_MALFORMED')
    },
  )

  test.each([
    'registration=',
    'registration=x',
    `registration=${'A'.repeat(32)}`,
    `registration=${ID}&registration=${ID}`,
  ])('the query %s is refused', async (query) => {
    const segment = createSegment({ ...alice, sequence: 2 })
    expect((await alice.put(`/v1/log/segments/${segment.id}?${query}`, segment.bytes)).code).toBe(
      'ERR_BODY_MALFORMED',
    )
  })
})

describe('ids in bodies and paths', () => {
  test.each([
    ['POST', '/v1/pointer/abandon', { registration: 'AB'.repeat(16) }],
    ['POST', '/v1/pointer/pending', { expectedEtag: null, registration: ID, generation: 1, realms: [] }],
    ['POST', '/v1/pointer/pending', { expectedEtag: null, registration: ID, generation: 0, realms: [ID] }],
    [
      'POST',
      '/v1/pointer/pending',
      { expectedEtag: null, registration: ID, generation: 2 ** 32, realms: [ID] },
    ],
    ['POST', '/v1/pointer/pending', { expectedEtag: null, registration: ID, generation: 1.5, realms: [ID] }],
    [
      'POST',
      '/v1/pointer/pending',
      { expectedEtag: null, registration: ID, generation: 1, realms: [ID, ID] },
    ],
    ['POST', '/v1/pointer/pending', { expectedEtag: 5, registration: ID, generation: 1, realms: [ID] }],
    ['POST', '/v1/pointer/pending', { registration: ID, generation: 1, realms: [ID] }],
    ['DELETE', `/v1/pointer/retired/${'AB'.repeat(16)}`, undefined],
    ['DELETE', '/v1/pointer/retired/..%2fcommit', undefined],
    ['PUT', `/v1/log/slots/${'AB'.repeat(16)}`, { slot: '' }],
    ['POST', '/v1/access-log/restored', { success: 1, identityKeys: 0, conversationKeys: 0 }],
    ['POST', '/v1/access-log/restored', { success: true, identityKeys: -1, conversationKeys: 0 }],
    ['POST', '/v1/access-log/restored', { success: true, identityKeys: 1e300, conversationKeys: 0 }],
  ])('%s %s with %j is refused', async (method, path, json) => {
    const answer = await alice.send(path, { method, json })
    expect([answer.status, answer.code]).toEqual([400, 'ERR_BODY_MALFORMED'])
  })
})

describe('sign-in', () => {
  test.each([
    '5551234567',
    '+1',
    '+1555',
    '+999999999999',
    '+15551234567 ext. 5',
    'tel:+15551234567',
    'call +15551234567',
    '+1555123456789012',
    '＋15551234567',
    "+1' OR 1=1 --",
    '+1555123456\u00007',
  ])('the number %j is none', async (phone) => {
    const asked = await server.post('/v1/auth/code', { phone })
    expect([asked.status, asked.code]).toEqual([422, 'ERR_PHONE_INVALID'])
    const device = { id: ID, label: 'x' }
    const shown = await server.post('/v1/auth/verify', { phone, requestId: ID, code: '000000', device })
    expect(shown.code).toBe('ERR_PHONE_INVALID')
  })

  test.each([
    ['a long number', { phone: `+1${'5'.repeat(100)}` }],
    ['no request', { requestId: undefined }],
    ['a request of 30 digits', { requestId: ID.slice(2) }],
    ['a code of five digits', { code: '12345' }],
    ['a code as a number', { code: 123456 }],
    ['a code of other digits', { code: '١٢٣٤٥٦' }],
    ['no device', { device: undefined }],
    ['a device in upper case', { device: { id: 'A'.repeat(32), label: 'x' } }],
    ['a device without a label', { device: { id: ID, label: '' } }],
    ['a label of 65 characters', { device: { id: ID, label: 'x'.repeat(65) } }],
    ['a label with a line break', { device: { id: ID, label: 'a\nb' } }],
    ['a label with a NUL', { device: { id: ID, label: 'a\u0000b' } }],
    ['a label that is half a character', { device: { id: ID, label: '\ud800' } }],
  ])('verify refuses %s', async (_, change) => {
    const device = { id: ID, label: 'x' }
    const body = { phone: '+15551234567', requestId: ID, code: '123456', device, ...change }
    const answer = await server.post('/v1/auth/verify', body)
    expect([answer.status, answer.code]).toEqual([400, 'ERR_BODY_MALFORMED'])
  })
})

describe('addresses', () => {
  test.each([
    '/',
    '/v1',
    '/v1/',
    '/v2/pointer',
    '/v1/auth/codes',
    '//v1/auth/code',
    '/V1/auth/code',
    '/v1/auth/code/',
    '/v1/auth/../auth/codes',
    '/healthz/x',
    '/%2e%2e/etc/passwd',
  ])('%s is not found', async (path) => {
    const answer = await server.send(path, { method: 'POST', json: { phone: '+15551234567' } })
    expect([answer.status, answer.code]).toEqual([404, 'ERR_NOT_FOUND'])
  })

  test('health answers GET and HEAD only', async () => {
    expect((await server.send('/healthz')).body).toEqual({ status: 'ok' })
    expect((await server.send('/readyz')).body).toEqual({ status: 'ready' })
    expect((await server.send('/healthz', { method: 'HEAD' })).status).toBe(200)
    expect((await server.send('/healthz', { method: 'POST' })).code).toBe('ERR_METHOD_NOT_ALLOWED')
  })

  test('every answer says that it is not to be stored, refusals too', async () => {
    for (const path of ['/healthz', '/v1/pointer', '/nowhere', '/realm/']) {
      expect((await server.send(path)).headers.get('cache-control')).toBe('no-store')
    }
  })

  test('a browser on another origin may call, without cookies', async () => {
    const preflight = await server.send('/v1/log/segments', {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://app.example',
        'Access-Control-Request-Method': 'PUT',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-credentials')).toBe(null)
    const answer = await server.send('/v1/pointer', { headers: { Origin: 'https://app.example' } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    const log = await alice.get('/v1/log/segments')
    expect(log.headers.get('access-control-expose-headers')).toContain('Keyhaven-Cursor')
  })
})

describe('raw connections', () => {
  /** Sends bytes and returns what comes back until the server closes. */
  function exchange(text: string): Promise<string> {
    const { port } = new URL(server.origin)
    return new Promise((done, fail) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
      let answer = ''
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
      socket.on('close', () => {
        done(answer)
      })
      socket.on('error', fail)
    })
  }

  test.each(['/v1//pointer', '/v1/pointer/../pointer', '/v1/./pointer', '/v1/%70ointer%2f', '/v1\\pointer'])(
    'the path %s reaches nothing without a token',
    async (path) => {
      const answer = await exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer).toMatch(/^HTTP\/1\.1 (400|401|404) /)
    },
  )

  test('a body that is announced too large is refused before it is sent', async () => {
    const head = `POST /v1/auth/code HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n{`
    const answer = await exchange(head)
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toContain('ERR_BODY_TOO_LARGE')
  })
})

test('after all of this the account is as it was, and nothing was an inner error', async () => {
  expect((await alice.get('/v1/pointer')).body).toMatchObject({
    pointer: { registration: backup.registration, generation: 1 },
    etag: backup.etag,
    pending: null,
    retired: [],
  })
  expect(server.logged).toEqual([])
})
