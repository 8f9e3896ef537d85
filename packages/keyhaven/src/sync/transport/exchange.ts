/**
 * One HTTP exchange: a deadline, a limit on the answer's size, no redirects, no plain http beyond this machine. Faults
 * are told apart by code; what the server's body says is never passed on, except its error code.
 */
import { concat } from '../../crypto/bytes.ts'
import { KeyhavenError } from '../../errors.ts'
import { answerMalformed, readFields } from '../format/fields.ts'
import type { Fields } from '../format/fields.ts'

export const DEFAULT_DEADLINE_MS = 30_000
export const MOST_JSON_BYTES = 1_048_576

export type Fetch = typeof globalThis.fetch

export interface ExchangeInput {
  readonly fetch: Fetch
  readonly url: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  readonly signal?: AbortSignal | undefined
  readonly deadlineMs?: number
  /** More than this many bytes of answer are refused. */
  readonly mostBytes?: number
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
}

/**
 * The origin of an address, such as `https://keys.example.org`. `ERR_INSECURE_TRANSPORT` unless it is https, or http to
 * this machine itself.
 */
export function requireSecureOrigin(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (url === undefined || !secure || url.username !== '' || url.password !== '') {
    throw new KeyhavenError('ERR_INSECURE_TRANSPORT', undefined)
  }
  return url.origin
}

function isLoopback(hostname: string): boolean {
  const named = hostname === 'localhost' || hostname.endsWith('.localhost')
  return named || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

/**
 * Sends a request and reads the whole answer, whatever its status. `ERR_SERVER_UNAVAILABLE` says whether the network,
 * the deadline or the body was the fault; `ERR_ABORTED` that the caller's signal ended it.
 */
export async function exchange(input: ExchangeInput): Promise<Answer> {
  requireSecureOrigin(input.url)
  const { signal } = input
  const stop = new AbortController()
  const end = (): void => {
    stop.abort()
  }
  const timer = setTimeout(end, input.deadlineMs ?? DEFAULT_DEADLINE_MS)
  signal?.addEventListener('abort', end)
  if (signal?.aborted === true) end()
  try {
    // Called bare: a browser's own `fetch` refuses to be called as another object's method.
    const { fetch } = input
    const response = await fetch(input.url, {
      method: input.method,
      headers: { ...input.headers },
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal: stop.signal,
      ...(input.body !== undefined && { body: bodyOf(input.body) }),
    })
    const bytes = await readLimited(response, input.mostBytes ?? MOST_JSON_BYTES, stop.signal)
    return { status: response.status, headers: response.headers, bytes }
  } catch (fault) {
    if (fault instanceof KeyhavenError) throw fault
    if (signal?.aborted === true) throw new KeyhavenError('ERR_ABORTED', undefined)
    const kind = stop.signal.aborted ? 'timeout' : 'network'
    throw new KeyhavenError('ERR_SERVER_UNAVAILABLE', { fault: kind, retryable: true })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
  }
}

function bodyOf(body: Uint8Array | string): Uint8Array<ArrayBuffer> | string {
  return typeof body === 'string' ? body : new Uint8Array(body)
}

/** Ends with `stop` by itself: Node's fetch may forget its signal, once it has answered, at a garbage collection. */
async function readLimited(response: Response, most: number, stop: AbortSignal): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array()
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader()
  const cancel = (): void => {
    reader.cancel().catch(() => undefined)
  }
  stop.addEventListener('abort', cancel)
  if (stop.aborted) cancel()
  try {
    return await readAll(reader, most)
  } finally {
    stop.removeEventListener('abort', cancel)
    stop.throwIfAborted()
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length
    chunks.push(next.value)
    if (length > most) {
      await reader.cancel()
      throw answerMalformed()
    }
  }
  return concat(...chunks)
}

/** Typed access to an answer that is a JSON object; anything else is `ERR_SERVER_UNAVAILABLE` with fault `body`. */
export function readJson(answer: Answer): Fields {
  return readFields(parseJson(answer.bytes), answerMalformed)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return asMaps(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch {
    throw answerMalformed()
  }
}

/** JSON's objects as maps, so that no name in them can reach a prototype. */
function asMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asMaps)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value as Record<string, unknown>)
  return new Map(fields.map(([name, item]) => [name, asMaps(item)]))
}

/** The error that an answer with a status outside 200 to 299 stands for. */
export function refusalOf(answer: Answer): KeyhavenError {
  const rule = errorCodeOf(answer)
  if (answer.status === 429) {
    return new KeyhavenError('ERR_RATE_LIMITED', { retryAfterSeconds: readRetryAfter(answer.headers) })
  }
  if (rule === undefined || (answer.status >= 500 && answer.status !== 507)) {
    return new KeyhavenError('ERR_SERVER_UNAVAILABLE', { fault: 'status', retryable: answer.status >= 500 })
  }
  if (rule === 'ERR_CODE_REJECTED') return new KeyhavenError(rule, { triesRemaining: undefined })
  if (rule === 'ERR_DEVICE_REMOVED') return new KeyhavenError(rule, undefined)
  if (answer.status === 401) return new KeyhavenError('ERR_SIGNED_OUT', undefined)
  if (rule === 'ERR_PHONE_TAKEN') return new KeyhavenError(rule, undefined)
  if (rule === 'ERR_POINTER_CONFLICT' || rule === 'ERR_PHONE_INVALID')
    return new KeyhavenError(rule, undefined)
  return new KeyhavenError('ERR_SERVER_REFUSED', { rule, status: answer.status })
}

/** Seconds of a `Retry-After` header, 1 to `most` (a day unless told); 60 when there is none that can be read. */
export function readRetryAfter(headers: Headers, most = 86_400): number {
  const text = headers.get('retry-after') ?? ''
  return /^\d{1,9}$/.test(text) ? Math.min(Math.max(Number(text), 1), most) : 60
}

/** The error code in a refusal's body, if it has one. */
export function errorCodeOf(answer: Answer): string | undefined {
  try {
    const code = readFields(readJson(answer).map('error'), answerMalformed).text('code')
    return /^ERR_[A-Z0-9_]{1,60}$/.test(code) ? code : undefined
  } catch {
    return undefined
  }
}
