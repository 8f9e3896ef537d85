/**
 * Carries recovery messages to the realms: one POST each, with that realm's token. The recovery room does the rest.
 */
import type { RealmAnswer, RealmTransport, SignedHeaders } from '../../recovery/index.ts'
import { parseHex, toHex } from '../../crypto/text.ts'
import { isKeyhavenError } from '../../errors.ts'
import { errorCodeOf, exchange, readJson, readRetryAfter, requireSecureOrigin } from './exchange.ts'
import type { Answer, Fetch } from './exchange.ts'

/** The protocol's version that is spoken here. */
const PROTOCOL_VERSION = '0.3.7'
const MOST_ANSWER_BYTES = 16_384

/** A wait that a realm names is believed up to a year. */
const LONGEST_WAIT_SECONDS = 366 * 86_400

export interface RealmTransportInput {
  readonly fetch: Fetch
  readonly tokens: ReadonlyMap<string, string>
  readonly deadlineMs: number
}

/** A transport with these tokens by realm id. A realm without a token answers as unauthorized. */
export function createRealmTransport(input: RealmTransportInput): RealmTransport {
  const known = new Map<string, Promise<boolean>>()
  const speaksKeyhaven = (address: string, signal: AbortSignal): Promise<boolean> => {
    const asked = known.get(address) ?? askWhatItSpeaks(input, address, signal)
    known.set(address, asked)
    return asked
  }
  return async ({ realm, body, signal, signed }) => {
    requireSecureOrigin(realm.address)
    const token = input.tokens.get(toHex(realm.id))
    if (token === undefined) return { kind: 'unauthorized' }
    try {
      const understood = signed !== undefined && (await speaksKeyhaven(realm.address, signal))
      const answer = await exchange({
        fetch: input.fetch,
        url: `${realm.address}req`,
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/octet-stream',
          'x-juicebox-version': PROTOCOL_VERSION,
          ...(understood && headersOf(signed)),
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

function headersOf({ authority, proof }: SignedHeaders): Readonly<Record<string, string>> {
  return { 'keyhaven-authority': authority, ...(proof !== undefined && { 'keyhaven-proof': proof }) }
}

/** Other realms of the protocol are never sent headers that they, or their CORS, do not know. */
async function askWhatItSpeaks(
  { fetch, deadlineMs }: RealmTransportInput,
  address: string,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await exchange({
    fetch,
    url: address,
    method: 'GET',
    signal,
    deadlineMs,
    mostBytes: MOST_ANSWER_BYTES,
  })
  if (answer.status !== 200) return false
  const fields = readJson(answer)
  return fields.has('keyhaven') && fields.integer('keyhaven') === 1
}

function describeAnswer(answer: Answer): RealmAnswer {
  const { status, headers, bytes } = answer
  if (status === 200) {
    const version = headers.get('keyhaven-version')
    if (version === null) return { kind: 'ok', body: bytes }
    return /^[0-9a-f]{32}$/.test(version)
      ? { kind: 'ok', body: bytes, storedVersion: parseHex(version, 'version', 16) }
      : { kind: 'garbage' }
  }
  if (status === 401) return { kind: 'unauthorized' }
  const retryAfterSeconds = readRetryAfter(headers, LONGEST_WAIT_SECONDS)
  const code = errorCodeOf(answer)
  if (status === 429 || code === 'ERR_OVERLOADED') return { kind: 'rate-limited', retryAfterSeconds }
  if (code === 'ERR_COOLING_PERIOD') return { kind: 'cooling', retryAfterSeconds }
  if (code === 'ERR_PROOF_REJECTED') return { kind: 'proof-rejected' }
  if (code === 'ERR_CLOCK_WRONG') return { kind: 'clock-wrong' }
  return { kind: 'refused', status }
}
