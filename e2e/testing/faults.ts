/**
 * What can go wrong in the middle of one operation: at a given request, or for a kill also at a given write to the
 * vault, counted from 1.
 */
import type { Fetch } from 'keyhaven/sync'
import { addressOf } from './liars.ts'
import type { Vault } from 'keyhaven/vault'

export interface Fault {
  readonly kind:
    /** The program ends after this request or write: nothing it does has any effect any more. */
    | 'killed'
    /** The caller ends the operation while this request is under way. */
    | 'aborted'
    /** The request is carried out; its answer never arrives. */
    | 'answer-lost'
    /** The request never arrives. */
    | 'request-lost'
    /** Neither this request nor any after it arrives. */
    | 'offline'
    /** The request is carried out twice. */
    | 'repeated'
    /** The request seems lost, and arrives later than others that were sent after it. */
    | 'late'
  readonly at: number
}

/** Carries out a request that was late; resolves when it has been answered. */
export type LateRequest = () => Promise<void>

export interface FaultyDevice {
  readonly fetch: Fetch
  readonly vault: Vault
  readonly signal: AbortSignal
  /** True once the fault has happened. */
  readonly struck: () => boolean
  /** What was asked for, in order; with a mark where the fault struck. */
  readonly asked: readonly string[]
  /** Resolves when no request is under way any more. */
  readonly idle: () => Promise<void>
}

/** A device over `vault` and `network`, with a fault or none. Late requests are put into `late`. */
export function faultyDevice(input: {
  readonly vault: Vault
  readonly network: Fetch
  readonly fault: Fault | undefined
  readonly late: LateRequest[]
}): FaultyDevice {
  const { vault, network, fault } = input
  const abort = new AbortController()
  const underWay = new Set<Promise<unknown>>()
  const asked: string[] = []
  let taken = 0
  const send: Fetch = (address, init) => {
    const sent = network(address, { ...init, signal: null })
    underWay.add(sent)
    return sent.finally(() => underWay.delete(sent))
  }
  const dead = (): boolean => fault?.kind === 'killed' && taken >= fault.at
  const request: Fetch = async (address, init) => {
    if (dead()) throw new TypeError('killed')
    if (isRefresh(address)) return beforeAbort(send(address, init), init?.signal)
    taken += 1
    const at = taken
    const strikes = fault !== undefined && (fault.kind === 'offline' ? at >= fault.at : at === fault.at)
    asked.push(`${strikes ? '!' : ''}${init?.method ?? 'GET'} ${new URL(addressOf(address)).pathname}`)
    if (!strikes) return beforeAbort(send(address, init), init?.signal)
    return strike[fault.kind](() => send(address, init))
  }
  const lost = (): never => {
    throw new TypeError('lost')
  }
  const strike: Readonly<Record<Fault['kind'], (run: () => Promise<Response>) => Promise<Response>>> = {
    killed: async (run) => {
      await run()
      throw new TypeError('killed')
    },
    aborted: (run) => {
      abort.abort()
      return run()
    },
    'answer-lost': async (run) => {
      await run()
      return lost()
    },
    'request-lost': lost,
    offline: lost,
    repeated: async (run) => {
      await run()
      return run()
    },
    late: (run) => {
      // What it is for may be gone by then.
      input.late.push(async () => {
        await run().catch(() => undefined)
      })
      return lost()
    },
  }
  const write = async <T>(run: () => Promise<T>): Promise<T> => {
    if (fault?.kind !== 'killed') return run()
    if (dead()) throw new TypeError('killed')
    const result = await run()
    taken += 1
    if (dead()) throw new TypeError('killed')
    return result
  }
  return {
    fetch: request,
    vault: {
      ...vault,
      put: (record, value) => write(() => vault.put(record, value)),
      write: (changes) => write(() => vault.write(changes)),
      delete: (record) => write(() => vault.delete(record)),
    },
    signal: abort.signal,
    struck: () => fault !== undefined && taken >= fault.at,
    asked,
    idle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
  }
}

/**
 * Faults pass a refresh by: one whose answer was lost and that is repeated after 30 s ends the session, as a stolen token's
 * does (docs/protocol.md), and a life goes on only for who signs in again.
 */
function isRefresh(address: Parameters<Fetch>[0]): boolean {
  return new URL(addressOf(address)).pathname === '/v1/auth/refresh'
}

/** The answer, unless its caller stops waiting before; the request itself goes on, as one on a wire does. */
function beforeAbort(answer: Promise<Response>, signal: AbortSignal | null | undefined): Promise<Response> {
  if (signal === undefined || signal === null) return answer
  return Promise.race([
    answer,
    new Promise<never>((_, reject) => {
      const stop = (): void => {
        reject(new TypeError('stopped'))
      }
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
    }),
  ])
}
