import { beforeAll, describe, expect, it } from 'vitest'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { recover, register, remove } from 'keyhaven/recovery'
import type { RealmReport } from './routes.ts'
import type { TestRealm } from './testing/realm-server.ts'
import { acmeToken, acmeTransport, ourConfiguration, startTestRealm } from './testing/realm-server.ts'

const pin = utf8('493817')
const userInfo = utf8('person')
const reports: RealmReport[] = []
let realm: TestRealm

beforeAll(async () => {
  realm = await startTestRealm({
    onEvent: (report) => {
      reports.push(report)
      return Promise.resolve()
    },
  })
})

/** A POST to the realm with good headers, some of them replaced or dropped. */
async function post(input: {
  readonly body: Uint8Array | ReadableStream
  readonly headers?: Readonly<Record<string, string | undefined>>
}): Promise<Response> {
  const headers: Readonly<Record<string, string | undefined>> = {
    Authorization: `Bearer ${await acmeToken(realm.id, 'somebody')}`,
    'Content-Type': 'application/octet-stream',
    'X-Juicebox-Version': '0.3.0',
    ...input.headers,
  }
  const sent = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  )
  const { body } = input
  const init = {
    method: 'POST',
    headers: sent,
    body: body instanceof Uint8Array ? new Uint8Array(body) : body,
  }
  return fetch(`${realm.address}req`, { ...init, duplex: 'half' } as RequestInit)
}

async function codeOf(response: Response): Promise<{ readonly status: number; readonly code: string }> {
  const { error } = (await response.json()) as { readonly error: { readonly code: string } }
  return { status: response.status, code: error.code }
}

const RECOVER1 = Uint8Array.of(0x68, ...utf8('Recover1'))

describe('a realm over HTTP and PostgreSQL', () => {
  it('registers, counts, recovers, deletes, and reports each step', async () => {
    const configuration = ourConfiguration([realm], 1)
    const options = { configuration, transport: acmeTransport('one'), userInfo }
    const secret = randomBytes(69)
    reports.length = 0
    await register({ ...options, pin, secret, numGuesses: 5 })
    expect(await recover({ ...options, pin: utf8('000000') })).toMatchObject({
      status: 'wrong-pin',
      guessesRemaining: 4,
    })
    expect(await recover({ ...options, pin })).toMatchObject({ status: 'recovered', secret })
    expect(await remove(options)).toMatchObject({ remainsOn: [] })
    expect(await recover({ ...options, pin })).toMatchObject({ status: 'not-registered' })
    expect(reports.map(({ kind }) => kind)).toEqual([
      'registered',
      'guess_used',
      'guess_used',
      'share_recovered',
      'deleted',
    ])
  })

  it('locks after the last guess, and destroys the share', async () => {
    const options = {
      configuration: ourConfiguration([realm], 1),
      transport: acmeTransport('locked'),
      userInfo,
    }
    await register({ ...options, pin, secret: randomBytes(1), numGuesses: 2 })
    for (const guessesRemaining of [1, 0]) {
      expect(await recover({ ...options, pin: utf8('000000') })).toMatchObject({ guessesRemaining })
    }
    expect(await recover({ ...options, pin })).toMatchObject({ status: 'locked' })
  })

  it('keeps one subject apart from another', async () => {
    const configuration = ourConfiguration([realm], 1)
    const secrets = [randomBytes(8), randomBytes(8)] as const
    const options = (subject: string): Parameters<typeof recover>[0] => ({
      configuration,
      transport: acmeTransport(subject),
      userInfo,
      pin,
    })
    await register({ ...options('a'), secret: secrets[0], numGuesses: 3 })
    await register({ ...options('b'), secret: secrets[1], numGuesses: 3 })
    expect(await recover(options('a'))).toMatchObject({ secret: secrets[0] })
    expect(await recover(options('b'))).toMatchObject({ secret: secrets[1] })
    expect(await recover(options('c'))).toMatchObject({ status: 'not-registered' })
  })

  it('says who it is', async () => {
    const response = await fetch(realm.address)
    expect(await response.json()).toEqual({ realmID: toHex(realm.id), keyhaven: 1 })
  })
})

describe('what a realm refuses, before it touches a record', () => {
  it.each([undefined, '', '0.1.9', '0.1', 'new', '0.2', '0.-2.0'])(
    'client version %s with 426',
    async (version) => {
      const response = await post({ body: RECOVER1, headers: { 'X-Juicebox-Version': version } })
      expect(await codeOf(response)).toEqual({ status: 426, code: 'ERR_CLIENT_TOO_OLD' })
    },
  )

  it.each(['0.2.0', '0.3.7', '1.0.0', '0.10.0-rc.1'])('no client version such as %s', async (version) => {
    const response = await post({ body: RECOVER1, headers: { 'X-Juicebox-Version': version } })
    expect(response.status).toBe(200)
  })

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Bearer x.y.z', 'Basic dTpw'])(
    'the authorization %s with 401',
    async (authorization) => {
      const response = await post({ body: RECOVER1, headers: { Authorization: authorization } })
      expect(await codeOf(response)).toEqual({ status: 401, code: 'ERR_TOKEN_REJECTED' })
    },
  )

  it.each(['application/json', 'text/plain', 'application/cbor', ''])(
    'the content type %s with 415',
    async (type) => {
      const response = await post({ body: RECOVER1, headers: { 'Content-Type': type } })
      expect(await codeOf(response)).toEqual({ status: 415, code: 'ERR_CONTENT_TYPE' })
    },
  )

  it('2049 bytes with 413, announced or not', async () => {
    const body = new Uint8Array(2049)
    expect(await codeOf(await post({ body }))).toEqual({ status: 413, code: 'ERR_BODY_TOO_LARGE' })
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(body)
        controller.close()
      },
    })
    expect(await codeOf(await post({ body: stream }))).toEqual({ status: 413, code: 'ERR_BODY_TOO_LARGE' })
  })

  it.each([
    ['nothing', new Uint8Array()],
    ['noise', randomBytes(2048)],
    ['an unknown request', Uint8Array.of(0x65, ...utf8('Steal'))],
    ['trailing bytes', Uint8Array.of(...RECOVER1, 0)],
    ['a list of lists', new Uint8Array(2048).fill(0x81)],
  ])('%s with 400', async (_, body) => {
    expect(await codeOf(await post({ body }))).toEqual({ status: 400, code: 'ERR_BODY_MALFORMED' })
  })

  it('other methods with 405', async () => {
    for (const [method, path] of [
      ['GET', 'req'],
      ['PUT', 'req'],
      ['POST', ''],
    ] as const) {
      const response = await fetch(`${realm.address}${path}`, { method })
      expect(await codeOf(response)).toEqual({ status: 405, code: 'ERR_METHOD_NOT_ALLOWED' })
    }
  })

  it('nothing of a browser on another origin, whatever the answer', async () => {
    const preflight = await fetch(`${realm.address}req`, {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://app.example',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type,x-juicebox-version,keyhaven-proof',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase().split(',')).toEqual(
      expect.arrayContaining(['authorization', 'content-type', 'x-juicebox-version', 'keyhaven-proof']),
    )
    const refused = await post({
      body: RECOVER1,
      headers: { Origin: 'https://app.example', Authorization: 'no' },
    })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, '*'])
  })
})
