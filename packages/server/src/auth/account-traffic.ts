/**
 * What one account may ask of this process: so many requests in a while, so many at once, and one at a time of the database,
 * so that neither memory nor the pool's connections go to one account.
 *
 * Kept in memory, since it protects this process: refusing costs no database. What an account may store is bounded in
 * the database (backups/segments.ts, access-log/record.ts).
 */
import { rateLimited } from '../http/refusal.ts'
import { createTurns } from '../realm/turns.ts'
import type { Limit } from './rate-limits.ts'

export interface AccountLimits extends Limit {
  /** Requests from the arrival of their headers to their answer. */
  readonly atOnce: number
}

export const DEFAULT_ACCOUNT_LIMITS: AccountLimits = { most: 6000, seconds: 600, atOnce: 64 }

export interface AccountTraffic {
  /** Lets a request in, or `ERR_RATE_LIMITED`; the result says that it has been answered. */
  enter(accountId: string, now: Date): () => void
  /** Runs `work` after the account's earlier work. */
  takeTurn<Result>(accountId: string, work: () => Promise<Result>): Promise<Result>
}

interface Visit {
  used: number
  inside: number
  readonly endsAt: number
}

/** Counts by account; an account's entry goes when its window is over and nothing of it is inside. */
export function createAccountTraffic(limits: AccountLimits): AccountTraffic {
  const visits = new Map<string, Visit>()
  const takeTurn = createTurns(limits.atOnce)
  let sweepAt = 0
  const sweep = (time: number): void => {
    if (time < sweepAt) return
    sweepAt = time + limits.seconds * 1000
    for (const [accountId, { endsAt, inside }] of visits) {
      if (endsAt <= time && inside === 0) visits.delete(accountId)
    }
  }
  const find = (accountId: string, time: number): Visit => {
    const known = visits.get(accountId)
    if (known !== undefined && time < known.endsAt) return known
    const visit = { used: 0, inside: known?.inside ?? 0, endsAt: time + limits.seconds * 1000 }
    visits.set(accountId, visit)
    return visit
  }
  return {
    enter: (accountId, now) => {
      const time = now.getTime()
      sweep(time)
      const visit = find(accountId, time)
      if (visit.used >= limits.most) throw rateLimited((visit.endsAt - time) / 1000)
      if (visit.inside >= limits.atOnce) throw rateLimited(1)
      visit.used += 1
      visit.inside += 1
      return () => {
        const current = visits.get(accountId)
        if (current !== undefined) current.inside -= 1
      }
    },
    takeTurn: async (accountId, work) => {
      const turn = await takeTurn(accountId, async () => ({ result: await work() }))
      if (turn === undefined) throw rateLimited(1)
      return turn.result
    },
  }
}
