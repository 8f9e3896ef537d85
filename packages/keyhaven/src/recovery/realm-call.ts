/**
 * One request to one realm over the injected transport, with a deadline: an answer of the right shape, or a named fault.
 */
import { toHex } from '../crypto/text.ts'
import type { RealmFault, RealmFaultKind } from '../errors.ts'
import { KeyhavenError } from '../errors.ts'
import type { Realm } from './configuration.ts'
import type { Group } from './group.ts'
import type { LineAuthority, SignedHeaders } from './line-authority.ts'
import { signCall } from './line-authority.ts'
import type { RealmRequest } from './messages.ts'
import { encodeRequest } from './request-codec.ts'
import type { ResponseOf } from './response-codec.ts'
import { parseResponse } from './response-codec.ts'

/** What a transport brings back: the realm's body, or why there is none. */
export type RealmAnswer =
  | {
      readonly kind: 'ok'
      readonly body: Uint8Array
      /** What the realm said that it holds (`Keyhaven-Version`, 16 bytes), if it said so. */
      readonly storedVersion?: Uint8Array
    }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'rate-limited'; readonly retryAfterSeconds: number }
  /** The record is bound to an authority key, and a token alone has to wait for so long (`ERR_COOLING_PERIOD`). */
  | { readonly kind: 'cooling'; readonly retryAfterSeconds: number }
  /** The proof was not good: another key or another record (`ERR_PROOF_REJECTED`). */
  | { readonly kind: 'proof-rejected' }
  /** The proof is of another time by the realm's clock (`ERR_CLOCK_WRONG`). */
  | { readonly kind: 'clock-wrong' }
  | { readonly kind: 'refused'; readonly status: number }
  /** It answered with something that no realm's answer is, such as more bytes than one can have. */
  | { readonly kind: 'garbage' }
  | { readonly kind: 'unreachable' }

/**
 * Posts one body to one realm. Addresses, tokens and headers are the transport's matter; it should end when the
 * signal does. A transport that throws counts as `unreachable`.
 */
export type RealmTransport = (call: {
  readonly realm: Realm
  readonly body: Uint8Array
  readonly signal: AbortSignal
  /** Goes only to realms whose `GET` says `"keyhaven": 1`. */
  readonly signed?: SignedHeaders
}) => Promise<RealmAnswer>

/** Who is asked, how, and for how long. */
export interface RealmLine {
  readonly transport: RealmTransport
  readonly group: Group
  readonly realmDeadlineMs: number
  /** Ends every call; a call that is ended by it is a `timeout`. */
  readonly signal: AbortSignal
  /** Signs every call about a version that is known; see `line-authority.ts`. */
  readonly authority?: LineAuthority
}

/** Sends `request`; a fault is a value. */
export async function callRealm<K extends RealmRequest['kind']>(
  line: RealmLine,
  realm: Realm,
  request: RealmRequest & { readonly kind: K },
): Promise<ResponseOf<K> | RealmFault> {
  const body = encodeRequest(request)
  const answer = await answerInTime(line, realm, body)
  switch (answer.kind) {
    case 'ok':
      if (answer.storedVersion !== undefined) {
        line.authority?.storedVersions.set(toHex(realm.id), answer.storedVersion)
      }
      return parseAnswer<K>(line.group, realm, request.kind, answer.body)
    case 'rate-limited':
    case 'cooling':
      return {
        ...faultOf(realm, answer.kind),
        retryAfterSeconds: Math.max(0, Math.ceil(answer.retryAfterSeconds)),
      }
    default:
      return faultOf(realm, answer.kind)
  }
}

/** The fault of a realm. */
export function faultOf(realm: Realm, fault: RealmFaultKind): RealmFault {
  return { realmId: toHex(realm.id), fault }
}

/** True for a fault, false for a response. */
export function isFault(result: object): result is RealmFault {
  return 'fault' in result
}

function parseAnswer<K extends RealmRequest['kind']>(
  group: Group,
  realm: Realm,
  kind: K,
  body: Uint8Array,
): ResponseOf<K> | RealmFault {
  try {
    return parseResponse({ kind, body, group })
  } catch (error) {
    if (error instanceof KeyhavenError) return faultOf(realm, 'garbage')
    throw error
  }
}

type TimedAnswer = RealmAnswer | { readonly kind: 'timeout' }

/** The transport's answer, or `timeout`, whatever the transport does with its signal. */
function answerInTime(line: RealmLine, realm: Realm, body: Uint8Array): Promise<TimedAnswer> {
  const ended = new AbortController()
  return new Promise((resolve) => {
    const finish = (answer: TimedAnswer): void => {
      clearTimeout(timer)
      line.signal.removeEventListener('abort', stop)
      resolve(answer)
      ended.abort()
    }
    const stop = (): void => {
      finish({ kind: 'timeout' })
    }
    const timer = setTimeout(stop, line.realmDeadlineMs)
    line.signal.addEventListener('abort', stop)
    if (line.signal.aborted) {
      stop()
      return
    }
    const signed = line.authority === undefined ? {} : { signed: signCall(line.authority, realm, body) }
    ask(line.transport, { realm, body, signal: ended.signal, ...signed }).then(finish, () => {
      finish({ kind: 'unreachable' })
    })
  })
}

/** Turns a transport that throws at once into one that rejects. */
async function ask(transport: RealmTransport, call: Parameters<RealmTransport>[0]): Promise<RealmAnswer> {
  return transport(call)
}
