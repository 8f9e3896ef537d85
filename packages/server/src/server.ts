/**
 * The listening HTTP server around an app: bounds against slow clients, and an end that lets running requests finish.
 */
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { HttpBindings } from '@hono/node-server'
import { KeyhavenError } from 'keyhaven'

/**
 * How long a request may take to arrive whole, its headers alone, and how long an idle connection is kept, in ms. The
 * first is a little more than the body reader's 30 s, which answers with a code; what cuts headers is looked for each second.
 */
const REQUEST_TIMEOUT_MS = 31_000
const HEADERS_TIMEOUT_MS = 15_000
const KEEP_ALIVE_MS = 10_000

/** How long a client may take nothing of an answer before its connection is cut, in ms. */
const STALL_MS = 60_000

/**
 * How long a request may take from its headers to the last byte of its answer, in ms: what a client that takes its answer
 * byte by byte holds in memory is given back. Longer than our own clients wait.
 */
const EXCHANGE_MS = 180_000

/** How long running requests have to finish when the server closes. */
const DRAIN_MS = 10_000

/** What answers requests; Hono's `fetch`. */
export type Fetch = (request: Request, bindings: HttpBindings) => Response | Promise<Response>

export interface Listener {
  readonly port: number
  /** Takes no more connections, lets running requests finish for a while, then cuts them off. */
  close(): Promise<void>
}

/** Listens on `host` and `port` (0: a free one); `ERR_SETTING_INVALID` names what cannot be listened on. */
export async function listen(input: {
  readonly host: string
  readonly port: number
  readonly fetch: Fetch
  /** Only tests have less patience than {@link REQUEST_TIMEOUT_MS}. */
  readonly requestMs?: number
  /** Only tests have less patience than {@link STALL_MS}. */
  readonly stallMs?: number
  /** Only tests have less patience than {@link EXCHANGE_MS}. */
  readonly exchangeMs?: number
}): Promise<Listener> {
  const server = createAdaptorServer({
    // It makes an HTTP/1 server unless told otherwise.
    fetch: (request, bindings) => input.fetch(request, bindings as HttpBindings),
    // Lighter ones in their place would be cheaper, and break whoever compares an answer of `fetch` with the global Response.
    overrideGlobalObjects: false,
    serverOptions: { connectionsCheckingInterval: 1000 },
  }) as Server
  server.requestTimeout = input.requestMs ?? REQUEST_TIMEOUT_MS
  // Node takes the shorter of the two for the headers, whichever it was set as.
  server.headersTimeout = Math.min(HEADERS_TIMEOUT_MS, server.requestTimeout)
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.timeout = input.stallMs ?? STALL_MS
  boundExchanges(server, input.exchangeMs ?? EXCHANGE_MS)
  const silent = trackSilentSockets(server)
  await bind(server, input.host, input.port)
  return { port: (server.address() as AddressInfo).port, close: () => drain(server, silent) }
}

async function bind(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((done, fail) => {
      server.once('error', fail)
      server.listen({ host, port }, () => {
        server.off('error', fail)
        done()
      })
    })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting: code === 'EADDRINUSE' || code === 'EACCES' ? '--port' : '--host',
      expected:
        code === 'EADDRINUSE' ? 'a port that is free' : 'an address and port that this user may listen on',
    })
  }
}

function boundExchanges(server: Server, exchangeMs: number): void {
  server.on('request', (_, response) => {
    const cut = setTimeout(() => {
      response.destroy()
    }, exchangeMs)
    cut.unref()
    response.once('close', () => {
      clearTimeout(cut)
    })
  })
}

/** Connections on which no request has come yet, as browsers open them in advance; Node does not count them as idle. */
function trackSilentSockets(server: Server): ReadonlySet<Socket> {
  const silent = new Set<Socket>()
  server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', ({ socket }) => silent.delete(socket))
  return silent
}

async function drain(server: Server, silent: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((done) => {
    server.close(() => {
      done()
    })
  })
  for (const socket of silent) socket.destroy()
  // A kept-alive connection becomes idle only after its last answer, so it is looked for again and again.
  const idle = setInterval(() => {
    server.closeIdleConnections()
  }, 50)
  const cut = setTimeout(() => {
    server.closeAllConnections()
  }, DRAIN_MS)
  await closed
  clearInterval(idle)
  clearTimeout(cut)
}
