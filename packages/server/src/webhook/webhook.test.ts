import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomBytes } from 'keyhaven/crypto'
import { startTestApp } from '../testing/app.ts'
import type { TestApp } from '../testing/app.ts'
import { createBackup, prepare } from '../testing/backups.ts'
import { createWebhookCodeSender } from './code-sender.ts'
import { deliverDue } from './notices.ts'
import { postMessage } from './post.ts'
import type { Webhook } from './post.ts'

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

let app: TestApp
let receiver: Server
let webhook: Webhook
let status = 204
const received: Received[] = []

beforeAll(async () => {
  receiver = createServer((request, answer) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(parts).toString() })
      answer.writeHead(status, status === 302 ? { Location: webhook.url } : {}).end('words')
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const { port } = receiver.address() as AddressInfo
  webhook = { url: `http://127.0.0.1:${String(port)}/hook`, secret: randomBytes(32) }
  app = await startTestApp({ notify: true })
})

afterAll(
  () =>
    new Promise((resolve) => {
      receiver.closeAllConnections()
      receiver.close(resolve)
    }),
)

function isSigned({ headers, body }: Received): boolean {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const signature = createHmac('sha256', webhook.secret).update(signed).digest('base64')
  return headers['webhook-signature'] === `v1,${signature}`
}

const deliver = (seconds = 0): Promise<number> =>
  deliverDue(app.database.database, webhook, new Date(app.clock.now.getTime() + seconds * 1000))

async function waiting(): Promise<number> {
  const rows = await app.database.asSuperuser('SELECT FROM app.webhook_events')
  return rows.length
}

test('notices are delivered signed, once each, and say nothing but what happened to which account', async () => {
  const alice = await app.signIn({ label: 'A label' })
  expect(await waiting()).toBe(1)
  const [one, two] = await Promise.all([deliver(), deliver()])
  expect(one + two).toBe(1)
  expect(await deliver(3600)).toBe(0)
  expect(await waiting()).toBe(0)
  const [message] = received.splice(0)
  if (message === undefined) throw new Error('Nothing was delivered.')
  expect(isSigned(message)).toBe(true)
  expect(isSigned({ ...message, body: `${message.body} ` })).toBe(false)
  expect(JSON.parse(message.body)).toEqual({
    type: 'device_added',
    accountId: alice.accountId,
    success: true,
    sequence: 2,
    createdAt: app.clock.now.toISOString(),
  })
  expect(message.headers['webhook-id']).toMatch(/^[0-9a-f-]{36}$/)
})

test('a registration that was replaced is told of whether or not the device says that the PIN is another', async () => {
  const alice = await app.signIn()
  const backup = await createBackup(alice)
  await deliver()
  received.splice(0)
  const change = await prepare(alice, backup)
  expect((await alice.post('/v1/pointer/commit', change.sign({ newPin: true }))).status).toBe(200)
  await deliver()
  const told = received.splice(0).map(({ body }) => (JSON.parse(body) as { type: string }).type)
  expect(told.sort()).toEqual(['pin_changed', 'pointer_moved'])
})

test.each([500, 302, 404])(
  'a receiver that answers %i is told again later, under the same id',
  async (bad) => {
    await app.signIn()
    status = bad
    expect(await deliver()).toBe(1)
    expect(await deliver()).toBe(0)
    expect(await deliver(9)).toBe(0)
    expect(await deliver(11)).toBe(1)
    status = 204
    expect(await deliver(11)).toBe(0)
    expect(await deliver(32)).toBe(1)
    const ids = received.splice(0).map(({ headers }) => headers['webhook-id'])
    expect(ids).toHaveLength(3)
    expect(new Set(ids).size).toBe(1)
    expect(await waiting()).toBe(0)
  },
)

test('what cannot be delivered is kept and tried for three days, and then given up', async () => {
  const DAYS = 24 * 3600
  await app.signIn()
  status = 500
  expect(await deliver()).toBe(1)
  expect(await deliver(3 * DAYS - 60)).toBe(1)
  expect(await waiting()).toBe(1)
  status = 204
  received.splice(0)
  expect(await deliver(3 * DAYS + 60)).toBe(0)
  expect(await waiting()).toBe(0)
  expect(received).toEqual([])
})

test('a server without a webhook writes nothing down for one', async () => {
  const other = await startTestApp()
  await other.signIn()
  expect(await other.database.asSuperuser('SELECT FROM app.webhook_events')).toEqual([])
})

test('a sign-in code is posted while its asker waits, and a failure is his answer', async () => {
  const sending = await startTestApp({ codeSender: createWebhookCodeSender(webhook) })
  const phone = '+12025550188'
  expect((await sending.post('/v1/auth/code', { phone })).status).toBe(202)
  const [message] = received.splice(0)
  if (message === undefined) throw new Error('Nothing was delivered.')
  expect(isSigned(message)).toBe(true)
  expect(JSON.parse(message.body)).toEqual({
    type: 'sign_in_code',
    phone,
    code: expect.stringMatching(/^\d{6}$/) as string,
  })
  status = 500
  expect((await sending.post('/v1/auth/code', { phone })).code).toBe('ERR_SENDER_UNAVAILABLE')
  status = 204
  const [refused] = received.splice(0)
  const { code } = JSON.parse(refused?.body ?? '{}') as { code: string }
  expect(code).toMatch(/^\d{6}$/)
  expect(JSON.stringify(sending.logged)).not.toContain(code)
  expect(JSON.stringify(sending.logged)).not.toContain(phone)
})

test('a receiver that is not there is a failure', async () => {
  const gone = createServer()
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  const { port } = gone.address() as AddressInfo
  await new Promise((resolve) => gone.close(resolve))
  const nowhere = { url: `http://127.0.0.1:${String(port)}/`, secret: webhook.secret }
  await expect(postMessage(nowhere, { id: 'x', content: {} })).rejects.toThrow()
})
