/**
 * When a new guess comes too soon: the waits of our own users after wrong guesses, and the cap of evaluations for a day.
 *
 * What is refused here is not counted and changes nothing. Repeats of a charged input are the same guess and do not
 * come here; nor does the last attempt, which has a window of its own.
 */
import type { RealmTerms, RegisteredRecord, Spent } from './realm-record.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** The first wrong guess after which there is a wait. */
const FIRST_WAIT = 3
/** Minutes after the third wrong guess, the fourth, …; after the ninth and later ones a day. */
const WAIT_MINUTES = [1, 5, 15, 60, 240, 720, 1440]
/** Evaluations that a record gets in a day (UTC), unless the server says otherwise. */
export const DEFAULT_EVALUATIONS_PER_DAY = 50

/** Why a guess is refused for now, and in how many milliseconds it would not be. */
export interface Delay {
  readonly reason: 'waiting' | 'day-spent'
  readonly milliseconds: number
}

/** The delay of a new guess; none when it may be made now. `isKnownDevice`: the request is signed by the authority key. */
export function findDelay(
  record: RegisteredRecord,
  input: { readonly now: number; readonly terms: RealmTerms; readonly isKnownDevice: () => boolean },
): Delay | undefined {
  const { now, terms } = input
  const { day, evaluations } = record.spent
  if (day === dayOf(now) && evaluations >= (terms.evaluationsPerDay ?? DEFAULT_EVALUATIONS_PER_DAY)) {
    return { reason: 'day-spent', milliseconds: (day + 1) * DAY_MS - now }
  }
  if (terms.waits !== true) return undefined
  const milliseconds = waitUntil(record) - now
  return milliseconds > 0 && !input.isKnownDevice() ? { reason: 'waiting', milliseconds } : undefined
}

/** One evaluation more on the day of `now`. */
export function spend({ day, evaluations }: Spent, now: number): Spent {
  const today = dayOf(now)
  return { day: today, evaluations: day === today ? evaluations + 1 : 1 }
}

/** When the next guess may come, in Unix milliseconds; in the past while there is no wait. */
function waitUntil({ guessCount, charged }: RegisteredRecord): number {
  const minutes = WAIT_MINUTES[Math.min(guessCount - FIRST_WAIT, WAIT_MINUTES.length - 1)] ?? 0
  return Math.max(0, ...charged.map(({ chargedAt }) => chargedAt)) + minutes * MINUTE_MS
}

function dayOf(now: number): number {
  return Math.floor(now / DAY_MS)
}
