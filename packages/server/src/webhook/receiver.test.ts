/**
 * The receiver of docs/operations.md, run as it stands there, against what the server sends and what others make of it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transform } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomBytes } from 'keyhaven/crypto'
import { startTestApp } from '../testing/app.ts'
import type { TestApp } from '../testing/app.ts'
import { deliverDue } from './notices.ts'
import { postMessage } from './post.ts'
import type { Webhook } from './post.ts'

interface Message {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Receive = (
  request: { readonly header: (name: string) => string | undefined; readonly body: string },
  parts: {
    readonly secret: Uint8Array
    readonly take: (id: string) => Promise<boolean>
    readonly handle: (message: { readonly type: string }) => Promise<void>
  },
) => Promise<204 | 401>

const folder = mkdtempSync(join(tmpdir(), 'keyhaven-receiver-'))
const taken = new Set<string>()
const handled: { readonly type: string }[] = []
const received: Message[] = []
let receive: Receive
let webhook: Webhook
let app: TestApp
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    const message = { headers: request.headers, body }
    received.push(message)
    void take(message).then((status) => response.writeHead(status).end())
  })
})

beforeAll(async () => {
  const docs = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8')
  const [, code = ''] = /```ts\n(import \{ createHmac[^]*?)\n```/.exec(docs) ?? []
  const file = join(folder, 'receiver.mjs')
  writeFileSync(file, (await transform(code, { loader: 'ts' })).code)
  receive = ((await import(pathToFileURL(file).href)) as { readonly receive: Receive }).receive
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  webhook = { url: `http://127.0.0.1:${String(port)}/`, secret: randomBytes(32) }
  app = await startTestApp({ notify: true })
})

afterAll(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  rmSync(folder, { recursive: true, force: true })
})

function take({ headers, body }: Message, secret = webhook.secret): Promise<204 | 401> {
  const header = (name: string): string | undefined => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined
  }
  const isNew = (id: string): Promise<boolean> => {
    const before = taken.size
    return Promise.resolve(taken.add(id).size > before)
  }
  return receive(
    { header, body },
    { secret, take: isNew, handle: (m) => Promise.resolve(void handled.push(m)) },
  )
}

test('takes what the server sends, once, however often it comes', async () => {
  await app.signIn()
  expect(await deliverDue(app.database.database, webhook, app.clock.now)).toBe(1)
  expect(handled).toMatchObject([{ type: 'device_added' }])
  const [message] = received
  if (message === undefined) throw new Error('Nothing was delivered.')
  for (let round = 0; round < 3; round += 1) expect(await take(message)).toBe(204)
  const id = String(message.headers['webhook-id'])
  await postMessage(webhook, { id, content: { type: 'device_added' } })
  expect(received).toHaveLength(2)
  expect(handled).toHaveLength(1)
})

test('takes nothing that is altered, of another time, or signed by somebody else', async () => {
  await postMessage(webhook, { id: 'another', content: { type: 'guess_used' } })
  const message = received.at(-1)
  if (message === undefined) throw new Error('Nothing was delivered.')
  const before = handled.length
  const { headers, body } = message
  const seconds = Number(headers['webhook-timestamp'])
  const changes: readonly Partial<Message>[] = [
    { body: `${body} ` },
    { headers: { ...headers, 'webhook-id': 'fresh' } },
    { headers: { ...headers, 'webhook-timestamp': String(seconds + 1) } },
    { headers: { ...headers, 'webhook-signature': 'v1,' } },
    { headers: { ...headers, 'webhook-signature': undefined } },
    { headers: { ...headers, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` } },
    { headers: {} },
  ]
  for (const change of changes) expect(await take({ ...message, ...change })).toBe(401)
  expect(await take(message, randomBytes(32))).toBe(401)
  expect(handled).toHaveLength(before)
})

test('takes nothing that was recorded and comes again later than five minutes', async () => {
  await postMessage(webhook, { id: 'recorded', content: { type: 'guess_used' } })
  const message = received.at(-1)
  if (message === undefined) throw new Error('Nothing was delivered.')
  taken.clear()
  const now = Date.now.bind(Date)
  for (const [seconds, status] of [
    [299, 204],
    [301, 401],
    [-301, 401],
  ] as const) {
    Date.now = () => Number(message.headers['webhook-timestamp']) * 1000 + seconds * 1000
    try {
      expect([seconds, await take(message)]).toEqual([seconds, status])
    } finally {
      Date.now = now
    }
  }
})
