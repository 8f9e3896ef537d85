/**
 * What one account, or one address that signs in, may ask of this process: so many requests in a while, so many at once,
 * and one at a time of the database, so that neither memory nor the pool's connections go to one of them.
 *
 * Kept in memory, since it protects this process: refusing costs no database. What an account may store, and how many
 * codes go to a number, is bounded in the database (backups/segments.ts, access-log/record.ts, auth/rate-limits.ts).
 */
import { createTurns } from '../realm/turns.ts'
import { rateLimited } from './refusal.ts'

export interface TrafficLimits {
  /** Requests in `seconds`; the time begins with the first. */
  readonly most: number
  readonly seconds: number
  /** Requests from the arrival of their headers until their answer has left. */
  readonly atOnce: number
}

/** Of an account. */
export const ACCOUNT_LIMITS: TrafficLimits = { most: 6000, seconds: 600, atOnce: 64 }
/** Of an address that asks for codes and shows them; well above what auth/rate-limits.ts grants it. */
export const SIGN_IN_LIMITS: TrafficLimits = { most: 600, seconds: 600, atOnce: 64 }

/** Of a session that is continued: a device does it every ten minutes, its processes perhaps at once. */
export const REFRESH_LIMITS: TrafficLimits = { most: 120, seconds: 600, atOnce: 16 }

export interface Traffic {
  /** Lets a request in, or `ERR_RATE_LIMITED`; the result says that it has been answered. */
  enter(name: string, now: Date): () => void
  /** Runs `work` after earlier work under the same name; waits without a connection. */
  takeTurn<Result>(name: string, work: () => Promise<Result>): Promise<Result>
}

interface Visit {
  used: number
  inside: number
  readonly endsAt: number
}

/** Counts by name; an entry goes when its time is over and nothing of it is inside. */
export function createTraffic(limits: TrafficLimits): Traffic {
  const visits = new Map<string, Visit>()
  const takeTurn = createTurns(limits.atOnce)
  const span = limits.seconds * 1000
  let sweepAt = 0
  // An end that is further away than it can be was set before the clock was put back.
  const isAhead = (end: number, time: number): boolean => time < end && end <= time + span
  const sweep = (time: number): void => {
    if (isAhead(sweepAt, time)) return
    sweepAt = time + span
    for (const [name, { endsAt, inside }] of visits) {
      if (!isAhead(endsAt, time) && inside === 0) visits.delete(name)
    }
  }
  const find = (name: string, time: number): Visit => {
    const known = visits.get(name)
    if (known !== undefined && isAhead(known.endsAt, time)) return known
    const visit = { used: 0, inside: known?.inside ?? 0, endsAt: time + span }
    visits.set(name, visit)
    return visit
  }
  return {
    enter: (name, now) => {
      const time = now.getTime()
      sweep(time)
      const visit = find(name, time)
      if (visit.used >= limits.most) throw rateLimited((visit.endsAt - time) / 1000)
      if (visit.inside >= limits.atOnce) throw rateLimited(1)
      visit.used += 1
      visit.inside += 1
      return () => {
        const current = visits.get(name)
        if (current !== undefined) current.inside -= 1
      }
    },
    takeTurn: async (name, work) => {
      const turn = await takeTurn(name, async () => ({ result: await work() }))
      if (turn === undefined) throw rateLimited(1)
      return turn.result
    },
  }
}
