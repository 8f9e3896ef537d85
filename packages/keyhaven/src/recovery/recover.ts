/**
 * Getting a secret back from the realms with a PIN.
 */
import type { Argon2id } from '../crypto/argon2.ts'
import { loadArgon2id } from '../crypto/argon2.ts'
import { equal, wipe } from '../crypto/bytes.ts'
import type { RealmFault } from '../errors.ts'
import type { Giver, Guess, Helper, PlacedRealm } from './guess.ts'
import { askEvaluation, askShare, findAgreeing, unlock } from './guess.ts'
import { blind, generateScalar } from './oprf.ts'
import type { Operation, PinOptions } from './operation.ts'
import { invalidInput, learnVersions, runOperation } from './operation.ts'
import type { Hindered, VersionAnswer } from './outcome.ts'
import {
  REFUSALS,
  concludeWithout,
  countAgreeing,
  guessesRemaining,
  settleVersion,
  versionOf,
} from './outcome.ts'
import type { StretchedPin } from './pin.ts'
import { stretchPin } from './pin.ts'
import { callRealm, faultOf, isFault } from './realm-call.ts'
import { openRegistration } from './registration.ts'

export type RecoverOutcome =
  | {
      readonly status: 'recovered'
      readonly secret: Uint8Array
      /** The registration's name, 16 bytes. */
      readonly version: Uint8Array
      readonly faults: readonly RealmFault[]
    }
  | {
      readonly status: 'wrong-pin'
      readonly guessesRemaining: number
      readonly faults: readonly RealmFault[]
    }
  | Hindered

/**
 * Tries a PIN. Each call is one guess at every realm that answers in time; a right PIN sets their counts back.
 *
 * A realm that lies, fails or hangs is left out and named in `faults`, and recovery goes on while `recoverThreshold`
 * others remain. A realm that is slow to its first request is not waited for once the others suffice: it has not
 * counted a guess. A realm that says "too early" has not counted one either: when too few others remain, the outcome is
 * `waiting`, which is neither a wrong PIN nor a missing registration.
 *
 * `ERR_REALMS_UNAVAILABLE` and `ERR_REGISTRATION_SPLIT` say that nothing is known, so offer no first backup;
 * `ERR_REGISTRATION_DAMAGED` that the PIN is right and the contents do not open; `ERR_INPUT_INVALID` and the
 * configuration's codes before anything is sent; `ERR_ABORTED`.
 */
export async function recover(options: PinOptions): Promise<RecoverOutcome> {
  if (options.pin.length === 0) throw invalidInput('pin', 'at least one byte')
  return runOperation(options, async (operation) => {
    operation.progress('contacting')
    const argon2id = options.argon2id ?? loadEarly()
    await learnVersions(operation)
    const poll = askVersions(operation)
    const version = await poll.settled
    if (version === 'none') {
      const helping = countAgreeing(poll.answers)
      return concludeWithout(operation.configuration, faultsOf(operation, poll), helping)
    }
    operation.progress('stretching')
    const mode = operation.configuration.pinHashingMode
    const { pin, userInfo } = options
    const stretched = await stretchPin({ argon2id: await argon2id, mode, pin, version, userInfo })
    const guess = startGuess(operation, version, stretched.accessKey)
    try {
      return await guessOnce(guess, poll, stretched)
    } finally {
      wipe(stretched.accessKey, stretched.encryptionKeySeed, guess.blindingFactor)
    }
  })
}

/** Starts loading while the realms are asked; a failure is seen where the result is awaited, if it ever is. */
function loadEarly(): Promise<Argon2id> {
  const loading = loadArgon2id()
  loading.catch(() => undefined)
  return loading
}

/** Recover1 at every realm, under way. */
interface Poll {
  /** In the realms' order; filled in as they answer. */
  readonly answers: readonly VersionAnswer[]
  readonly settled: Promise<Uint8Array | 'none'>
  readonly finished: Promise<unknown>
}

function askVersions({ configuration, line }: Operation): Poll {
  const answers: VersionAnswer[] = configuration.realms.map(() => undefined)
  let settle: (version: Uint8Array | 'none') => void = () => undefined
  const settled = new Promise<Uint8Array | 'none'>((resolve) => {
    settle = resolve
  })
  const calls = configuration.realms.map(async (realm, place) => {
    answers[place] = await callRealm(line, realm, { kind: 'recover1' })
    const version = settleVersion(configuration, answers)
    if (version !== undefined) settle(version)
  })
  return { answers, settled, finished: Promise.all(calls) }
}

/** The guess itself: first with the realms that have answered by now, then, if they do not suffice, with the late ones. */
async function guessOnce(guess: Guess, poll: Poll, stretched: StretchedPin): Promise<RecoverOutcome> {
  const { operation, version } = guess
  operation.progress('guessing')
  const { recoverThreshold } = operation.configuration
  const asked: (Helper | RealmFault)[] = []
  const given: (Giver | RealmFault)[] = []
  let unlockKey: Uint8Array | undefined
  for (const ready of [Promise.resolve(), poll.finished]) {
    await ready
    asked.push(
      ...(await Promise.all(holders(guess, poll, asked).map((placed) => askEvaluation(guess, placed)))),
    )
    const agreeing = findAgreeing(asked.filter(isNoFault))
    if (agreeing.length < recoverThreshold) continue
    unlockKey ??= unlock(guess, agreeing.slice(0, recoverThreshold))
    const faults = (): readonly RealmFault[] =>
      faultsOf(operation, poll, { version, agreeing, results: [...asked, ...given] })
    if (unlockKey === undefined) return wrongPin(recoverThreshold, agreeing, faults())
    const secret = await collect({ guess, given, agreeing, unlockKey, stretched })
    if (secret !== undefined) return { status: 'recovered', secret, version, faults: faults() }
  }
  const agreeing = findAgreeing(asked.filter(isNoFault))
  const faults = faultsOf(operation, poll, { version, agreeing, results: [...asked, ...given] })
  return concludeWithout(operation.configuration, faults, agreeing.length)
}

function startGuess(operation: Operation, version: Uint8Array, accessKey: Uint8Array): Guess {
  const { group } = operation.line
  const blindingFactor = generateScalar(group)
  const blindedInput = blind({ group, input: accessKey, blindingFactor })
  return { operation, version, accessKey, blindingFactor, blindedInput }
}

/** The realms that said they hold this version and have not been asked to evaluate. */
function holders(guess: Guess, poll: Poll, asked: readonly (Helper | RealmFault)[]): readonly PlacedRealm[] {
  return guess.operation.configuration.realms
    .map((realm, place) => ({ realm, index: place + 1, version: versionOf(poll.answers[place]) }))
    .filter(({ version }) => version !== undefined && equal(version, guess.version))
    .filter(({ realm }) => !asked.some((result) => isAbout(result, realm)))
}

/** Takes shares from the agreeing realms that gave none yet; the secret, once there are enough. */
async function collect(input: {
  readonly guess: Guess
  readonly given: (Giver | RealmFault)[]
  readonly agreeing: readonly Helper[]
  readonly unlockKey: Uint8Array
  readonly stretched: StretchedPin
}): Promise<Uint8Array | undefined> {
  const { guess, given, agreeing, unlockKey, stretched } = input
  const { configuration, line, progress } = guess.operation
  progress('opening')
  const missing = agreeing.filter(({ realm }) => !given.some((result) => isAbout(result, realm)))
  given.push(...(await Promise.all(missing.map((helper) => askShare(guess, helper, unlockKey)))))
  const givers = given.filter(isNoFault).slice(0, configuration.recoverThreshold)
  const first = givers[0]
  if (first === undefined || givers.length < configuration.recoverThreshold) return undefined
  return openRegistration({
    group: line.group,
    encryptionKeySeed: stretched.encryptionKeySeed,
    shares: givers.map(({ index, share }) => ({ index, value: share.encryptionKeyShare })),
    encryptedSecret: first.share.encryptedSecret,
  })
}

function wrongPin(
  recoverThreshold: number,
  agreeing: readonly Helper[],
  faults: readonly RealmFault[],
): RecoverOutcome {
  const evaluations = agreeing.map(({ evaluation }) => evaluation)
  return { status: 'wrong-pin', guessesRemaining: guessesRemaining(recoverThreshold, evaluations), faults }
}

type Result = Helper | Giver | RealmFault

/** One fault for each realm that did not help, in the realms' order. */
function faultsOf(
  { configuration }: Operation,
  poll: Poll,
  guessed?: {
    readonly version: Uint8Array
    readonly results: readonly Result[]
    readonly agreeing: readonly Helper[]
  },
): readonly RealmFault[] {
  return configuration.realms.flatMap((realm, place): readonly RealmFault[] => {
    const about = guessed?.results.filter((result) => isAbout(result, realm)) ?? []
    const fault = about.find(isFault)
    if (fault !== undefined) return [fault]
    if (guessed?.agreeing.some((helper) => helper.realm === realm) === true) return []
    if (about.length > 0) return [faultOf(realm, 'other-registration')]
    return [faultOfAnswer(realm, poll.answers[place], guessed?.version)]
  })
}

/** The fault of a realm that was not asked to evaluate. One that has the version after all was only late. */
function faultOfAnswer(
  realm: PlacedRealm['realm'],
  answer: VersionAnswer,
  version: Uint8Array | undefined,
): RealmFault {
  if (answer === undefined) return faultOf(realm, 'timeout')
  if (isFault(answer)) return answer
  if (answer.status !== 'ok') return faultOf(realm, REFUSALS[answer.status])
  const late = version !== undefined && equal(answer.version, version)
  return faultOf(realm, late ? 'timeout' : 'other-version')
}

function isAbout(result: Result, realm: PlacedRealm['realm']): boolean {
  return isFault(result) ? result.realmId === faultOf(realm, 'timeout').realmId : result.realm === realm
}

function isNoFault<T extends object>(result: T | RealmFault): result is T {
  return !isFault(result)
}
