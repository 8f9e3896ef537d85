import { Buffer } from 'node:buffer'
import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { closeServer, createCapture, createCaptureProxy, listenOnLoopback } from './capture-proxy.ts'

async function startUpstream(): Promise<{
  origin: string
  seen: { headers: Record<string, unknown>; body: Buffer }[]
}> {
  const seen: { headers: Record<string, unknown>; body: Buffer }[] = []
  const server = createServer((incoming, answer) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => {
      seen.push({ headers: incoming.headers, body: Buffer.concat(parts) })
      answer.writeHead(incoming.url === '/nothing' ? 204 : 201, { 'X-Answer': 'marked-answer-head' })
      answer.end(incoming.url === '/nothing' ? undefined : Buffer.from([0, 255, 1, 254]))
    })
  })
  onTestFinished(() => closeServer(server))
  return { origin: await listenOnLoopback(server), seen }
}

test('what passes reaches the other side unchanged and is captured whole, heads and bodies, both ways', async () => {
  const upstream = await startUpstream()
  const capture = createCapture()
  const proxy = await createCaptureProxy(capture)
  onTestFinished(() => proxy.close())
  proxy.forwardTo(upstream.origin)
  const body = Buffer.from([1, 0, 255, 13, 10])
  const answer = await fetch(`${proxy.origin}/path?query=1`, {
    method: 'PUT',
    body,
    headers: { 'X-Asked': 'marked-request-head' },
  })
  expect(answer.status).toBe(201)
  expect(answer.headers.get('x-answer')).toBe('marked-answer-head')
  expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([0, 255, 1, 254])
  expect(upstream.seen[0]?.body).toEqual(body)
  expect(upstream.seen[0]?.headers['accept-encoding']).toBe('identity')
  expect(Buffer.from(capture.requestHeads[0] ?? []).toString()).toContain('PUT /path?query=1')
  expect(Buffer.from(capture.requestHeads[0] ?? []).toString()).toContain('marked-request-head')
  expect(Buffer.from(capture.requestBodies[0] ?? [])).toEqual(body)
  expect(Buffer.from(capture.answerHeads[0] ?? []).toString()).toContain('marked-answer-head')
  expect([...(capture.answerBodies[0] ?? [])]).toEqual([0, 255, 1, 254])
  expect(capture.compressed).toBe(0)
})

test('a compressed message is noted in each direction, since nothing in it would be found', async () => {
  const packed = createServer((_, answer) => {
    answer.writeHead(200, { 'Content-Encoding': 'gzip' })
    answer.end(gzipSync('answer'))
  })
  onTestFinished(() => closeServer(packed))
  const capture = createCapture()
  const proxy = await createCaptureProxy(capture)
  onTestFinished(() => proxy.close())
  proxy.forwardTo((await startUpstream()).origin)
  const asked = { method: 'POST', body: gzipSync('request'), headers: { 'Content-Encoding': 'gzip' } }
  await fetch(`${proxy.origin}/path`, asked)
  expect(capture.compressed).toBe(1)
  proxy.forwardTo(await listenOnLoopback(packed))
  expect(await (await fetch(`${proxy.origin}/`)).text()).toBe('answer')
  expect(capture.compressed).toBe(2)
})

test('an answer without a body passes, and many requests at once are all captured', async () => {
  const upstream = await startUpstream()
  const capture = createCapture()
  const proxy = await createCaptureProxy(capture)
  onTestFinished(() => proxy.close())
  proxy.forwardTo(upstream.origin)
  const answers = await Promise.all(Array.from({ length: 30 }, () => fetch(`${proxy.origin}/nothing`)))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 204))
  expect(capture.answerHeads).toHaveLength(30)
})

test('without a server behind it the proxy answers 502', async () => {
  const proxy = await createCaptureProxy(createCapture())
  onTestFinished(() => proxy.close())
  expect((await fetch(`${proxy.origin}/`)).status).toBe(502)
  const gone = await startUpstream()
  proxy.forwardTo(gone.origin.replace(/\d+$/, '1'))
  expect((await fetch(`${proxy.origin}/`)).status).toBe(502)
})
