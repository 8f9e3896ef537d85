/**
 * Requests and answers over a message port, both ways: the same on the page and in the worker.
 */
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { CHANNEL } from './messages.ts'
import type { Message, MessageEnd, RemoteError } from './messages.ts'

export interface Channel {
  /** Asks the other side. Its coded errors come back as such. */
  request(body: unknown): Promise<unknown>
  /** Tells the other side something that needs no answer. */
  tell(message: Message): void
  /** Ends every request that is under way with `ERR_WORKER_FAILED`, and every later one. */
  fail(): void
}

/** The bytes that should be handed over rather than copied. */
export interface Handover {
  readonly value: unknown
  readonly transfer: readonly ArrayBuffer[]
}

/** Listens on `end`; `serve` answers what the other side asks, `hear` takes what it tells. */
export function openChannel(input: {
  readonly end: MessageEnd
  readonly serve: (body: unknown) => Promise<Handover>
  readonly hear: (message: Message) => void
}): Channel {
  const { end } = input
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let next = 0
  let failed = false
  end.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (!isMessage(data)) return
    if (data.kind === 'request') void answer(end, data.id, input.serve(data.body))
    else if (data.kind === 'state') input.hear(data)
    else {
      const waiter = waiting.get(data.id)
      waiting.delete(data.id)
      if (data.kind === 'answer') waiter?.resolve(data.value)
      else waiter?.reject(reviveError(data.error))
    }
  })
  return {
    request: (body) =>
      new Promise((resolve, reject) => {
        if (failed) throw workerFailed()
        next += 1
        post(end, { keyhaven: CHANNEL, kind: 'request', id: next, body })
        waiting.set(next, { resolve, reject })
      }),
    tell: (message) => {
      end.postMessage(message)
    },
    fail: () => {
      failed = true
      for (const { reject } of waiting.values()) reject(workerFailed())
      waiting.clear()
    },
  }
}

/** A worker may have other uses, and say other things on the same port: they are not ours to answer. */
function isMessage(data: unknown): data is Message {
  if (typeof data !== 'object' || data === null || !('keyhaven' in data) || !('kind' in data)) return false
  return data.keyhaven === CHANNEL && typeof data.kind === 'string'
}

/** What cannot be cloned, such as an option that is a function, is the caller's mistake. */
function post(end: MessageEnd, message: unknown): void {
  try {
    end.postMessage(message)
  } catch {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'options', expected: 'what a worker can take' })
  }
}

async function answer(end: MessageEnd, id: number, work: Promise<Handover>): Promise<void> {
  try {
    const { value, transfer } = await work
    end.postMessage({ keyhaven: CHANNEL, kind: 'answer', id, value }, [...transfer])
  } catch (error) {
    end.postMessage({ keyhaven: CHANNEL, kind: 'failure', id, error: describeError(error) })
  }
}

function describeError(error: unknown): RemoteError {
  if (isKeyhavenError(error)) return { code: error.code, details: error.details }
  return { code: 'ERR_WORKER_FAILED', details: undefined }
}

/** The other side runs the same code, so its details fit its code. */
function reviveError({ code, details }: RemoteError): KeyhavenError {
  return new KeyhavenError(code, details as never)
}

function workerFailed(): KeyhavenError {
  return new KeyhavenError('ERR_WORKER_FAILED', undefined)
}
