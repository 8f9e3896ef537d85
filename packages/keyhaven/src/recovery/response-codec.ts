/**
 * Responses to CBOR and back.
 */
import type { CborValue, Fields } from './cbor.ts'
import { asFields, asVariant, encodeCbor, malformed, parseCbor, takeBytes, takeInteger } from './cbor.ts'
import { encodeSignedPublicKey, takePoint, takeScalar, takeSignedPublicKey } from './field-checks.ts'
import { groupNoble } from './group-noble.ts'
import type { Group } from './group.ts'
import { LENGTHS, RESPONSE_LIMIT } from './messages.ts'
import type { Evaluation, RealmResponse, Share } from './messages.ts'

const VARIANTS = {
  register1: 'Register1',
  register2: 'Register2',
  delete: 'Delete',
  recover1: 'Recover1',
  recover2: 'Recover2',
  recover3: 'Recover3',
} as const

export type ResponseKind = keyof typeof VARIANTS
export type ResponseOf<K extends ResponseKind> = Extract<RealmResponse, { readonly kind: K }>

/** Every status without contents, by its name on the wire, for each kind of response. */
const BARE: { readonly [K in ResponseKind]: Readonly<Record<string, ResponseOf<K>>> } = {
  register1: { Ok: { kind: 'register1', status: 'ok' } },
  register2: { Ok: { kind: 'register2', status: 'ok' } },
  delete: { Ok: { kind: 'delete', status: 'ok' } },
  recover1: {
    NotRegistered: { kind: 'recover1', status: 'not-registered' },
    NoGuesses: { kind: 'recover1', status: 'no-guesses' },
  },
  recover2: {
    VersionMismatch: { kind: 'recover2', status: 'version-mismatch' },
    NotRegistered: { kind: 'recover2', status: 'not-registered' },
    NoGuesses: { kind: 'recover2', status: 'no-guesses' },
  },
  recover3: {
    VersionMismatch: { kind: 'recover3', status: 'version-mismatch' },
    NotRegistered: { kind: 'recover3', status: 'not-registered' },
    NoGuesses: { kind: 'recover3', status: 'no-guesses' },
  },
}

/** Every status with contents, for the kinds that have some. */
const FULL: { readonly [K in ResponseKind]: (name: string, fields: Fields, group: Group) => ResponseOf<K> } =
  {
    register1: refuseContents,
    register2: refuseContents,
    delete: refuseContents,
    recover1(name, fields) {
      if (name !== 'Ok') throw malformed('status')
      return { kind: 'recover1', status: 'ok', version: takeBytes(fields, 'version', LENGTHS.version) }
    },
    recover2(name, fields, group) {
      if (name !== 'Ok') throw malformed('status')
      return { kind: 'recover2', status: 'ok', evaluation: takeEvaluation(fields, group) }
    },
    recover3(name, fields) {
      if (name === 'Ok') return { kind: 'recover3', status: 'ok', share: takeShare(fields) }
      if (name !== 'BadUnlockKeyTag') throw malformed('status')
      const guessesRemaining = takeInteger(fields, 'guesses_remaining', 0, 0xffff)
      return { kind: 'recover3', status: 'bad-unlock-key-tag', guessesRemaining }
    },
  }

/** Reads the answer to a request of `kind`; `ERR_MESSAGE_MALFORMED` for anything else. */
export function parseResponse<K extends ResponseKind>(input: {
  readonly kind: K
  readonly body: Uint8Array
  readonly group?: Group
}): ResponseOf<K> {
  const { name, contents } = asVariant(parseCbor(input.body, RESPONSE_LIMIT))
  if (name !== VARIANTS[input.kind]) throw malformed('response')
  if (typeof contents === 'string') return parseBare(input.kind, contents)
  const status = asVariant(contents)
  return FULL[input.kind](status.name, asFields(status.contents), input.group ?? groupNoble)
}

function parseBare<K extends ResponseKind>(kind: K, name: string): ResponseOf<K> {
  const statuses = BARE[kind]
  const response = Object.hasOwn(statuses, name) ? statuses[name] : undefined
  if (response === undefined) throw malformed('status')
  return response
}

function refuseContents(): never {
  throw malformed('status')
}

function takeEvaluation(fields: Fields, group: Group): Evaluation {
  const proof = asFields(fields.get('oprf_proof'))
  return {
    signedPublicKey: takeSignedPublicKey(group, fields),
    blindedResult: takePoint(group, fields, 'oprf_blinded_result'),
    proof: { c: takeScalar(proof, 'c'), betaZ: takeScalar(proof, 'beta_z') },
    unlockKeyCommitment: takeBytes(fields, 'unlock_key_commitment', LENGTHS.unlockKeyCommitment),
    numGuesses: takeInteger(fields, 'num_guesses', 0, Number.MAX_SAFE_INTEGER),
    guessCount: takeInteger(fields, 'guess_count', 0, Number.MAX_SAFE_INTEGER),
  }
}

function takeShare(fields: Fields): Share {
  return {
    encryptionKeyShare: takeScalar(fields, 'encryption_key_scalar_share'),
    encryptedSecret: takeBytes(fields, 'encrypted_secret', LENGTHS.encryptedSecret),
    encryptedSecretCommitment: takeBytes(
      fields,
      'encrypted_secret_commitment',
      LENGTHS.encryptedSecretCommitment,
    ),
  }
}

/** Writes a response. */
export function encodeResponse(response: RealmResponse): Uint8Array {
  return encodeCbor({ [VARIANTS[response.kind]]: statusOf(response) })
}

function statusOf(response: RealmResponse): CborValue {
  if (response.kind === 'recover1' && response.status === 'ok') return { Ok: { version: response.version } }
  if (response.kind === 'recover2' && response.status === 'ok')
    return { Ok: evaluationFields(response.evaluation) }
  if (response.kind === 'recover3' && response.status === 'ok') return { Ok: shareFields(response.share) }
  if (response.kind === 'recover3' && response.status === 'bad-unlock-key-tag') {
    return { BadUnlockKeyTag: { guesses_remaining: response.guessesRemaining } }
  }
  const bare = Object.entries<RealmResponse>(BARE[response.kind])
  const name = bare.find(([, { status }]) => status === response.status)?.[0]
  if (name === undefined) throw malformed('status')
  return name
}

function evaluationFields(evaluation: Evaluation): CborValue {
  return {
    oprf_signed_public_key: encodeSignedPublicKey(evaluation.signedPublicKey),
    oprf_blinded_result: evaluation.blindedResult,
    oprf_proof: { c: evaluation.proof.c, beta_z: evaluation.proof.betaZ },
    unlock_key_commitment: evaluation.unlockKeyCommitment,
    num_guesses: evaluation.numGuesses,
    guess_count: evaluation.guessCount,
  }
}

function shareFields(share: Share): Readonly<Record<string, Uint8Array>> {
  return {
    encryption_key_scalar_share: share.encryptionKeyShare,
    encrypted_secret: share.encryptedSecret,
    encrypted_secret_commitment: share.encryptedSecretCommitment,
  }
}
