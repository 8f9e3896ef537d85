/**
 * The answer to a decided request, made after the new record is committed.
 */
import { KeyhavenError } from '../errors.ts'
import { groupNoble } from './group-noble.ts'
import type { Group } from './group.ts'
import type { RealmResponse, Registration } from './messages.ts'
import { evaluateBlinded } from './oprf.ts'
import type { Decision } from './realm-record.ts'

/**
 * Makes the response of a decision. `registration` is the unsealed part, needed for `evaluate` and `release`;
 * `ERR_INPUT_INVALID` when it is missing there.
 */
export function complete(input: {
  readonly decision: Decision
  readonly registration?: Registration | undefined
  readonly group?: Group
}): RealmResponse {
  const { decision } = input
  if (decision.kind === 'respond' || decision.kind === 'store') return decision.response
  if (decision.kind === 'refuse') {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'decision', expected: 'one with an answer' })
  }
  const registration = requireRegistration(input.registration)
  if (decision.kind === 'release') {
    const { encryptionKeyShare, encryptedSecret, encryptedSecretCommitment } = registration
    return {
      kind: 'recover3',
      status: 'ok',
      share: { encryptionKeyShare, encryptedSecret, encryptedSecretCommitment },
    }
  }
  const { blindedResult, proof } = evaluateBlinded({
    group: input.group ?? groupNoble,
    privateKey: registration.oprfPrivateKey,
    publicKey: registration.signedPublicKey.publicKey,
    blindedInput: decision.blindedInput,
  })
  const { signedPublicKey, unlockKeyCommitment } = registration
  const { numGuesses, guessCount } = decision
  return {
    kind: 'recover2',
    status: 'ok',
    evaluation: { signedPublicKey, blindedResult, proof, unlockKeyCommitment, numGuesses, guessCount },
  }
}

function requireRegistration(registration: Registration | undefined): Registration {
  if (registration !== undefined) return registration
  throw new KeyhavenError('ERR_INPUT_INVALID', {
    field: 'registration',
    expected: 'the unsealed registration',
  })
}
