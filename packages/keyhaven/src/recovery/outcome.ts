/**
 * What the realms' answers amount to. Pure.
 *
 * With n realms and threshold t: t realms on one version make a registration; n − t + 1 that say so make it locked, or
 * not there, for then t others cannot exist. Anything less is a fault, because a first backup offered too early
 * would be written over what is still there.
 */
import type { RealmFault, RealmFaultKind } from '../errors.ts'
import { KeyhavenError } from '../errors.ts'
import { equal } from '../crypto/bytes.ts'
import type { Configuration } from './configuration.ts'
import type { Evaluation, Recover1Response } from './messages.ts'
import { isFault } from './realm-call.ts'

/** A realm's answer to Recover1, or its fault; `undefined` while it is awaited. */
export type VersionAnswer = Recover1Response | RealmFault | undefined

/**
 * The version that enough realms agree on, as soon as they do; `'none'` as soon as it is sure that they will not;
 * `undefined` while it is open.
 */
export function settleVersion(
  configuration: Configuration,
  answers: readonly VersionAnswer[],
): Uint8Array | 'none' | undefined {
  const { recoverThreshold, realms } = configuration
  const versions = answers.flatMap((answer) => versionOf(answer) ?? [])
  const agreed = versions.find(
    (version) => versions.filter((other) => equal(other, version)).length >= recoverThreshold,
  )
  if (agreed !== undefined) return agreed
  const blocking = realms.length - recoverThreshold + 1
  const open = answers.filter((answer) => answer === undefined).length
  const locked = countStatus(answers, 'no-guesses')
  if (open === 0 || locked >= blocking) return 'none'
  return countStatus(answers, 'not-registered') >= blocking && locked + open < blocking ? 'none' : undefined
}

/** The version in a Recover1 answer, if there is one. */
export function versionOf(answer: VersionAnswer): Uint8Array | undefined {
  return answer !== undefined && !isFault(answer) && answer.status === 'ok' ? answer.version : undefined
}

function countStatus(answers: readonly VersionAnswer[], status: Recover1Response['status']): number {
  return answers.filter((answer) => answer !== undefined && !isFault(answer) && answer.status === status)
    .length
}

/** What a refusal is called when it is one realm's fault. */
export const REFUSALS: {
  readonly 'not-registered': 'not-registered'
  readonly 'no-guesses': 'locked'
  readonly 'version-mismatch': 'other-version'
} = {
  'not-registered': 'not-registered',
  'no-guesses': 'locked',
  'version-mismatch': 'other-version',
}

/** Faults of realms that answered, in good order, something other than what the recovery needed. */
const ANSWERED: ReadonlySet<RealmFaultKind> = new Set([
  'not-registered',
  'locked',
  'other-version',
  'other-registration',
])

/** What it comes to when too few realms help and enough of them say why. */
export type Hindered =
  | { readonly status: 'locked' | 'not-registered'; readonly faults: readonly RealmFault[] }
  | {
      readonly status: 'waiting'
      /** When enough realms may be asked again. */
      readonly retryAfterSeconds: number
      readonly faults: readonly RealmFault[]
    }

/**
 * The outcome when too few realms help: locked or not registered when enough of them say so; waiting when those that
 * say "too early" would suffice with the `helping` ones; else `ERR_REGISTRATION_SPLIT` if every realm answered in good
 * order and `ERR_REALMS_UNAVAILABLE` if one did not.
 */
export function concludeWithout(
  configuration: Configuration,
  faults: readonly RealmFault[],
  helping: number,
): Hindered {
  const { recoverThreshold } = configuration
  const blocking = configuration.realms.length - recoverThreshold + 1
  const count = (kind: RealmFaultKind): number => faults.filter(({ fault }) => fault === kind).length
  if (count('locked') >= blocking) return { status: 'locked', faults }
  if (count('not-registered') >= blocking) return { status: 'not-registered', faults }
  const retryAfterSeconds = findWait(faults, Math.max(1, recoverThreshold - helping))
  if (retryAfterSeconds !== undefined) return { status: 'waiting', retryAfterSeconds, faults }
  const allAnswered = faults.every(({ fault }) => ANSWERED.has(fault))
  throw new KeyhavenError(allAnswered ? 'ERR_REGISTRATION_SPLIT' : 'ERR_REALMS_UNAVAILABLE', {
    realms: faults,
  })
}

/** When so many realms may be asked again; none when fewer than that said that it is too early. */
function findWait(faults: readonly RealmFault[], missing: number): number | undefined {
  const waits = faults.flatMap(({ fault, retryAfterSeconds }) =>
    fault === 'rate-limited' && retryAfterSeconds !== undefined ? [retryAfterSeconds] : [],
  )
  return waits.sort((one, other) => one - other)[missing - 1]
}

/** The most realms that say they hold one and the same version. */
export function countAgreeing(answers: readonly VersionAnswer[]): number {
  const versions = answers.flatMap((answer) => versionOf(answer) ?? [])
  return Math.max(0, ...versions.map((version) => versions.filter((other) => equal(other, version)).length))
}

/**
 * Guesses left in the sense of the protocol's rules: the threshold-th largest. Fewer liars than the threshold never raise
 * it; they lower it only where they are needed to reach the threshold at all.
 */
export function guessesRemaining(
  recoverThreshold: number,
  evaluations: readonly Pick<Evaluation, 'numGuesses' | 'guessCount'>[],
): number {
  const left = evaluations.map(({ numGuesses, guessCount }) =>
    Math.min(Math.max(numGuesses - guessCount, 0), numGuesses),
  )
  return left.sort((one, other) => other - one)[recoverThreshold - 1] ?? 0
}

/** True for counts that no realm can have after it counted a guess. */
export function areAbsurdCounts({ numGuesses, guessCount }: Evaluation): boolean {
  return numGuesses < 1 || numGuesses > 0xffff || guessCount < 1 || guessCount > numGuesses
}
