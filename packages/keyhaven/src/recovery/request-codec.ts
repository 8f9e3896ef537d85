/**
 * Requests to CBOR and back.
 */
import type { CborValue } from './cbor.ts'
import { asFields, asVariant, encodeCbor, malformed, parseCbor, takeBytes, takeInteger } from './cbor.ts'
import { encodeSignedPublicKey, takePoint, takeScalar, takeSignedPublicKey } from './field-checks.ts'
import { groupNoble } from './group-noble.ts'
import type { Group } from './group.ts'
import { LENGTHS, REQUEST_LIMIT } from './messages.ts'
import type { RealmRequest, Recover2Request, Recover3Request, Register2Request } from './messages.ts'

/**
 * Reads a request of at most 2048 bytes. `ERR_MESSAGE_MALFORMED` for anything that is not one, for scalars and
 * points that are zero, the identity or not canonical, and for `num_guesses` 0.
 */
export function parseRequest(body: Uint8Array, group: Group = groupNoble): RealmRequest {
  const value = parseCbor(body, REQUEST_LIMIT)
  if (typeof value === 'string') return parseBareRequest(value)
  const { name, contents } = asVariant(value)
  switch (name) {
    case 'Register2':
      return parseRegister2(contents, group)
    case 'Recover2':
      return parseRecover2(contents, group)
    case 'Recover3':
      return parseRecover3(contents)
    default:
      throw malformed('request')
  }
}

function parseBareRequest(name: string): RealmRequest {
  switch (name) {
    case 'Register1':
      return { kind: 'register1' }
    case 'Recover1':
      return { kind: 'recover1' }
    case 'Delete':
      return { kind: 'delete' }
    default:
      throw malformed('request')
  }
}

function parseRegister2(contents: unknown, group: Group): Register2Request {
  const fields = asFields(contents)
  return {
    kind: 'register2',
    version: takeBytes(fields, 'version', LENGTHS.version),
    registration: {
      oprfPrivateKey: takeScalar(fields, 'oprf_private_key'),
      signedPublicKey: takeSignedPublicKey(group, fields),
      unlockKeyCommitment: takeBytes(fields, 'unlock_key_commitment', LENGTHS.unlockKeyCommitment),
      encryptionKeyShare: takeScalar(fields, 'encryption_key_scalar_share'),
      encryptedSecret: takeBytes(fields, 'encrypted_secret', LENGTHS.encryptedSecret),
      encryptedSecretCommitment: takeBytes(
        fields,
        'encrypted_secret_commitment',
        LENGTHS.encryptedSecretCommitment,
      ),
    },
    unlockKeyTag: takeBytes(fields, 'unlock_key_tag', LENGTHS.unlockKeyTag),
    numGuesses: takeInteger(asFields(fields.get('policy')), 'num_guesses', 1, 0xffff),
  }
}

function parseRecover2(contents: unknown, group: Group): Recover2Request {
  const fields = asFields(contents)
  return {
    kind: 'recover2',
    version: takeBytes(fields, 'version', LENGTHS.version),
    blindedInput: takePoint(group, fields, 'oprf_blinded_input'),
  }
}

function parseRecover3(contents: unknown): Recover3Request {
  const fields = asFields(contents)
  return {
    kind: 'recover3',
    version: takeBytes(fields, 'version', LENGTHS.version),
    unlockKeyTag: takeBytes(fields, 'unlock_key_tag', LENGTHS.unlockKeyTag),
  }
}

/** Writes a request. */
export function encodeRequest(request: RealmRequest): Uint8Array {
  switch (request.kind) {
    case 'register1':
      return encodeCbor('Register1')
    case 'recover1':
      return encodeCbor('Recover1')
    case 'delete':
      return encodeCbor('Delete')
    case 'register2':
      return encodeCbor({ Register2: register2Fields(request) })
    case 'recover2':
      return encodeCbor({
        Recover2: { version: request.version, oprf_blinded_input: request.blindedInput },
      })
    case 'recover3':
      return encodeCbor({ Recover3: { version: request.version, unlock_key_tag: request.unlockKeyTag } })
  }
}

function register2Fields(request: Register2Request): CborValue {
  const { registration } = request
  return {
    version: request.version,
    oprf_private_key: registration.oprfPrivateKey,
    oprf_signed_public_key: encodeSignedPublicKey(registration.signedPublicKey),
    unlock_key_commitment: registration.unlockKeyCommitment,
    unlock_key_tag: request.unlockKeyTag,
    encryption_key_scalar_share: registration.encryptionKeyShare,
    encrypted_secret: registration.encryptedSecret,
    encrypted_secret_commitment: registration.encryptedSecretCommitment,
    policy: { num_guesses: request.numGuesses },
  }
}
