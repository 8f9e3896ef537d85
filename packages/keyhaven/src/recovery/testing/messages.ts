/** A message of every kind, for tests of what reads and writes them. */
import { randomBytes } from '../../crypto/bytes.ts'
import { groupNoble as group } from '../group-noble.ts'
import type { RealmRequest, RealmResponse } from '../messages.ts'
import { generateScalar } from '../oprf.ts'

const scalar = generateScalar(group)
const point = group.multiplyBase(scalar)
const signedPublicKey = { publicKey: point, verifyingKey: randomBytes(32), signature: randomBytes(64) }

/** One request of each kind. */
export const SAMPLE_REQUESTS: readonly RealmRequest[] = [
  { kind: 'register1' },
  { kind: 'recover1' },
  { kind: 'delete' },
  { kind: 'recover2', version: randomBytes(16), blindedInput: point },
  { kind: 'recover3', version: randomBytes(16), unlockKeyTag: randomBytes(16) },
  {
    kind: 'register2',
    version: randomBytes(16),
    registration: {
      oprfPrivateKey: scalar,
      signedPublicKey,
      unlockKeyCommitment: randomBytes(32),
      encryptionKeyShare: scalar,
      encryptedSecret: randomBytes(145),
      encryptedSecretCommitment: randomBytes(16),
    },
    unlockKeyTag: randomBytes(16),
    numGuesses: 65535,
  },
]

/** One answer of each kind and status. */
export const SAMPLE_RESPONSES: readonly RealmResponse[] = [
  { kind: 'register1', status: 'ok' },
  { kind: 'register2', status: 'ok' },
  { kind: 'delete', status: 'ok' },
  { kind: 'recover1', status: 'ok', version: randomBytes(16) },
  { kind: 'recover1', status: 'not-registered' },
  { kind: 'recover1', status: 'no-guesses' },
  {
    kind: 'recover2',
    status: 'ok',
    evaluation: {
      signedPublicKey,
      blindedResult: point,
      proof: { c: scalar, betaZ: scalar },
      unlockKeyCommitment: randomBytes(32),
      numGuesses: 10,
      guessCount: 1,
    },
  },
  { kind: 'recover2', status: 'version-mismatch' },
  { kind: 'recover2', status: 'not-registered' },
  { kind: 'recover2', status: 'no-guesses' },
  {
    kind: 'recover3',
    status: 'ok',
    share: {
      encryptionKeyShare: scalar,
      encryptedSecret: randomBytes(145),
      encryptedSecretCommitment: randomBytes(16),
    },
  },
  { kind: 'recover3', status: 'bad-unlock-key-tag', guessesRemaining: 0 },
  { kind: 'recover3', status: 'version-mismatch' },
  { kind: 'recover3', status: 'not-registered' },
  { kind: 'recover3', status: 'no-guesses' },
]
