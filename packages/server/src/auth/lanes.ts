/**
 * Lanes: six shares of a number's sign-in codes of a day. Each network (an IPv4 /24, an IPv6 /48) is in one lane of each number, by
 * a keyed hash that is another one every day. Whoever floods a number from one network uses up one lane, and does not know
 * whether its owner's network is in it; who wants all six needs about fifteen networks.
 */
import { createHmac } from 'node:crypto'
import { concat, lp } from 'keyhaven/crypto'
import { networkOf } from '../http/origin.ts'

const LANES = 6
const DAY_MS = 86_400_000

/** What a lane's codes are counted by: the number's hash (32 bytes) and one byte. */
export function laneOf(input: {
  /** The number, hashed. */
  readonly number: Uint8Array
  readonly address: string | null
  readonly now: Date
  readonly rateLimitKey: Uint8Array
}): Uint8Array {
  const { number, address, now, rateLimitKey } = input
  const day = String(Math.floor(now.getTime() / DAY_MS))
  const hash = createHmac('sha256', rateLimitKey)
    .update(concat(lp('lane'), lp(number), lp(networkOf(address)), lp(day)))
    .digest()
  return concat(number, Uint8Array.of(hash.readUInt32BE(0) % LANES))
}
