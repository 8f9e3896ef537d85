/**
 * Plants the marker that the leak search must find: in the database through a device's label, in requests and answers
 * both ways, heads and bodies.
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { toHex } from 'keyhaven/crypto'
import { CommandError } from '../command-line/command-error.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { closeServer, createCaptureProxy, listenOnLoopback } from './capture-proxy.ts'
import type { Capture } from './capture-proxy.ts'

/**
 * Signs a device in whose label is the marker, so that the server stores it in clear, and reads the access log, so that
 * the server's own answer carries it.
 */
export async function plantInDatabase(input: {
  readonly origin: string
  readonly phone: string
  readonly marker: Uint8Array
  readonly nextCode: () => Promise<string>
}): Promise<void> {
  const { origin, phone } = input
  const label = toHex(input.marker)
  const { requestId } = (await post(`${origin}/v1/auth/code`, { phone })) as { readonly requestId: string }
  const code = await input.nextCode()
  const device = { id: randomUUID().replaceAll('-', ''), label }
  const { accessToken } = (await post(`${origin}/v1/auth/verify`, { phone, requestId, code, device })) as {
    readonly accessToken: string
  }
  const log = await fetch(`${origin}/v1/access-log?limit=10`, {
    headers: { Authorization: `Bearer ${accessToken}` },
  })
  if (!(await log.text()).includes(label)) throw failed('its access log does not show it')
}

/** Sends the marker through a proxy with the same capture, to a server that says it again in head and body. */
export async function plantInTraffic(capture: Capture, marker: Uint8Array): Promise<void> {
  const text = toHex(marker)
  const echo = createServer((_, answer) => {
    answer.writeHead(200, { 'X-Planted': text })
    answer.end(text)
  })
  const proxy = await createCaptureProxy(capture)
  try {
    proxy.forwardTo(await listenOnLoopback(echo))
    const answer = await fetch(`${proxy.origin}/`, {
      method: 'POST',
      headers: { 'X-Planted': text },
      body: text,
    })
    await answer.text()
  } finally {
    await proxy.close()
    await closeServer(echo)
  }
}

async function post(address: string, body: unknown): Promise<unknown> {
  const answer = await fetch(address, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw failed(`the server answered ${String(answer.status)}`)
  return answer.json()
}

function failed(problem: string): CommandError {
  return new CommandError('ERR_DEMO_FAILED', `The marker could not be planted: ${problem}.`, EXIT.fault)
}
