/**
 * A reverse proxy on loopback that keeps a copy of everything that passes: heads and bodies, both ways.
 *
 * It asks the server not to compress, since a leak inside a compressed body would not be found, and notes a message
 * that is compressed all the same.
 */
import { Buffer } from 'node:buffer'
import { Agent, createServer, request as sendRequest } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** Everything that passed, message by message. */
export interface Capture {
  readonly requestHeads: Uint8Array[]
  readonly requestBodies: Uint8Array[]
  readonly answerHeads: Uint8Array[]
  readonly answerBodies: Uint8Array[]
  /** How many messages were compressed, and so could not be searched. */
  compressed: number
}

/** A running proxy. */
export interface CaptureProxy {
  /** Where clients reach it, without a slash at the end. */
  readonly origin: string
  /** Says where requests go; before that they are answered with 502. */
  forwardTo(origin: string): void
  close(): Promise<void>
}

export function createCapture(): Capture {
  return { requestHeads: [], requestBodies: [], answerHeads: [], answerBodies: [], compressed: 0 }
}

/** Starts a proxy on a free loopback port that adds to `capture`. */
export async function createCaptureProxy(capture: Capture): Promise<CaptureProxy> {
  const agent = new Agent({ keepAlive: true })
  let target: string | undefined
  const server = createServer((incoming, answer) => {
    forward({ incoming, answer, capture, agent, target }).catch(() => {
      if (!answer.headersSent) answer.writeHead(502)
      answer.end()
    })
  })
  const origin = await listenOnLoopback(server)
  return {
    origin,
    forwardTo: (upstream) => {
      target = upstream
    },
    close: async () => {
      agent.destroy()
      await closeServer(server)
    },
  }
}

/** Listens on a free port of 127.0.0.1 and gives the origin. */
export async function listenOnLoopback(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return `http://127.0.0.1:${String(address.port)}`
}

/** Ends all connections and waits for the server's end. */
export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
  })
}

async function forward(exchange: {
  readonly incoming: IncomingMessage
  readonly answer: ServerResponse
  readonly capture: Capture
  readonly agent: Agent
  readonly target: string | undefined
}): Promise<void> {
  const { incoming, answer, capture, agent, target } = exchange
  const requestBody = await readBody(incoming)
  capture.requestHeads.push(
    describeHead(`${incoming.method ?? ''} ${incoming.url ?? ''}`, incoming.rawHeaders),
  )
  capture.requestBodies.push(requestBody)
  noteCompression(capture, incoming)
  if (target === undefined) throw new Error('no target yet')
  const upstream = await send({ target, agent, incoming, body: requestBody })
  const answerBody = await readBody(upstream)
  capture.answerHeads.push(describeHead(String(upstream.statusCode), upstream.rawHeaders))
  capture.answerBodies.push(answerBody)
  noteCompression(capture, upstream)
  answer.writeHead(upstream.statusCode ?? 502, endToEnd(upstream.rawHeaders))
  answer.end(answerBody)
}

function noteCompression(capture: Capture, { headers }: IncomingMessage): void {
  const isCompressed = headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity'
  if (isCompressed) capture.compressed += 1
}

async function send(input: {
  readonly target: string
  readonly agent: Agent
  readonly incoming: IncomingMessage
  readonly body: Uint8Array
}): Promise<IncomingMessage> {
  const headers = [...endToEnd(input.incoming.rawHeaders), 'Accept-Encoding', 'identity']
  if (input.body.length > 0) headers.push('Content-Length', String(input.body.length))
  return new Promise((resolve, reject) => {
    const outgoing = sendRequest(
      `${input.target}${input.incoming.url ?? '/'}`,
      { method: input.incoming.method, headers, agent: input.agent },
      resolve,
    )
    outgoing.on('error', reject)
    outgoing.end(input.body)
  })
}

/** Headers (name, value, name, value …) without those that belong to one connection or that the proxy sets itself. */
function endToEnd(rawHeaders: readonly string[]): string[] {
  const own = ['connection', 'keep-alive', 'transfer-encoding', 'accept-encoding', 'content-length']
  return rawHeaders.filter((_, index) => !own.includes((rawHeaders[index - (index % 2)] ?? '').toLowerCase()))
}

function describeHead(start: string, rawHeaders: readonly string[]): Uint8Array {
  return Buffer.from(`${start}\n${rawHeaders.join('\n')}\n`)
}

async function readBody(message: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = []
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}
