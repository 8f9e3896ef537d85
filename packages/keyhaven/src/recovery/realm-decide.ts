/**
 * The realm's state machine: record, request and time in; new record, decision and event out.
 *
 * Rules beyond the Juicebox realm (recovery-protocol.md, "Rules of ours"): a repeated input is the same attempt; the
 * attempt that uses up the guesses has five minutes to succeed; the tag is kept hashed.
 */
import { equalConstantTime } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/hkdf.ts'
import type { Recover2Request, Recover3Request, Register2Request } from './messages.ts'
import { admit, guardOf, isProven, nextGuard, withCooling } from './realm-guard.ts'
import { findDelay, spend } from './realm-limits.ts'
import type {
  ChargedInput,
  DecideInput,
  DecideResult,
  RealmRecord,
  RealmTerms,
  RegisteredRecord,
} from './realm-record.ts'

/** A repeat of a charged input is free this often, … */
export const FREE_REPEATS = 5
/** … and for this long after the charge; later it is charged again. */
export const FREE_REPEAT_MS: number = 10 * 60_000
/** How long the attempt that used up the guesses may still succeed. */
export const LAST_ATTEMPT_MS: number = 5 * 60_000
/** Guesses that a registration gets at most, unless the server says otherwise. */
export const DEFAULT_GUESS_CAP = 100

/** What all of a request's steps look at. */
interface Circumstances {
  readonly now: number
  readonly terms: RealmTerms
}

/** Says what a request does to a record. Pure: commit `record`, then carry out `decision`. */
export function decide(input: DecideInput): DecideResult {
  const { request, now, terms = {} } = input
  const circumstances = { now, terms }
  const record = expire(input.record, now)
  switch (request.kind) {
    case 'register1':
      return register1(record, terms)
    case 'register2':
      return replacing(record, circumstances, () => register2(record, request, terms))
    case 'delete':
      return replacing(record, circumstances, () => remove(record))
    case 'recover1':
      return recover1(record, circumstances)
    case 'recover2':
      return recover2(record, request, circumstances)
    case 'recover3':
      return recover3(record, request)
  }
}

/** A record whose last attempt's window is over has lost its share, and keeps its guard. */
function expire(record: RealmRecord, now: number): RealmRecord {
  const over = record.state === 'registered' && isExhausted(record) && now >= (record.lastAttemptUntil ?? 0)
  return over ? { state: 'no-guesses', guarded: guardOf(record) } : record
}

function isExhausted(record: RegisteredRecord): boolean {
  return record.guessCount >= record.numGuesses
}

/** Signed by the authority key it ends a cooling period, by another it is refused then; it never does anything else. */
function register1(record: RealmRecord, terms: RealmTerms): DecideResult {
  const result = respond(record, { kind: 'register1', status: 'ok' })
  const guarded = guardOf(record)
  if (guarded?.guard.coolingUntil === undefined || terms.isProven === undefined) return result
  if (!isProven(guarded, terms)) return tooEarly(record, 'proof', 0)
  return { ...result, record: withCooling(record, undefined), event: { type: 'cooling_cancelled' } }
}

/** Register2 and Delete, as far as the record's guard lets them. */
function replacing(
  record: RealmRecord,
  { now, terms }: Circumstances,
  carryOut: () => DecideResult,
): DecideResult {
  const admission = admit(record, now, terms)
  if (admission.kind === 'allowed') return carryOut()
  if (admission.kind === 'proof') return tooEarly(record, 'proof', 0)
  const { until, begins } = admission
  const refused = tooEarly(record, 'cooling', until - now)
  if (!begins) return refused
  return { ...refused, record: withCooling(record, until), event: { type: 'cooling_started', until } }
}

function tooEarly(
  record: RealmRecord,
  reason: Extract<DecideResult['decision'], { kind: 'refuse' }>['reason'],
  milliseconds: number,
): DecideResult {
  const event =
    reason === 'cooling' || reason === 'proof'
      ? ({ type: 'replacing_refused', reason } as const)
      : ({ type: 'recovery_refused', reason } as const)
  return { record, decision: { kind: 'refuse', reason, milliseconds }, event }
}

function register2(record: RealmRecord, request: Register2Request, terms: RealmTerms): DecideResult {
  return {
    record: {
      state: 'registered',
      version: request.version,
      numGuesses: Math.min(request.numGuesses, terms.guessCap ?? DEFAULT_GUESS_CAP),
      guessCount: 0,
      unlockKeyTagHash: sha256(request.unlockKeyTag),
      charged: [],
      lastAttemptUntil: undefined,
      spent: record.state === 'registered' ? record.spent : { day: 0, evaluations: 0 },
      guard: nextGuard(record, terms),
    },
    decision: {
      kind: 'store',
      registration: request.registration,
      response: { kind: 'register2', status: 'ok' },
    },
    event: { type: 'registered' },
  }
}

function remove(record: RealmRecord): DecideResult {
  const result = respond({ state: 'not-registered' }, { kind: 'delete', status: 'ok' })
  return record.state === 'not-registered' ? result : { ...result, event: { type: 'deleted' } }
}

/** Too early for a guess is said here already, so that no other realm is asked to count one for nothing. */
function recover1(record: RealmRecord, circumstances: Circumstances): DecideResult {
  if (record.state === 'not-registered')
    return respond(record, { kind: 'recover1', status: 'not-registered' })
  if (record.state === 'no-guesses' || isExhausted(record)) {
    return refuse(record, { kind: 'recover1', status: 'no-guesses' }, 'no-guesses')
  }
  return (
    delayed(record, circumstances) ??
    respond(record, { kind: 'recover1', status: 'ok', version: record.version })
  )
}

/** The refusal of a new guess that comes too early. */
function delayed(record: RegisteredRecord, { now, terms }: Circumstances): DecideResult | undefined {
  const isKnownDevice = (): boolean => {
    const guarded = guardOf(record)
    return guarded !== undefined && isProven(guarded, terms)
  }
  const delay = findDelay(record, { now, terms, isKnownDevice })
  return delay && tooEarly(record, delay.reason, delay.milliseconds)
}

function recover2(record: RealmRecord, request: Recover2Request, circumstances: Circumstances): DecideResult {
  const { now } = circumstances
  if (record.state === 'not-registered')
    return respond(record, { kind: 'recover2', status: 'not-registered' })
  if (record.state === 'no-guesses') {
    return refuse(record, { kind: 'recover2', status: 'no-guesses' }, 'no-guesses')
  }
  if (!equalConstantTime(record.version, request.version)) {
    const status = isExhausted(record) ? 'no-guesses' : 'version-mismatch'
    return refuse(record, { kind: 'recover2', status }, status)
  }
  const hash = sha256(request.blindedInput)
  const known = record.charged.find((input) => equalConstantTime(input.hash, hash))
  if (known !== undefined && isFree(known, now)) {
    return evaluate(withInput(record, { ...known, repeats: known.repeats + 1 }), request)
  }
  if (isExhausted(record)) return refuse(record, { kind: 'recover2', status: 'no-guesses' }, 'no-guesses')
  return delayed(record, circumstances) ?? charge(record, request, { hash, chargedAt: now, repeats: 0 })
}

function isFree(input: ChargedInput, now: number): boolean {
  return input.repeats < FREE_REPEATS && now - input.chargedAt < FREE_REPEAT_MS
}

function charge(record: RegisteredRecord, request: Recover2Request, input: ChargedInput): DecideResult {
  const guessCount = record.guessCount + 1
  const last = guessCount >= record.numGuesses
  const charged = {
    ...withInput(record, input),
    guessCount,
    spent: spend(record.spent, input.chargedAt),
    lastAttemptUntil: last ? input.chargedAt + LAST_ATTEMPT_MS : undefined,
  }
  const event = { type: 'guess_used', guessesRemaining: record.numGuesses - guessCount } as const
  return { ...evaluate(charged, request), event }
}

function withInput(record: RegisteredRecord, input: ChargedInput): RegisteredRecord {
  const others = record.charged.filter((other) => !equalConstantTime(other.hash, input.hash))
  return { ...record, charged: [...others, input] }
}

function evaluate(record: RegisteredRecord, request: Recover2Request): DecideResult {
  const { numGuesses, guessCount } = record
  return {
    record,
    decision: { kind: 'evaluate', blindedInput: request.blindedInput, numGuesses, guessCount },
    event: undefined,
  }
}

function recover3(record: RealmRecord, request: Recover3Request): DecideResult {
  if (record.state === 'not-registered')
    return respond(record, { kind: 'recover3', status: 'not-registered' })
  if (record.state === 'no-guesses') {
    return refuse(record, { kind: 'recover3', status: 'no-guesses' }, 'no-guesses')
  }
  if (!equalConstantTime(record.version, request.version)) {
    return refuse(record, { kind: 'recover3', status: 'version-mismatch' }, 'version-mismatch')
  }
  if (!equalConstantTime(record.unlockKeyTagHash, sha256(request.unlockKeyTag))) {
    const guessesRemaining = record.numGuesses - record.guessCount
    return refuse(record, { kind: 'recover3', status: 'bad-unlock-key-tag', guessesRemaining }, 'wrong-tag')
  }
  return { record: reset(record), decision: { kind: 'release' }, event: { type: 'share_recovered' } }
}

/**
 * A success forgives the guesses since the last one, and ends a cooling period: whoever knows the PIN needs none.
 * Without a charge there is nothing to forgive.
 */
function reset(record: RegisteredRecord): RegisteredRecord {
  const kept = record.guard?.coolingUntil === undefined ? record : withCooling(record, undefined)
  if (kept.guessCount === 0) return kept
  return { ...kept, guessCount: 0, charged: [], lastAttemptUntil: undefined }
}

function respond(
  record: RealmRecord,
  response: Extract<DecideResult['decision'], { kind: 'respond' }>['response'],
): DecideResult {
  return { record, decision: { kind: 'respond', response }, event: undefined }
}

function refuse(
  record: RealmRecord,
  response: Parameters<typeof respond>[1],
  reason: 'no-guesses' | 'wrong-tag' | 'version-mismatch',
): DecideResult {
  return { ...respond(record, response), event: { type: 'recovery_refused', reason } }
}
