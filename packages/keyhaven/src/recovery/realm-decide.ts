/**
 * The realm's state machine: record, request and time in; new record, decision and event out.
 *
 * Rules beyond the Juicebox realm (recovery-protocol.md, "Rules of ours"): a repeated input is the same attempt; the
 * attempt that uses up the guesses has five minutes to succeed; the tag is kept hashed.
 */
import { equalConstantTime } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/hkdf.ts'
import type { Recover2Request, Recover3Request, Register2Request } from './messages.ts'
import type {
  ChargedInput,
  DecideInput,
  DecideResult,
  RealmRecord,
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

/** Says what a request does to a record. Pure: commit `record`, then carry out `decision`. */
export function decide(input: DecideInput): DecideResult {
  const { request, now } = input
  const record = expire(input.record, now)
  switch (request.kind) {
    case 'register1':
      return respond(record, { kind: 'register1', status: 'ok' })
    case 'register2':
      return register2(request, input.guessCap ?? DEFAULT_GUESS_CAP)
    case 'delete':
      return remove(record)
    case 'recover1':
      return recover1(record)
    case 'recover2':
      return recover2(record, request, now)
    case 'recover3':
      return recover3(record, request)
  }
}

/** A record whose last attempt's window is over has lost its share. */
function expire(record: RealmRecord, now: number): RealmRecord {
  const over = record.state === 'registered' && isExhausted(record) && now >= (record.lastAttemptUntil ?? 0)
  return over ? { state: 'no-guesses' } : record
}

function isExhausted(record: RegisteredRecord): boolean {
  return record.guessCount >= record.numGuesses
}

function register2(request: Register2Request, guessCap: number): DecideResult {
  return {
    record: {
      state: 'registered',
      version: request.version,
      numGuesses: Math.min(request.numGuesses, guessCap),
      guessCount: 0,
      unlockKeyTagHash: sha256(request.unlockKeyTag),
      charged: [],
      lastAttemptUntil: undefined,
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

function recover1(record: RealmRecord): DecideResult {
  if (record.state === 'not-registered')
    return respond(record, { kind: 'recover1', status: 'not-registered' })
  if (record.state === 'no-guesses' || isExhausted(record)) {
    return refuse(record, { kind: 'recover1', status: 'no-guesses' }, 'no-guesses')
  }
  return respond(record, { kind: 'recover1', status: 'ok', version: record.version })
}

function recover2(record: RealmRecord, request: Recover2Request, now: number): DecideResult {
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
  return charge(record, request, { hash, chargedAt: now, repeats: 0 })
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

/** A success forgives the guesses since the last one; without a charge there is nothing to forgive. */
function reset(record: RegisteredRecord): RegisteredRecord {
  if (record.guessCount === 0) return record
  return { ...record, guessCount: 0, charged: [], lastAttemptUntil: undefined }
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
