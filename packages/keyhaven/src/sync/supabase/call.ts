/**
 * One call of a function in the Supabase project's database, with supabase-js as the app made it: its session, its
 * renewals, its headers. What it answers is JSON; what it refuses comes as the same coded errors as over HTTP.
 */
import { KeyhavenError } from '../../errors.ts'
import { utf8 } from '../../crypto/index.ts'
import { refusalOf } from '../transport/exchange.ts'

const DEADLINE_MS = 120_000

/** What is used of a client of supabase-js; its own types are not needed to install this library. */
export interface SupabaseClientParts {
  readonly auth: {
    getSession(): Promise<{
      readonly data: {
        readonly session: { readonly user: { readonly id: string; readonly phone?: string } } | null
      }
    }>
  }
  readonly functions: {
    invoke(
      name: string,
      options: { readonly body: Record<string, unknown>; readonly signal?: AbortSignal },
    ): Promise<{ readonly data: unknown; readonly error: unknown }>
  }
  rpc(
    name: string,
    parameters: Record<string, unknown>,
  ): { abortSignal(signal: AbortSignal): PromiseLike<RpcAnswer> }
}

/** What a function of the database answered, or why not; status 0 when nobody did. */
export interface RpcAnswer {
  readonly data: unknown
  readonly error: { readonly message: string } | null
  readonly status: number
}

export type Call = (
  name: string,
  parameters: Readonly<Record<string, unknown>>,
  signal: AbortSignal | undefined,
) => Promise<unknown>

/** Calls with this device's id (32 hex digits) as first parameter. */
export function createCall(client: SupabaseClientParts, deviceId: string): Call {
  return async (name, parameters, signal) => {
    throwIfAborted(signal)
    const deadline = AbortSignal.timeout(DEADLINE_MS)
    const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
    const answer = await client
      .rpc(`keyhaven_${name}`, { p_device: deviceId, ...parameters })
      .abortSignal(stop)
    if (answer.error === null) return answer.data
    throwIfAborted(signal)
    throw faultOf({ status: answer.status, code: answer.error.message, timedOut: deadline.aborted })
  }
}

/** `ERR_ABORTED` when the caller wants no more. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new KeyhavenError('ERR_ABORTED', undefined)
}

/** The error that a refusal stands for; no status means that nobody answered. */
export function faultOf(refused: {
  readonly status: number
  readonly code: string
  readonly timedOut?: boolean
}): KeyhavenError {
  const { status, code } = refused
  if (status === 0) {
    const fault = refused.timedOut === true ? 'timeout' : 'network'
    return new KeyhavenError('ERR_SERVER_UNAVAILABLE', { fault, retryable: true })
  }
  const bytes = utf8(JSON.stringify({ error: { code, message: '' } }))
  return refusalOf({ status, headers: new Headers(), bytes })
}
