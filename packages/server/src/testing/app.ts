/**
 * The app over a real database and a real socket, for tests of its routes.
 *
 *     const server = await startTestApp()                       // in a test, beforeEach or beforeAll
 *     const alice = await server.signIn()                       // a new account on a new device
 *     const { status, body } = await alice.post('/v1/…', {…})
 *
 * Codes are kept instead of sent; `server.clock.now` moves the app's time. Everything is closed after the file.
 */
import { randomInt } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { BlockList, Socket } from 'node:net'
import { afterAll, expect } from 'vitest'
import { createApp } from '../app.ts'
import type { AppInput } from '../app.ts'
import type { CodeSender } from '../auth/code-sender.ts'
import type { ServerKeys } from '../data/keys.ts'
import type { LogFields } from '../log/log.ts'
import { createCurvePool } from '../realm/curve-pool.ts'
import { environmentSealKeys } from '../realm/seal-keys/environment.ts'
import { openSeals } from '../realm/seals.ts'
import { listen } from '../server.ts'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { createTestDatabase } from './database.ts'
import type { TestDatabase } from './database.ts'

/** An answer with its parsed JSON, or its bytes when it is not JSON. */
export interface TestAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
  readonly bytes: Uint8Array
  /** The refusal's code, if it is one. */
  readonly code: string | undefined
}

export interface TestRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly body?: Uint8Array | string | ReadableStream<Uint8Array>
}

/** A signed-in device. */
export interface TestDevice {
  readonly accountId: string
  readonly phone: string
  readonly deviceId: string
  accessToken: string
  refreshToken: string
  send(path: string, request?: TestRequest): Promise<TestAnswer>
  get(path: string): Promise<TestAnswer>
  post(path: string, json: unknown): Promise<TestAnswer>
  put(path: string, bytes: Uint8Array): Promise<TestAnswer>
  /** Continues the session; its tokens are new afterwards. */
  refresh(): Promise<void>
}

/** The server's keys, and the one that its realm's records are sealed under. */
export interface TestKeys extends ServerKeys {
  readonly realmSealKey: Uint8Array
}

export interface TestApp {
  readonly origin: string
  /** Calls the app without a socket, for tests of many thousand requests. */
  readonly fetch: typeof fetch
  readonly database: TestDatabase
  readonly keys: TestKeys
  readonly clock: { now: Date }
  readonly logged: LogFields[]
  /** Every method of every path that has a handler. */
  readonly routes: readonly { readonly method: string; readonly path: string }[]
  /** The codes sent, by number. */
  readonly codes: Map<string, string>
  send(path: string, request?: TestRequest): Promise<TestAnswer>
  post(path: string, json: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>
  /** Has a code sent to a number, which must be granted. */
  askCode(phone: string, level?: string): Promise<{ readonly requestId: string; readonly code: string }>
  /** Signs a device in: a new account unless `phone` is given. */
  signIn(options?: {
    readonly phone?: string
    readonly level?: string
    readonly label?: string
  }): Promise<TestDevice>
  close(): Promise<void>
}

const opened: TestApp[] = []

afterAll(async () => {
  for (const app of opened.splice(0)) await app.close()
})

/** Starts the app on a fresh database, or on `shared` as another process over the same one would. */
export async function startTestApp(
  options: Partial<AppInput> & {
    readonly keys?: TestKeys
    readonly shared?: TestDatabase
    readonly realmOnly?: boolean
  } = {},
): Promise<TestApp> {
  const { shared, realmOnly = false, realmId = randomBytes(16), ...input } = options
  const database = shared ?? (await createTestDatabase())
  const codes = new Map<string, string>()
  const clock = { now: new Date() }
  const logged: LogFields[] = []
  const keys = input.keys ?? {
    realmSealKey: randomBytes(32),
    phoneKey: randomBytes(32),
    tokenKey: randomBytes(32),
    chainKey: randomBytes(32),
  }
  const codeSender: CodeSender = ({ phone, code }) => {
    codes.set(phone, code)
    return Promise.resolve()
  }
  const log = {
    info: (fields: LogFields) => logged.push(fields),
    error: (fields: LogFields) => logged.push(fields),
  }
  const curve = input.curve ?? createCurvePool({ threads: 1 })
  const source = environmentSealKeys([keys.realmSealKey])
  const app = createApp({
    database: database.database,
    origin: 'http://127.0.0.1',
    keys,
    realmId,
    seals: await openSeals({ database: database.database, realmId, source }),
    tenants: new Map(),
    trustedProxies: new BlockList(),
    codeSender,
    log,
    now: () => clock.now,
    ...input,
    curve,
    ...(realmOnly && { keys: undefined }),
    // All tests of a file come from one address.
    limits: {
      codesPerAddress: { most: 10_000, seconds: 600 },
      codesPerAddressAndDay: { most: 10_000, seconds: 86_400 },
      ...input.limits,
    },
    signInLimits: input.signInLimits ?? { most: 10_000, seconds: 600, atOnce: 1000 },
  })
  const listener = await listen({ host: '127.0.0.1', port: 0, fetch: app.fetch })
  const origin = `http://127.0.0.1:${String(listener.port)}`
  const created = createTestApp({
    origin,
    fetch: withoutSocket(app),
    database,
    keys,
    clock,
    logged,
    routes: app.routes.filter(({ method }) => method !== 'ALL'),
    codes,
    close: async () => {
      await listener.close()
      await curve.close()
    },
  })
  opened.push(created)
  return created
}

/** Without 1 and 9, so that no test's PIN happens to be a part of a number, which a new PIN must not be. */
const PHONE_DIGITS = '02345678'

/** A number that no other test uses. */
export function randomPhone(): string {
  const digits = (count: number): string =>
    Array.from({ length: count }, () => PHONE_DIGITS[randomInt(PHONE_DIGITS.length)] ?? '').join('')
  return `+1${String(randomInt(2, 9))}${digits(2)}${String(randomInt(2, 9))}${digits(6)}`
}

/** The app as a function; it takes each answer for sent once it is made. */
function withoutSocket(app: ReturnType<typeof createApp>): typeof fetch {
  return async (input, init) => {
    const incoming = new IncomingMessage(new Socket())
    const outgoing = new ServerResponse(incoming)
    const request = new Request(input, init)
    incoming.push(new Uint8Array(await request.clone().arrayBuffer()))
    incoming.push(null)
    const answer = await app.fetch(request, { incoming, outgoing })
    outgoing.emit('finish')
    return answer
  }
}

type Parts = Pick<
  TestApp,
  'origin' | 'fetch' | 'database' | 'keys' | 'clock' | 'logged' | 'routes' | 'codes' | 'close'
>

function createTestApp(parts: Parts): TestApp {
  const send: TestApp['send'] = (path, request = {}) => sendTo(parts.origin + path, request)
  const post: TestApp['post'] = (path, json, headers = {}) => send(path, { method: 'POST', json, headers })
  const askCode: TestApp['askCode'] = async (phone, level) => {
    const { status, body } = await post('/v1/auth/code', { phone, level })
    expect(status).toBe(202)
    return { requestId: String(body['requestId']), code: parts.codes.get(phone) ?? '' }
  }
  return {
    ...parts,
    send,
    post,
    askCode,
    signIn: async ({ phone = randomPhone(), level, label = 'Test device' } = {}) => {
      const device = { id: toHex(randomBytes(16)), label }
      const { status, body } = await post('/v1/auth/verify', {
        phone,
        level,
        ...(await askCode(phone, level)),
        device,
      })
      expect(status).toBe(200)
      return createTestDevice(send, {
        accountId: String(body['accountId']),
        phone,
        deviceId: device.id,
        accessToken: String(body['accessToken']),
        refreshToken: String(body['refreshToken']),
      })
    },
  }
}

function createTestDevice(
  sendPlain: TestApp['send'],
  identity: Pick<TestDevice, 'accountId' | 'phone' | 'deviceId' | 'accessToken' | 'refreshToken'>,
): TestDevice {
  const device: TestDevice = {
    ...identity,
    send: (path, request = {}) =>
      sendPlain(path, {
        ...request,
        headers: { Authorization: `Bearer ${device.accessToken}`, ...request.headers },
      }),
    get: (path) => device.send(path),
    post: (path, json) => device.send(path, { method: 'POST', json }),
    put: (path, body) =>
      device.send(path, { method: 'PUT', body, headers: { 'Content-Type': 'application/octet-stream' } }),
    refresh: async () => {
      const { refreshToken } = device
      const { status, body } = await sendPlain('/v1/auth/refresh', { method: 'POST', json: { refreshToken } })
      expect(status).toBe(200)
      device.accessToken = String(body['accessToken'])
      device.refreshToken = String(body['refreshToken'])
    },
  }
  return device
}

async function sendTo(url: string, request: TestRequest): Promise<TestAnswer> {
  const json = request.json === undefined ? undefined : JSON.stringify(request.json)
  const response = await fetch(url, {
    method: request.method ?? 'GET',
    headers: { ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...request.headers },
    body: json ?? (request.body as string | undefined) ?? null,
    ...(request.body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
  })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const isJson =
    bytes.length > 0 && response.headers.get('content-type')?.startsWith('application/json') === true
  const body = isJson ? (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>) : {}
  const error = body['error'] as { readonly code?: string } | undefined
  return { status: response.status, headers: response.headers, body, bytes, code: error?.code }
}
