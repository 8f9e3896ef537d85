/**
 * What a PIN is worth, and against whom: never one number for all, because the realms' guess limit decides.
 */
import type { PinRefusal } from '../errors.ts'
import { estimateGuessesLog10 } from './estimate-guesses.ts'
import { findPinRefusal } from './pin-policy.ts'
import type { NewPin } from './pin-policy.ts'
import { normalizePinText } from './pin-text.ts'

/** Wrong guesses before the realms destroy their shares, unless the registration says otherwise. */
const DEFAULT_TRIES = 10

/**
 * PIN hashes a second on one consumer graphics card. Argon2id over 16 MiB in 32 passes moves some 1.6 GB of memory, and
 * such a card moves about 1 TB in a second.
 */
export const PIN_HASHES_PER_SECOND = 600

/** How many guesses find a refused PIN, as a logarithm: those are tried first. */
const REFUSED_LOG10: Readonly<Partial<Record<PinRefusal, number>>> = {
  'phone-number': 1,
  common: 2.3,
  sequence: 3.3,
  repeated: 3.5,
  date: 4.9,
}

export interface PinEstimate {
  /** Why the policy would refuse it as a new PIN. */
  readonly refusal: PinRefusal | undefined
  /** The base-10 logarithm of how many guesses find it: an estimate from above. */
  readonly guessesLog10: number
  /** Digits alone: more is to be had from letters among them, most from several words. */
  readonly digitsOnly: boolean
  readonly against: {
    /** Who signs in as the person and guesses at the realms: so many tries, and the chance (0 to 1) that one is right. */
    readonly online: { readonly tries: number; readonly chance: number }
    /**
     * Who has the shares and keys of as many realms as the threshold asks for, which with a single realm is its operator:
     * seconds for all those guesses on one consumer graphics card, and fewer with more cards.
     */
    readonly realmOperator: { readonly seconds: number }
    /** Who has only a copy of the databases: nothing in them tests a guess, whatever the PIN is. */
    readonly databaseThief: 'nothing'
  }
}

/**
 * Estimates a PIN as typed. `tries` is how many wrong guesses the realms allow in all, 10 unless told: with n realms of
 * threshold t and g guesses each it is floor(n·g / t). Loads some 35 kB when it is first called.
 */
export async function estimatePin(input: NewPin & { readonly tries?: number }): Promise<PinEstimate> {
  const text = normalizePinText(input.pin)
  const refusal = findPinRefusal(input)
  const most = refusal === undefined ? Infinity : (REFUSED_LOG10[refusal] ?? Infinity)
  const guessesLog10 = Math.min(await estimateGuessesLog10(text), most)
  const tries = input.tries ?? DEFAULT_TRIES
  return {
    refusal,
    guessesLog10,
    digitsOnly: /^\d+$/.test(text),
    against: {
      online: { tries, chance: Math.min(1, tries / 10 ** guessesLog10) },
      realmOperator: { seconds: 10 ** guessesLog10 / PIN_HASHES_PER_SECOND },
      databaseThief: 'nothing',
    },
  }
}
