/**
 * A proxy before a realm that does to requests and answers what a bad network, a dying realm or a lying one does.
 */
import { Buffer } from 'node:buffer'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll } from 'vitest'
import type { TestRealm } from './realm-server.ts'

/**
 * `dropped`: cut before the realm has it; `unanswered`: cut after; `twice`: the realm has it two times, the client the
 * second answer; `late`: the answer is given after the request that came next; `silent`: no answer until the client
 * hangs up.
 */
export type Mishap = 'none' | 'dropped' | 'unanswered' | 'twice' | 'truncated' | 'late' | 'slow' | 'silent'

export interface UnreliableRealm extends Pick<TestRealm, 'id' | 'address'> {
  /** What happens to the next requests. */
  behave(next: () => Mishap): void
  /** Answers with the bytes that `edit` makes of the honest ones. */
  lie(edit: (honest: Uint8Array) => Uint8Array): void
  /** Hangs up on everybody from now on. */
  kill(): void
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Uint8Array
}

const SLOW_MS = 150

const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(closing.map((close) => close()))
})

/** Starts a proxy before a realm; it passes everything on until told otherwise. */
export async function startUnreliable({ id, address }: TestRealm): Promise<UnreliableRealm> {
  let next = (): Mishap => 'none'
  let edit = (honest: Uint8Array): Uint8Array => honest
  const arrivals = createArrivals()
  const handle = async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const mishap = next()
    const body = await readAll(request)
    arrivals.tell()
    if (mishap === 'silent') return
    if (mishap === 'dropped') {
      answer.destroy()
      return
    }
    const ask = (): Promise<Answer> => forward(address, request, body)
    if (mishap === 'twice') await ask()
    const honest = await ask()
    if (mishap === 'unanswered') {
      answer.destroy()
      return
    }
    if (mishap === 'late') await Promise.race([arrivals.next(), pause(SLOW_MS)])
    if (mishap === 'slow') await pause(SLOW_MS)
    const sent = edit(honest.body)
    answer.writeHead(honest.status, { 'Content-Type': honest.type, 'Content-Length': sent.length })
    if (mishap === 'truncated') answer.write(sent.subarray(0, sent.length >> 1), () => answer.destroy())
    else answer.end(sent)
  }
  const server = createServer((request, answer) => {
    handle(request, answer).catch(() => answer.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(
    () =>
      new Promise((done) => {
        server.close(() => {
          done()
        })
        server.closeAllConnections()
      }),
  )
  const { port } = server.address() as AddressInfo
  return {
    id,
    address: `http://127.0.0.1:${String(port)}/realm/`,
    behave: (choose) => {
      next = choose
    },
    lie: (change) => {
      edit = change
    },
    kill: () => {
      next = () => 'dropped'
    },
  }
}

async function forward(address: string, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const names = ['authorization', 'content-type', 'x-juicebox-version']
  const headers = names.flatMap((name) => {
    const value = request.headers[name]
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  const response = await fetch(new URL(request.url ?? '/', address), {
    method: request.method ?? 'GET',
    headers: Object.fromEntries(headers),
    ...(body.length > 0 && { body: new Uint8Array(body) }),
  })
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? 'application/octet-stream',
    body: new Uint8Array(await response.arrayBuffer()),
  }
}

/** Lets one request wait for the arrival of another. */
function createArrivals(): { readonly tell: () => void; readonly next: () => Promise<void> } {
  let waiting: (() => void)[] = []
  return {
    tell: () => {
      for (const done of waiting.splice(0)) done()
      waiting = []
    },
    next: () => new Promise((done) => waiting.push(done)),
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, milliseconds)
  })
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}
