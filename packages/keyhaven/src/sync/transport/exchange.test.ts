import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { exchange, readJson, refusalOf, requireSecureOrigin } from './exchange.ts'
import type { ExchangeInput } from './exchange.ts'

const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
})

/** A peer that answers as told: what is tested here is how its faults are told apart. */
async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`
}

const ask = (url: string, more: Partial<ExchangeInput> = {}): ReturnType<typeof exchange> =>
  exchange({ fetch: globalThis.fetch, url, method: 'GET', ...more })

const unavailable = (fault: string): object => ({ code: 'ERR_SERVER_UNAVAILABLE', details: { fault } })

describe('an exchange', () => {
  test('brings back status, headers and bytes, whatever the status', async () => {
    const url = await listen((_, response) => response.writeHead(418, { 'x-kind': 'tea' }).end('short'))
    const answer = await ask(url)
    expect(answer.status).toBe(418)
    expect(answer.headers.get('x-kind')).toBe('tea')
    expect(Buffer.from(answer.bytes).toString()).toBe('short')
  })

  test('ends at its deadline in the middle of a body, whatever is collected meanwhile', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    let hangUp: () => void = () => undefined
    const hungUp = new Promise<void>((resolve) => {
      hangUp = resolve
    })
    const url = await listen((_, response) => {
      response.writeHead(200)
      const drip = setInterval(() => {
        response.write('a')
        collect()
      }, 20)
      response.once('close', () => {
        clearInterval(drip)
        hangUp()
      })
    })
    const { signal } = new AbortController()
    await expect(ask(url, { deadlineMs: 400, signal })).rejects.toMatchObject(unavailable('timeout'))
    await hungUp
  })

  test.each([
    'http://example.org/',
    'http://192.168.1.1:8787/',
    'http://127.0.0.1.example.org/',
    'http://localhost.example.org/',
    'ftp://localhost/',
    'file:///etc/hosts',
    'https://user@example.org/',
    'example.org',
    '',
  ])('does not go to %j', async (url) => {
    let asked = 0
    const fetch: typeof globalThis.fetch = () => {
      asked += 1
      return Promise.resolve(new Response())
    }
    await expect(ask(url, { fetch })).rejects.toMatchObject({ code: 'ERR_INSECURE_TRANSPORT' })
    expect(asked).toBe(0)
  })

  test.each([
    ['https://keys.example.org/some/path', 'https://keys.example.org'],
    ['http://localhost:8787', 'http://localhost:8787'],
    ['http://127.0.0.1:1/', 'http://127.0.0.1:1'],
    ['http://127.9.9.9', 'http://127.9.9.9'],
    ['http://[::1]:8787', 'http://[::1]:8787'],
    ['http://demo.localhost', 'http://demo.localhost'],
  ])('takes %j as the origin %j', (address, origin) => {
    expect(requireSecureOrigin(address)).toBe(origin)
  })

  test('follows no redirect', async () => {
    let reached = 0
    const target = await listen((_, response) => {
      reached += 1
      response.end()
    })
    const url = await listen((_, response) => response.writeHead(307, { location: target }).end())
    await expect(ask(url, { method: 'POST', body: 'x' })).rejects.toMatchObject(unavailable('network'))
    expect(reached).toBe(0)
  })

  test('ends at its deadline when nothing answers, and when an answer never ends', async () => {
    const silent = await listen(() => undefined)
    await expect(ask(silent, { deadlineMs: 30 })).rejects.toMatchObject(unavailable('timeout'))
    const endless = await listen((_, response) => response.write('a'))
    await expect(ask(endless, { deadlineMs: 60 })).rejects.toMatchObject(unavailable('timeout'))
  })

  test('reads no more than its limit', async () => {
    const url = await listen((_, response) => response.end(Buffer.alloc(2000)))
    await expect(ask(url, { mostBytes: 1999 })).rejects.toMatchObject(unavailable('body'))
    expect((await ask(url, { mostBytes: 2000 })).bytes.length).toBe(2000)
  })

  test('says network when the connection breaks or there is none', async () => {
    const broken = await listen((_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('abc')
      response.socket?.destroy()
    })
    await expect(ask(broken)).rejects.toMatchObject(unavailable('network'))
    const gone = await listen((request) => request.socket.destroy())
    await expect(ask(gone)).rejects.toMatchObject(unavailable('network'))
  })

  test('ends with ERR_ABORTED when the caller says so, before and during', async () => {
    const silent = await listen(() => undefined)
    await expect(ask(silent, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const controller = new AbortController()
    const asked = ask(silent, { signal: controller.signal })
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('leaves no foreign cause on its errors', async () => {
    const gone = await listen((request) => request.socket.destroy())
    const fault: unknown = await ask(gone).catch((caught: unknown) => caught)
    expect(fault).toBeInstanceOf(Error)
    expect((fault as Error).cause).toBeUndefined()
  })
})

describe('a refusal', () => {
  const refused = (status: number, body: unknown, headers: Record<string, string> = {}): object => {
    const bytes = new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
    return refusalOf({ status, headers: new Headers(headers), bytes })
  }
  const coded = (code: string): object => ({ error: { code, message: 'Words.' } })

  test.each([
    [401, coded('ERR_SIGNED_OUT'), { code: 'ERR_SIGNED_OUT' }],
    [401, coded('ERR_CODE_REJECTED'), { code: 'ERR_CODE_REJECTED' }],
    [409, coded('ERR_POINTER_CONFLICT'), { code: 'ERR_POINTER_CONFLICT' }],
    [
      409,
      coded('ERR_GENERATION_RETIRED'),
      { code: 'ERR_SERVER_REFUSED', details: { rule: 'ERR_GENERATION_RETIRED', status: 409 } },
    ],
    [
      413,
      coded('ERR_BODY_TOO_LARGE'),
      { code: 'ERR_SERVER_REFUSED', details: { rule: 'ERR_BODY_TOO_LARGE', status: 413 } },
    ],
    [422, coded('ERR_PHONE_INVALID'), { code: 'ERR_PHONE_INVALID' }],
    [
      507,
      coded('ERR_QUOTA_EXCEEDED'),
      { code: 'ERR_SERVER_REFUSED', details: { rule: 'ERR_QUOTA_EXCEEDED', status: 507 } },
    ],
    [
      503,
      coded('ERR_DATABASE_UNAVAILABLE'),
      { code: 'ERR_SERVER_UNAVAILABLE', details: { fault: 'status', retryable: true } },
    ],
    [404, '<html>', { code: 'ERR_SERVER_UNAVAILABLE', details: { fault: 'status', retryable: false } }],
    [400, coded('not a code <script>'), { code: 'ERR_SERVER_UNAVAILABLE' }],
  ])('%i %j becomes %j', (status, body, expected) => {
    expect(refused(status, body)).toMatchObject(expected)
  })

  test('of too many requests carries the seconds to wait, within reason', () => {
    const wait = (value?: string): object =>
      refused(429, coded('ERR_RATE_LIMITED'), value === undefined ? {} : { 'retry-after': value })
    expect(wait('7')).toMatchObject({ code: 'ERR_RATE_LIMITED', details: { retryAfterSeconds: 7 } })
    expect(wait('999999999')).toMatchObject({ details: { retryAfterSeconds: 86_400 } })
    for (const odd of ['0', 'soon', '-3', undefined]) {
      expect(wait(odd)).toMatchObject({ details: { retryAfterSeconds: odd === '0' ? 1 : 60 } })
    }
  })

  test('answers that are not what the protocol says are told apart as such', () => {
    const answer = (text: string): Parameters<typeof readJson>[0] => ({
      status: 200,
      headers: new Headers(),
      bytes: new TextEncoder().encode(text),
    })
    for (const text of [
      '',
      '[]',
      'null',
      '"x"',
      '{"a":',
      '{"a":-1}',
      '{"a":1.5}',
      '{"a":"1"}',
      '{"__proto__":{"a":1}}',
    ]) {
      expect(() => readJson(answer(text)).integer('a')).toThrow(
        expect.objectContaining({ details: { fault: 'body', retryable: false } }),
      )
    }
    expect(readJson(answer('{"a":1}')).integer('a')).toBe(1)
  })
})
