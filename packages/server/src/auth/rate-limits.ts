/**
 * Counters per phone number and per address, kept in the database so that all processes share them.
 *
 * A window begins with its first request, unless it is the calendar's. Names are hashed under a key outside the database. One statement counts,
 * so parallel requests cannot pass together; addresses are always counted before numbers, so none waits in a circle.
 */
import { createHmac } from 'node:crypto'
import { concat, lp } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'

/** At most `most` requests in `seconds`. */
export interface Limit {
  readonly most: number
  readonly seconds: number
  /** The window is the calendar's, so that its end does not tell when it began. */
  readonly aligned?: true
}

export interface SignInLimits {
  readonly codesPerAddress: Limit
  readonly codesPerAddressAndDay: Limit
  /** So few that one stranger's address does not use up the codes of a day that are anybody's. */
  readonly codesPerAddressPhoneAndDay: Limit
  readonly codesPerPhone: Limit
  /** A number's codes of a day that only the networks of one lane get, see lanes.ts. */
  readonly codesPerPhoneLaneAndDay: Limit
  /** Those that anybody gets whose lane has none left. */
  readonly codesPerPhoneAndDay: Limit
  /** Codes that are kept for the devices of a number's account: strangers use up none of them. */
  readonly codesPerPhoneAndDayOfDevices: Limit
  /** A number has no limit of its own: five tries a code bound it, and strangers must not use it up. */
  readonly triesPerAddress: Limit
  /** Counts every new account of a number, and refuses further levels: each may fill a quota. */
  readonly accountsPerPhone: Limit
}

export const DEFAULT_LIMITS: SignInLimits = {
  codesPerAddress: { most: 20, seconds: 600 },
  codesPerAddressAndDay: { most: 200, seconds: 86_400 },
  codesPerAddressPhoneAndDay: { most: 4, seconds: 86_400 },
  codesPerPhone: { most: 3, seconds: 600 },
  codesPerPhoneLaneAndDay: { most: 1, seconds: 86_400, aligned: true },
  codesPerPhoneAndDay: { most: 4, seconds: 86_400 },
  codesPerPhoneAndDayOfDevices: { most: 5, seconds: 86_400 },
  triesPerAddress: { most: 100, seconds: 600 },
  accountsPerPhone: { most: 4, seconds: 30 * 86_400, aligned: true },
}

/** One counter to count at: which limit, and whom it is about. */
export interface Count {
  readonly name: keyof SignInLimits
  readonly whom: Uint8Array | string
  /** Where it counts instead once this one is used up. */
  readonly otherwise?: Count
}

/** Over the limit: wait so long. `first` marks the first refusal of a window, the one that is written down. */
export interface Exceeded {
  readonly retryAfterSeconds: number
  readonly first: boolean
}

/** Counts at each in turn, and stops at the first that is over its limit; what is refused there counts at no other. */
export async function countRequests(
  transaction: Transaction,
  counts: readonly Count[],
  context: { readonly limits: SignInLimits; readonly rateLimitKey: Uint8Array; readonly now: Date },
): Promise<Exceeded | undefined> {
  const counted: Uint8Array[] = []
  for (const count of counts) {
    const { bucket, limit, used, endsAt } = await countOrElse(transaction, count, context)
    if (used > limit.most) {
      await transaction.query('UPDATE auth.rate_limits SET used = used - 1 WHERE bucket = ANY ($1)', [
        counted,
      ])
      const retryAfterSeconds = (endsAt.getTime() - context.now.getTime()) / 1000
      return { retryAfterSeconds, first: used === limit.most + 1 }
    }
    counted.push(bucket)
  }
  return undefined
}

interface Counted {
  readonly bucket: Uint8Array
  readonly limit: Limit
  readonly used: number
  readonly endsAt: Date
}

async function countOrElse(
  transaction: Transaction,
  { name, whom, otherwise }: Count,
  context: Parameters<typeof countRequests>[2],
): Promise<Counted> {
  const { limits, rateLimitKey, now } = context
  const limit = limits[name]
  const bucket = createHmac('sha256', rateLimitKey)
    .update(concat(lp(name), lp(whom)))
    .digest()
  const counted = await countOne(transaction, bucket, limit, now)
  if (counted.used > limit.most && otherwise !== undefined) {
    return countOrElse(transaction, otherwise, context)
  }
  return { bucket, limit, ...counted }
}

/** Removes a few counters and codes that are past; waits for no row, but holds those that it takes: call it last. */
export async function sweepExpired(transaction: Transaction): Promise<void> {
  await transaction.query(
    `DELETE FROM auth.rate_limits WHERE bucket IN
       (SELECT bucket FROM auth.rate_limits WHERE ends_at < now() LIMIT 10 FOR UPDATE SKIP LOCKED)`,
  )
  await transaction.query(
    `DELETE FROM auth.sign_in_codes WHERE phone_hash IN
       (SELECT phone_hash FROM auth.sign_in_codes WHERE expires_at < now() LIMIT 10 FOR UPDATE SKIP LOCKED)`,
  )
}

async function countOne(
  transaction: Transaction,
  bucket: Uint8Array,
  limit: Limit,
  now: Date,
): Promise<{ readonly used: number; readonly endsAt: Date }> {
  const { rows } = await transaction.query<{ used: number; ends_at: Date }>(
    `INSERT INTO auth.rate_limits AS known (bucket, used, ends_at) VALUES ($1, 1, $3)
     ON CONFLICT (bucket) DO UPDATE SET
       used = CASE WHEN known.ends_at <= $2 THEN 1 ELSE known.used + 1 END,
       ends_at = CASE WHEN known.ends_at <= $2 THEN excluded.ends_at ELSE known.ends_at END
     RETURNING used, ends_at`,
    [bucket, now, endOf(limit, now)],
  )
  const [row] = rows
  if (row === undefined) throw new Error('A counter was not stored.')
  return { used: row.used, endsAt: row.ends_at }
}

function endOf({ seconds, aligned }: Limit, now: Date): Date {
  const length = seconds * 1000
  const begin = aligned === true ? Math.floor(now.getTime() / length) * length : now.getTime()
  return new Date(begin + length)
}
