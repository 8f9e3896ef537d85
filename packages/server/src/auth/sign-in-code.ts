/**
 * Sign-in codes: six digits, alive for five minutes and five tries, stored only as a keyed hash.
 *
 * Six digits are no secret against who holds their hash, so the hash's key lies outside the database.
 */
import { createHmac, randomInt, timingSafeEqual } from 'node:crypto'
import { concat, lp } from 'keyhaven/crypto'

export const CODE_TRIES = 5
export const CODE_LIFETIME_SECONDS = 300

/** Six uniformly random decimal digits. */
export function generateCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0')
}

/** 32 bytes that check the code of one request (16 bytes) of one phone number. */
export function hashCode(input: {
  readonly code: string
  readonly requestId: Uint8Array
  readonly phoneHash: Uint8Array
  readonly signInCodeKey: Uint8Array
}): Uint8Array {
  const message = concat(lp(input.phoneHash), lp(input.requestId), lp(input.code))
  return createHmac('sha256', input.signInCodeKey).update(message).digest()
}

/** Compares two hashes without a hint by time. */
export function isSameHash(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}
