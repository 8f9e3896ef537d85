/**
 * One guess at the PIN: Recover2 and Recover3 with the realms that hold the registration.
 *
 * What a realm answers is checked before it counts: the registration's signature on its public key, its proof, its
 * counts, and that it belongs to the same registration as the others; later its share's commitment. A realm that
 * fails a check is named in `faults` and left out.
 */
import { concat, equalConstantTime } from '../crypto/bytes.ts'
import { toHex } from '../crypto/text.ts'
import type { RealmFault, RealmFaultKind } from '../errors.ts'
import type { Realm } from './configuration.ts'
import type { Evaluation, Share } from './messages.ts'
import { finalize, verifyEvaluation } from './oprf.ts'
import type { Operation } from './operation.ts'
import { REFUSALS, areAbsurdCounts } from './outcome.ts'
import { callRealm, faultOf, isFault } from './realm-call.ts'
import type { UnlockKeys } from './registration.ts'
import {
  deriveShareCommitment,
  deriveUnlockKeyTag,
  deriveUnlockKeys,
  verifySignedPublicKey,
} from './registration.ts'
import { combinePoints } from './shares.ts'

/** A realm with its share index. */
export interface PlacedRealm {
  readonly realm: Realm
  readonly index: number
}

/** A guess under way. */
export interface Guess {
  readonly operation: Operation
  readonly version: Uint8Array
  readonly accessKey: Uint8Array
  readonly blindingFactor: Uint8Array
  readonly blindedInput: Uint8Array
}

/** A realm that evaluated and proved it. */
export interface Helper extends PlacedRealm {
  readonly evaluation: Evaluation
}

/** A realm that gave its share out, and a checked one. */
export interface Giver extends PlacedRealm {
  readonly share: Share
}

/** Recover2 at one realm. */
export async function askEvaluation(guess: Guess, placed: PlacedRealm): Promise<Helper | RealmFault> {
  const { version, blindedInput } = guess
  const { line } = guess.operation
  const answer = await callRealm(line, placed.realm, { kind: 'recover2', version, blindedInput })
  if (isFault(answer)) return answer
  if (answer.status !== 'ok') return faultOf(placed.realm, REFUSALS[answer.status])
  const lie = findLie(guess, placed.realm, answer.evaluation)
  return lie === undefined ? { ...placed, evaluation: answer.evaluation } : faultOf(placed.realm, lie)
}

function findLie(guess: Guess, realm: Realm, evaluation: Evaluation): RealmFaultKind | undefined {
  const { signedPublicKey, blindedResult, proof } = evaluation
  if (areAbsurdCounts(evaluation)) return 'bad-counts'
  if (!verifySignedPublicKey(realm.id, signedPublicKey)) return 'bad-signature'
  const { group } = guess.operation.line
  const { publicKey } = signedPublicKey
  const proven = verifyEvaluation({
    group,
    publicKey,
    blindedInput: guess.blindedInput,
    blindedResult,
    proof,
  })
  return proven ? undefined : 'bad-proof'
}

/** The largest set of helpers that belong to one registration: same commitment, same signing key. */
export function findAgreeing(helpers: readonly Helper[]): readonly Helper[] {
  const sets = new Map<string, Helper[]>()
  for (const helper of helpers) {
    const { unlockKeyCommitment, signedPublicKey } = helper.evaluation
    const name = toHex(concat(unlockKeyCommitment, signedPublicKey.verifyingKey))
    sets.set(name, [...(sets.get(name) ?? []), helper])
  }
  return [...sets.values()].reduce((largest, set) => (set.length > largest.length ? set : largest), [])
}

/** The unlock key, or `undefined` when the PIN is wrong. Takes exactly `recoverThreshold` helpers. */
export function unlock(guess: Guess, helpers: readonly Helper[]): Uint8Array | undefined {
  const { group } = guess.operation.line
  const blindedResult = combinePoints(
    group,
    helpers.map(({ index, evaluation }) => ({ index, value: evaluation.blindedResult })),
  )
  const { accessKey, blindingFactor } = guess
  const keys: UnlockKeys = deriveUnlockKeys(
    finalize({ group, input: accessKey, blindingFactor, blindedResult }),
  )
  const commitment = helpers[0]?.evaluation.unlockKeyCommitment ?? new Uint8Array()
  return equalConstantTime(keys.commitment, commitment) ? keys.unlockKey : undefined
}

/** Recover3 at one realm. */
export async function askShare(
  guess: Guess,
  placed: PlacedRealm,
  unlockKey: Uint8Array,
): Promise<Giver | RealmFault> {
  const { realm, index } = placed
  const unlockKeyTag = deriveUnlockKeyTag(unlockKey, realm.id)
  const { version, operation } = guess
  const answer = await callRealm(operation.line, realm, { kind: 'recover3', version, unlockKeyTag })
  if (isFault(answer)) return answer
  if (answer.status === 'bad-unlock-key-tag') return faultOf(realm, 'other-registration')
  if (answer.status !== 'ok') return faultOf(realm, REFUSALS[answer.status])
  const expected = deriveShareCommitment({ unlockKey, realmId: realm.id, share: answer.share })
  const isBound = equalConstantTime(expected, answer.share.encryptedSecretCommitment)
  return isBound ? { realm, index, share: answer.share } : faultOf(realm, 'bad-commitment')
}
