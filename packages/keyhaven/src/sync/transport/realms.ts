/**
 * Carries recovery messages to the realms: one POST each, with that realm's token. The recovery room does the rest.
 */
import type { RealmAnswer, RealmTransport } from '../../recovery/index.ts'
import { toHex } from '../../crypto/index.ts'
import { isKeyhavenError } from '../../errors.ts'
import { exchange, readRetryAfter, requireSecureOrigin } from './exchange.ts'
import type { Answer, Fetch } from './exchange.ts'

/** The protocol's version that is spoken here. */
const PROTOCOL_VERSION = '0.3.7'
const MOST_ANSWER_BYTES = 16_384

/** A transport with these tokens by realm id. A realm without a token answers as unauthorized. */
export function createRealmTransport(input: {
  readonly fetch: Fetch
  readonly tokens: ReadonlyMap<string, string>
  readonly deadlineMs: number
}): RealmTransport {
  return async ({ realm, body, signal }) => {
    requireSecureOrigin(realm.address)
    const token = input.tokens.get(toHex(realm.id))
    if (token === undefined) return { kind: 'unauthorized' }
    try {
      const answer = await exchange({
        fetch: input.fetch,
        url: `${realm.address}req`,
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/octet-stream',
          'x-juicebox-version': PROTOCOL_VERSION,
        },
        body,
        signal,
        deadlineMs: input.deadlineMs,
        mostBytes: MOST_ANSWER_BYTES,
      })
      return describeAnswer(answer)
    } catch (fault) {
      if (isKeyhavenError(fault, 'ERR_ABORTED')) return { kind: 'unreachable' }
      if (!isKeyhavenError(fault, 'ERR_SERVER_UNAVAILABLE')) throw fault
      return { kind: fault.details.fault === 'body' ? 'garbage' : 'unreachable' }
    }
  }
}

function describeAnswer(answer: Answer): RealmAnswer {
  if (answer.status === 200) return { kind: 'ok', body: answer.bytes }
  if (answer.status === 401) return { kind: 'unauthorized' }
  if (answer.status === 429) {
    return { kind: 'rate-limited', retryAfterSeconds: readRetryAfter(answer.headers) }
  }
  return { kind: 'refused', status: answer.status }
}
