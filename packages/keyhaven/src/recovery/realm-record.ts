/**
 * What a realm keeps of one registration in clear, and what a request does to it.
 *
 * The rest of a registration (keys, share, encrypted secret) is the `Registration` of `messages.ts`; a server
 * seals it beside the record and drops it when the record's state is not `registered`.
 */
import type { RealmRequest, RealmResponse, Registration } from './messages.ts'

/** One input that was charged as a guess, so that its repeat is not charged again. */
export interface ChargedInput {
  /** SHA-256 of the blinded input. */
  readonly hash: Uint8Array
  /** When it was charged, in Unix milliseconds. */
  readonly chargedAt: number
  /** How often it was answered free since. */
  readonly repeats: number
}

export interface RegisteredRecord {
  readonly state: 'registered'
  readonly version: Uint8Array
  readonly numGuesses: number
  /** Guesses since the last success; at `numGuesses` only the last attempt's window is left. */
  readonly guessCount: number
  /** SHA-256 of the unlock key tag. */
  readonly unlockKeyTagHash: Uint8Array
  /** Every input charged since the last reset, at most `numGuesses`. */
  readonly charged: readonly ChargedInput[]
  /** When the last attempt's window ends, in Unix milliseconds; set by the charge that uses up the guesses. */
  readonly lastAttemptUntil: number | undefined
}

export type RealmRecord =
  { readonly state: 'not-registered' } | RegisteredRecord | { readonly state: 'no-guesses' }

/** What a person's access log should say about a request; a request that changes and tells nothing has none. */
export type RealmEvent =
  | { readonly type: 'registered' }
  | { readonly type: 'guess_used'; readonly guessesRemaining: number }
  | { readonly type: 'share_recovered' }
  | { readonly type: 'recovery_refused'; readonly reason: 'no-guesses' | 'wrong-tag' | 'version-mismatch' }
  | { readonly type: 'deleted' }

/** How the answer is made once the new record is committed. */
export type Decision =
  /** The answer needs nothing sealed. */
  | { readonly kind: 'respond'; readonly response: RealmResponse }
  /** Seal `registration` and commit it with the record; then the answer is `response`. */
  | { readonly kind: 'store'; readonly registration: Registration; readonly response: RealmResponse }
  /** Unseal the registration and evaluate its OPRF key. */
  | {
      readonly kind: 'evaluate'
      readonly blindedInput: Uint8Array
      readonly numGuesses: number
      readonly guessCount: number
    }
  /** Unseal the registration and hand out its share. */
  | { readonly kind: 'release' }

export interface DecideInput {
  readonly record: RealmRecord
  readonly request: RealmRequest
  /** Unix milliseconds. */
  readonly now: number
  /** Registrations that ask for more guesses get this many. */
  readonly guessCap?: number
}

export interface DecideResult {
  /** The record to store; the same object when nothing changed. */
  readonly record: RealmRecord
  readonly decision: Decision
  readonly event: RealmEvent | undefined
}
