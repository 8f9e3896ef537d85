/**
 * Threads for the realm's curve work, so that the event loop, which answers everybody else, never waits for it.
 *
 * The queue is bounded by places: a request takes one before its guess is counted and gives it back with its answer, so
 * that a realm with more to do than it can refuses guesses instead of counting them and not answering. A thread that dies
 * is replaced, and its work is done once more by another. An evaluation changes nothing, so doing it twice does no harm.
 *
 * What is left on the event loop is to check that an input is a point, some 2 % of an evaluation.
 */
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { RealmResponse } from 'keyhaven/recovery/realm'
import type { CurveAnswer, CurveTask } from './curve-worker.ts'

/** By the package's own name, since tests run the sources and threads always what was built. */
const WORKER_FILE = createRequire(import.meta.url).resolve('@keyhaven/server/realm/curve-worker')

const PLACES = 256
/** Tasks that a thread has at once: the second waits in the thread, so that it does not idle while an answer travels. */
const DEPTH = 2
/** How often a task is tried that its thread did not survive. */
const TRIES = 2

export interface CurvePool {
  /** Takes a place, or `undefined` when none is left; the result gives it back. */
  enter(): (() => void) | undefined
  /** Evaluates; rejects when two threads have died of it. */
  evaluate(task: CurveTask): Promise<RealmResponse>
  /** Places taken, and evaluations that wait for a thread. */
  load(): { readonly inside: number; readonly waiting: number }
  /** Ends the threads once all that was begun is done. */
  close(): Promise<void>
}

interface Job {
  readonly number: number
  readonly task: CurveTask
  readonly done: (response: RealmResponse) => void
  readonly fail: (fault: Error) => void
  tries: number
}

interface Thread {
  readonly worker: Worker
  readonly jobs: Map<number, Job>
}

/** Starts threads as work comes, one for each processor but one unless told, and at least one. */
export function createCurvePool(
  options: { readonly threads?: number; readonly places?: number; readonly workerFile?: string } = {},
): CurvePool {
  const { places = PLACES, threads: most = defaultThreads(), workerFile = WORKER_FILE } = options
  const threads = new Set<Thread>()
  const waiting: Job[] = []
  const { enter, inside } = createPlaces(places)
  let numbers = 0
  let closing: (() => void) | undefined

  const hire = (): Thread => {
    const thread = startThread(workerFile, {
      onAnswer: () => {
        next()
      },
      onEnd: (left) => {
        threads.delete(thread)
        waiting.unshift(...left)
        next()
      },
    })
    threads.add(thread)
    return thread
  }
  const next = (): void => {
    for (let job = waiting[0]; job !== undefined; job = waiting[0]) {
      const thread = leastBusy(threads, most) ?? hire()
      if (thread.jobs.size >= DEPTH) break
      waiting.shift()
      send(thread, job)
    }
    const busy = [...threads].map(keepAliveWhileBusy)
    if (waiting.length === 0 && !busy.includes(true)) closing?.()
  }
  return {
    enter,
    evaluate: (task) =>
      new Promise((done, fail) => {
        waiting.push({ number: (numbers += 1), task, done, fail, tries: 0 })
        next()
      }),
    load: () => ({ inside: inside(), waiting: waiting.length }),
    close: async () => {
      await new Promise<void>((drained) => {
        closing = drained
        next()
      })
      await Promise.all([...threads].map(({ worker }) => worker.terminate()))
    },
  }
}

function defaultThreads(): number {
  return Math.max(1, availableParallelism() - 1)
}

/** A new thread; `onEnd` gets what it had and what is to be tried again. */
function startThread(
  workerFile: string,
  tell: { readonly onAnswer: () => void; readonly onEnd: (left: readonly Job[]) => void },
): Thread {
  const thread: Thread = { worker: new Worker(workerFile, { env: {}, execArgv: [] }), jobs: new Map() }
  thread.worker.on('message', (answer: CurveAnswer) => {
    settle(thread.jobs, answer)
    tell.onAnswer()
  })
  // `exit` follows, and does what is to be done.
  thread.worker.on('error', () => undefined)
  thread.worker.on('exit', () => {
    tell.onEnd(takeBack(thread.jobs))
  })
  return thread
}

/** The thread with the fewest tasks; none while another may still be started and all have one. */
function leastBusy(threads: ReadonlySet<Thread>, most: number): Thread | undefined {
  const [best] = [...threads].sort((left, right) => left.jobs.size - right.jobs.size)
  return best !== undefined && best.jobs.size > 0 && threads.size < most ? undefined : best
}

function send({ worker, jobs }: Thread, job: Job): void {
  job.tries += 1
  jobs.set(job.number, job)
  worker.postMessage({ number: job.number, task: job.task })
}

function settle(jobs: Map<number, Job>, { number, response }: CurveAnswer): void {
  const job = jobs.get(number)
  if (job === undefined) return
  jobs.delete(number)
  if (response === undefined) job.fail(failed())
  else job.done(response)
}

/** What a dead thread had, to be tried again; what has had its tries fails. */
function takeBack(jobs: Map<number, Job>): readonly Job[] {
  const left = [...jobs.values()]
  jobs.clear()
  for (const job of left) if (job.tries >= TRIES) job.fail(failed())
  return left.filter(({ tries }) => tries < TRIES)
}

function failed(): Error {
  return new Error('A thread could not evaluate an input.')
}

/** A thread without work does not keep the process from ending. */
function keepAliveWhileBusy({ worker, jobs }: Thread): boolean {
  const busy = jobs.size > 0
  if (busy) worker.ref()
  else worker.unref()
  return busy
}

/** So many places; each that is taken is given back once. */
function createPlaces(places: number): { readonly enter: CurvePool['enter']; readonly inside: () => number } {
  let inside = 0
  const enter = (): (() => void) | undefined => {
    if (inside >= places) return undefined
    inside += 1
    let left = false
    return () => {
      if (!left) inside -= 1
      left = true
    }
  }
  return { enter, inside: () => inside }
}
