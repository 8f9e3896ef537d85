/**
 * A proxy as operators put before several servers: it keeps connections, asks each server whether it is ready, and takes
 * another one where a connection is refused. What was sent once is never sent again.
 */
import { Agent, createServer, request } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const HEALTH_MS = 50

export interface Proxy {
  readonly origin: string
  /** Sends requests to these servers, as soon as they are ready. */
  setServers(origins: readonly string[]): void
  close(): Promise<void>
}

export async function startProxy(): Promise<Proxy> {
  const agent = new Agent({ keepAlive: true })
  const ready = new Set<string>()
  let servers: readonly string[] = []
  let turn = 0
  const look = async (): Promise<void> => {
    for (const origin of servers) {
      const answer = await fetch(`${origin}/readyz`).catch(() => undefined)
      if (answer?.ok === true) ready.add(origin)
      else ready.delete(origin)
    }
  }
  const next = (): readonly string[] => {
    const able = servers.filter((origin) => ready.has(origin))
    turn += 1
    return able.map((_, index) => able[(turn + index) % able.length] ?? '')
  }
  const server = createServer((incoming, outgoing) => {
    void readBody(incoming).then((body) => {
      pass({ incoming, outgoing, body, agent, origins: next() })
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  let looking = Promise.resolve()
  const health = setInterval(() => {
    looking = looking.then(look)
  }, HEALTH_MS)
  return {
    origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    setServers: (origins) => {
      servers = origins
    },
    close: async () => {
      clearInterval(health)
      await looking
      agent.destroy()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

interface Passed {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly body: Buffer
  readonly agent: Agent
  readonly origins: readonly string[]
}

function pass(input: Passed): void {
  const { incoming, outgoing, body, agent, origins } = input
  const [origin, ...others] = origins
  if (origin === undefined) {
    outgoing.writeHead(502).end()
    return
  }
  const { connection: _, ...headers } = incoming.headers
  const sent = request(`${origin}${incoming.url ?? ''}`, { method: incoming.method ?? 'GET', headers, agent })
  sent.on('response', (answer) => {
    const { connection: __, ...kept } = answer.headers
    outgoing.writeHead(answer.statusCode ?? 502, kept)
    answer.pipe(outgoing)
    answer.on('error', () => outgoing.destroy())
  })
  sent.on('error', (fault: NodeJS.ErrnoException) => {
    if (fault.code === 'ECONNREFUSED') pass({ ...input, origins: others })
    else outgoing.destroy()
  })
  sent.end(body)
}
