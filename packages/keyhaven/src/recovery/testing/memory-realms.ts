/**
 * Realms in memory over the real state machine and the real messages, for tests of the client's half. Each realm's
 * answers can be bent, so that it lies, fails or hangs.
 */
import { equal } from '../../crypto/bytes.ts'
import { toHex } from '../../crypto/text.ts'
import type { Configuration } from '../configuration.ts'
import { parseConfiguration } from '../configuration.ts'
import type { RealmRequest, RealmResponse, Registration } from '../messages.ts'
import type { RealmAnswer, RealmTransport } from '../realm-call.ts'
import { complete } from '../realm-complete.ts'
import { decide } from '../realm-decide.ts'
import type { RealmRecord } from '../realm-record.ts'
import { parseRequest } from '../request-codec.ts'
import { encodeResponse } from '../response-codec.ts'

/** What a bent realm does with one request instead of answering honestly; `undefined` leaves the honest answer. */
export type Bend = (call: {
  readonly request: RealmRequest
  readonly response: RealmResponse
}) => RealmResponse | RealmAnswer | Promise<RealmAnswer> | undefined

export interface MemoryRealm {
  record: RealmRecord
  registration: Registration | undefined
  bend: Bend | undefined
  /** Kinds of the requests that it was sent, in order. */
  readonly requests: RealmRequest['kind'][]
}

export interface MemoryRealms {
  readonly configuration: Configuration
  readonly transport: RealmTransport
  readonly realms: readonly MemoryRealm[]
  /** Realm ids as hex, in the realms' order. */
  readonly ids: readonly string[]
  now: number
}

/** `count` realms and a transport that reaches them. */
export function createMemoryRealms(input: {
  readonly count: number
  readonly recoverThreshold: number
  readonly registerThreshold?: number
}): MemoryRealms {
  const { count, recoverThreshold, registerThreshold = count } = input
  const ids = Array.from({ length: count }, (_, place) => toHex(new Uint8Array(16).fill(place + 1)))
  const configuration = parseConfiguration(
    {
      realms: ids.map((id) => ({ id, address: `http://127.0.0.1:1/${id}/` })),
      register_threshold: registerThreshold,
      recover_threshold: recoverThreshold,
      pin_hashing_mode: 'FastInsecure',
    },
    { insecureForTests: true },
  )
  const realms = ids.map((): MemoryRealm => ({
    record: { state: 'not-registered' },
    registration: undefined,
    bend: undefined,
    requests: [],
  }))
  const all: MemoryRealms = {
    configuration,
    realms,
    ids,
    now: 1_000_000,
    transport: async ({ realm, body }) => {
      const place = configuration.realms.findIndex(({ id }) => equal(id, realm.id))
      const addressed = realms[place]
      if (addressed === undefined) return { kind: 'unreachable' }
      return answer(addressed, body, all.now)
    },
  }
  return all
}

async function answer(realm: MemoryRealm, body: Uint8Array, now: number): Promise<RealmAnswer> {
  const request = parseRequest(body)
  realm.requests.push(request.kind)
  const response = apply(realm, request, now)
  const bent = await realm.bend?.({ request, response })
  if (bent !== undefined && 'status' in bent && bent.kind !== 'refused') {
    return { kind: 'ok', body: encodeResponse(bent) }
  }
  return bent ?? { kind: 'ok', body: encodeResponse(response) }
}

function apply(realm: MemoryRealm, request: RealmRequest, now: number): RealmResponse {
  const { record, decision } = decide({ record: realm.record, request, now })
  realm.record = record
  if (decision.kind === 'store') realm.registration = decision.registration
  if (record.state !== 'registered') realm.registration = undefined
  return complete({ decision, registration: realm.registration })
}
