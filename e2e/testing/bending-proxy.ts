/**
 * A real HTTP proxy in front of a real server that misbehaves on demand, for tests of what clients make of it.
 */
import { Buffer } from 'node:buffer'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll } from 'vitest'

/** Answers one request in the honest server's place; `body` has been read. */
export type Misbehaviour = (answer: ServerResponse, request: IncomingMessage) => void

export interface BendingProxy {
  readonly origin: string
  /** Requests whose body holds `word` are answered by `bend`; all others pass. */
  misbehave(word: string, bend: Misbehaviour): void
  /** Resolves once no request is unanswered any more: whoever asked has hung up or has been answered. */
  idle(): Promise<void>
}

const opened: { close(): Promise<void> }[] = []

afterAll(async () => {
  for (const proxy of opened.splice(0)) await proxy.close()
})

/** Starts a proxy on a free loopback port; it is closed after the file. */
export async function startBendingProxy(target: string): Promise<BendingProxy> {
  let bent: { readonly word: string; readonly bend: Misbehaviour } | undefined
  const open = new Set<Promise<void>>()
  const server = createServer((request, answer) => {
    const closed = new Promise<void>((resolve) => answer.once('close', resolve))
    open.add(closed)
    void closed.then(() => open.delete(closed))
    void readAll(request)
      .then(async (body) => {
        if (bent !== undefined && body.includes(bent.word)) bent.bend(answer, request)
        else await pass({ target, request, body, answer })
      })
      .catch(() => answer.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push({
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.')
  return {
    origin: `http://127.0.0.1:${String(address.port)}`,
    misbehave: (word, bend) => {
      bent = { word, bend }
    },
    idle: async () => {
      while (open.size > 0) await Promise.all(open)
    },
  }
}

async function pass(input: {
  readonly target: string
  readonly request: IncomingMessage
  readonly body: Buffer
  readonly answer: ServerResponse
}): Promise<void> {
  const { request, body, answer } = input
  const kept = ['authorization', 'content-type', 'x-juicebox-version']
  const headers = kept.flatMap((name) => {
    const value = request.headers[name]
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  const honest = await fetch(`${input.target}${request.url ?? '/'}`, {
    method: request.method ?? 'GET',
    headers: Object.fromEntries(headers),
    ...(body.length > 0 && { body: new Uint8Array(body) }),
  })
  const type = honest.headers.get('content-type') ?? 'application/octet-stream'
  answer.writeHead(honest.status, { 'Content-Type': type })
  answer.end(Buffer.from(await honest.arrayBuffer()))
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}
