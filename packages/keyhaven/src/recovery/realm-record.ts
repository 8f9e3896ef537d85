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

/** Evaluations on one day, counted in days (UTC) since 1970; success does not set them back. */
export interface Spent {
  readonly day: number
  readonly evaluations: number
}

/**
 * Whose record it is: once bound, only the authority key replaces or deletes it at once. A token alone waits the
 * cooling period first.
 */
export interface Guard {
  /** An Ed25519 public key, 32 bytes. */
  readonly authority: Uint8Array
  /** When a token alone may replace or delete, in Unix milliseconds; set by the first that wants to. */
  readonly coolingUntil: number | undefined
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
  readonly spent: Spent
  /** None in records that were registered without an authority key: these keep the plain rule. */
  readonly guard: Guard | undefined
}

/** The share is gone. A guarded record stays guarded, and keeps the version that a proof names. */
export interface NoGuessesRecord {
  readonly state: 'no-guesses'
  readonly guarded: { readonly version: Uint8Array; readonly guard: Guard } | undefined
}

export type RealmRecord = { readonly state: 'not-registered' } | RegisteredRecord | NoGuessesRecord

/** What a person's access log should say about a request; a request that changes and tells nothing has none. */
export type RealmEvent =
  | { readonly type: 'registered' }
  | { readonly type: 'guess_used'; readonly guessesRemaining: number }
  | { readonly type: 'share_recovered' }
  | {
      readonly type: 'recovery_refused'
      readonly reason: 'no-guesses' | 'wrong-tag' | 'version-mismatch' | 'waiting' | 'day-spent'
    }
  | { readonly type: 'deleted' }
  /** A token alone wants to replace or delete a guarded record, and the cooling period has begun. */
  | { readonly type: 'cooling_started'; readonly until: number }
  /** The authority key ended the cooling period; a recovery that does is told as `share_recovered`. */
  | { readonly type: 'cooling_cancelled' }
  | { readonly type: 'replacing_refused'; readonly reason: 'cooling' | 'proof' }

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
  /** No answer of the protocol's: too early, or a proof that is none. */
  | {
      readonly kind: 'refuse'
      readonly reason: 'waiting' | 'day-spent' | 'cooling' | 'proof'
      /** When it would not be too early, in milliseconds from now; 0 for `proof`. */
      readonly milliseconds: number
    }

/** The server's settings, and what the request's headers and token say beside its body. */
export interface RealmTerms {
  /** Registrations that ask for more guesses get this many. */
  readonly guessCap?: number
  /** New guesses that a record gets in a day (UTC). */
  readonly evaluationsPerDay?: number
  /** True for our own users: wrong guesses make the next ones wait. */
  readonly waits?: boolean
  /** How long a token alone waits before it replaces or deletes a guarded record. */
  readonly coolingMs?: number
  /** The key that a registration is to be bound to. */
  readonly authority?: Uint8Array
  /** Whether the request's proof is good for a record; none when the request has no proof. */
  readonly isProven?: (record: { readonly authority: Uint8Array; readonly version: Uint8Array }) => boolean
}

export interface DecideInput {
  readonly record: RealmRecord
  readonly request: RealmRequest
  /** Unix milliseconds. */
  readonly now: number
  readonly terms?: RealmTerms
}

export interface DecideResult {
  /** The record to store; the same object when nothing changed. */
  readonly record: RealmRecord
  readonly decision: Decision
  readonly event: RealmEvent | undefined
}
