/**
 * The journal of a running server: a beat each second, and the refusal of every request about a record once the database is an
 * older copy of itself, or once the journal has been out of reach for too long to tell.
 *
 * What it cannot notice: guesses that were counted after the last beat before a copy was brought back, which is a second's worth
 * while the journal can be reached.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyhavenError } from 'keyhaven'
import { Refusal } from '../../http/refusal.ts'
import type { Log } from '../../log/log.ts'
import { describeFault } from '../../log/log.ts'
import type { JournalInput } from './beat.ts'
import { beat, readHeldMark } from './beat.ts'
import type { RealmDatabase } from '../epochs.ts'
import type { Verdict } from './mark.ts'

/** Between two beats, in ms. */
const BEAT_MS = 1000
/** For how long after its last beat a server still answers, in ms. */
const LEASE_MS = 10_000

export interface RealmJournal {
  /**
   * Refuses with `ERR_DATABASE_RESTORED` or `ERR_JOURNAL_UNAVAILABLE` while nothing may be counted. `position`: the database's
   * mark as the asking transaction sees it, which tells at once what the next beat would.
   */
  require(position?: number): void
  /** Beats once more, then no more. */
  close(): Promise<void>
}

export interface RunningInput extends JournalInput {
  readonly log: Log
  /** Only tests have less patience than {@link LEASE_MS}. */
  readonly leaseMs?: number
}

/** Where the operator keeps no journal, nothing is refused, and nothing notices an older copy. */
export const NO_JOURNAL: RealmJournal = { require: () => undefined, close: () => Promise.resolve() }

/** Refuses to go on without a journal over a database that was written beside one: `ERR_START_REFUSED`. */
export async function requireNoJournal(database: RealmDatabase): Promise<void> {
  if ((await readHeldMark(database)) === undefined) return
  refuse(
    'The realm has kept a journal, and KEYHAVEN_REALM_JOURNAL does not say where it is. Name it, or say "off" to go on without one.',
  )
}

/** The first beat, and from then on one each second. `ERR_START_REFUSED` says what is in the way. */
export async function startJournal(input: RunningInput): Promise<RealmJournal> {
  const first = await beat(input).catch((fault: unknown) => {
    if (fault instanceof KeyhavenError) throw fault
    input.log.error({ event: 'realm_journal_unavailable', fault: describeFault(fault) })
    return refuse('The realm’s journal (KEYHAVEN_REALM_JOURNAL) cannot be read or written.')
  })
  if (first.verdict !== 'newest') refuse(PROBLEMS[first.verdict])
  return keepBeating(input, first.position)
}

function keepBeating(input: RunningInput, position: number): RealmJournal {
  const state = { verdict: 'newest' as Verdict, known: position, beatAt: performance.now(), failing: false }
  const { leaseMs = LEASE_MS } = input
  const stop = new AbortController()
  const round = async (): Promise<void> => {
    const beganAt = performance.now()
    const found = await beat(input)
    if (found.verdict !== state.verdict) announce(input.log, found.verdict)
    state.verdict = found.verdict
    state.known = found.position
    state.beatAt = beganAt
    state.failing = false
  }
  const tryRound = async (): Promise<void> => {
    try {
      await round()
    } catch (fault) {
      if (!state.failing) input.log.error({ event: 'realm_journal_unavailable', fault: describeFault(fault) })
      state.failing = true
    }
  }
  const running = (async () => {
    while (await pause(stop.signal)) await tryRound()
  })()
  return {
    require: (seen) => {
      if (state.verdict === 'restored' || (seen !== undefined && seen < state.known)) {
        throw new Refusal('ERR_DATABASE_RESTORED')
      }
      if (state.verdict === 'lost' || performance.now() - state.beatAt > leaseMs) {
        throw new Refusal('ERR_JOURNAL_UNAVAILABLE')
      }
    },
    close: async () => {
      stop.abort()
      await running
      await tryRound()
      await input.store.close()
    },
  }
}

/** False when it is time to end. */
async function pause(signal: AbortSignal): Promise<boolean> {
  await sleep(BEAT_MS, undefined, { signal, ref: false }).catch(() => undefined)
  return !signal.aborted
}

function announce(log: Log, verdict: Verdict): void {
  if (verdict === 'newest') log.info({ event: 'realm_journal_current' })
  else if (verdict === 'restored') log.error({ event: 'realm_database_restored' })
  else log.error({ event: 'realm_journal_lost' })
}

const PROBLEMS: Readonly<Record<Exclude<Verdict, 'newest'>, string>> = {
  restored:
    'The realm’s database is an older copy of itself: its journal knows of later guesses, which would be given back. Bring the newest copy back, or decide with "keyhaven realm accept-restore".',
  lost: 'The realm’s journal is empty, although the database was written beside one. Bring the journal back, or decide with "keyhaven realm accept-restore".',
}

function refuse(problem: string): never {
  throw new KeyhavenError('ERR_START_REFUSED', { problem })
}
