/**
 * An outside issuer over HTTP for tests: it publishes keys at `/keys` as it is told, and counts how often it is asked.
 */
import type { KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll } from 'vitest'

export interface TestIssuer {
  readonly origin: string
  /** How often it was asked. */
  asked: number
  /** What it answers. */
  answer: (response: ServerResponse) => void
}

const closing: (() => Promise<unknown>)[] = []
afterAll(() => Promise.all(closing.splice(0).map((close) => close())))

/** Starts an issuer that gives these keys; it ends after the file. */
export async function startTestIssuer(keys: readonly object[]): Promise<TestIssuer> {
  const server = createServer((request, response) => {
    issuer.asked += 1
    response.setHeader('Connection', 'close')
    if (request.url === '/keys') issuer.answer(response)
    else givingKeys(keys)(response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const issuer: TestIssuer = {
    origin: `http://127.0.0.1:${String(port)}`,
    asked: 0,
    answer: givingKeys(keys),
  }
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((done) => server.close(done))
  })
  return issuer
}

/** A public key as issuers publish it. */
export function publishKey(kid: string, key: KeyObject): object {
  return { ...key.export({ format: 'jwk' }), kid }
}

/** Answers with a key set. */
export function givingKeys(keys: readonly object[]): TestIssuer['answer'] {
  return (response) => {
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys }))
  }
}
