/**
 * The thread that does the realm's curve work: one evaluation with its proof for each message. It reads no file, opens no
 * connection and keeps nothing; `curve-pool.ts` starts it.
 */
import { parentPort } from 'node:worker_threads'
import type { Decision, RealmResponse, Registration } from 'keyhaven/recovery/realm'
import { complete } from 'keyhaven/recovery/realm'
import { loadGroupLibsodium } from './group-libsodium.ts'

/** What the pool sends. */
export interface CurveTask {
  readonly decision: Extract<Decision, { readonly kind: 'evaluate' }>
  readonly registration: Registration
}

/** What comes back for the task of that number; without `response` it could not be done. */
export interface CurveAnswer {
  readonly number: number
  readonly response: RealmResponse | undefined
}

const group = await loadGroupLibsodium()

parentPort?.on('message', ({ number, task }: { readonly number: number; readonly task: CurveTask }) => {
  const answer: CurveAnswer = { number, response: work(task) }
  parentPort?.postMessage(answer)
})

/** A fault stays here without its words, which may name what it worked on; the request becomes a 500. */
function work({ decision, registration }: CurveTask): RealmResponse | undefined {
  try {
    return complete({ decision, registration, group })
  } catch {
    return undefined
  }
}
