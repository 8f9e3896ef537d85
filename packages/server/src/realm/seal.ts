/**
 * The sealed part of a realm's record (docs/formats.md, "Realm record, format 1"): what would let a PIN be searched.
 *
 * The key is not in the database. Its id is in each envelope, so that another key can take over while old records
 * still open. The associated data bind a seal to its record, version and realm.
 */
import {
  AEAD_NONCE_LENGTH,
  concat,
  deriveKey,
  equal,
  importAeadKey,
  lp,
  openAead,
  randomBytes,
  sealAead,
} from 'keyhaven/crypto'
import { KeyhavenError } from 'keyhaven'
import type { Registration } from 'keyhaven/recovery/realm'
import { LENGTHS } from 'keyhaven/recovery/realm'
import { KEY_ID_LENGTH, deriveKeyId } from './seal-keys/source.ts'

const FORMAT = 1
const HEADER_LENGTH = 1 + KEY_ID_LENGTH + AEAD_NONCE_LENGTH

/** Whose registration it is; all of it is authenticated. */
export interface SealedFor {
  readonly recordId: Uint8Array
  readonly version: Uint8Array
}

export interface RegistrationSeal {
  /** Stands in every envelope. */
  readonly keyId: Uint8Array
  seal(owner: SealedFor, registration: Registration): Promise<Uint8Array>
  /** `ERR_ENVELOPE_MALFORMED` for another format, `ERR_ENVELOPE_REJECTED` for another key, record, version or realm. */
  open(owner: SealedFor, sealed: Uint8Array): Promise<Registration>
}

/** Seals under one 32-byte key for one realm. */
export function createRegistrationSeal(input: {
  readonly sealKey: Uint8Array
  readonly realmId: Uint8Array
}): RegistrationSeal {
  const key = importAeadKey(deriveKey({ secret: input.sealKey, info: lp('keyhaven/realm-seal/v1') }))
  const keyId = deriveKeyId(input.sealKey)
  const bindingOf = (header: Uint8Array, owner: SealedFor): Uint8Array =>
    concat(lp('keyhaven/realm-record/v1'), header, lp(input.realmId), lp(owner.recordId), lp(owner.version))
  return {
    keyId,
    async seal(owner, registration) {
      const nonce = randomBytes(AEAD_NONCE_LENGTH)
      const header = concat(Uint8Array.of(FORMAT), keyId, nonce)
      const associatedData = bindingOf(header, owner)
      const content = encodeRegistration(registration)
      return concat(header, await sealAead({ key: await key, nonce, associatedData }, content))
    },
    async open(owner, sealed) {
      const header = sealed.subarray(0, HEADER_LENGTH)
      if (header[0] !== FORMAT) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'version' })
      if (header.length !== HEADER_LENGTH || !equal(keyIdOf(sealed), keyId)) {
        throw new KeyhavenError('ERR_ENVELOPE_REJECTED', undefined)
      }
      const nonce = header.subarray(1 + KEY_ID_LENGTH)
      const associatedData = bindingOf(header, owner)
      const content = await openAead(
        { key: await key, nonce, associatedData },
        sealed.subarray(HEADER_LENGTH),
      )
      return parseRegistration(content)
    },
  }
}

/** The id of the key that an envelope names. */
export function keyIdOf(sealed: Uint8Array): Uint8Array {
  return sealed.subarray(1, 1 + KEY_ID_LENGTH)
}

/** The contents, in this order and with these lengths. */
const FIELDS: readonly { readonly length: number; readonly take: (from: Registration) => Uint8Array }[] = [
  { length: LENGTHS.scalar, take: (from) => from.oprfPrivateKey },
  { length: LENGTHS.point, take: (from) => from.signedPublicKey.publicKey },
  { length: LENGTHS.verifyingKey, take: (from) => from.signedPublicKey.verifyingKey },
  { length: LENGTHS.signature, take: (from) => from.signedPublicKey.signature },
  { length: LENGTHS.unlockKeyCommitment, take: (from) => from.unlockKeyCommitment },
  { length: LENGTHS.scalar, take: (from) => from.encryptionKeyShare },
  { length: LENGTHS.encryptedSecret, take: (from) => from.encryptedSecret },
  { length: LENGTHS.encryptedSecretCommitment, take: (from) => from.encryptedSecretCommitment },
]

/** The contents of a seal, 385 bytes. */
export function encodeRegistration(registration: Registration): Uint8Array {
  return concat(...FIELDS.map(({ take }) => take(registration)))
}

/** `ERR_ENVELOPE_MALFORMED` for another length. */
export function parseRegistration(content: Uint8Array): Registration {
  let offset = 0
  const next = (length: number): Uint8Array => content.slice(offset, (offset += length))
  if (content.length !== FIELDS.reduce((sum, { length }) => sum + length, 0)) {
    throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'length' })
  }
  return {
    oprfPrivateKey: next(LENGTHS.scalar),
    signedPublicKey: {
      publicKey: next(LENGTHS.point),
      verifyingKey: next(LENGTHS.verifyingKey),
      signature: next(LENGTHS.signature),
    },
    unlockKeyCommitment: next(LENGTHS.unlockKeyCommitment),
    encryptionKeyShare: next(LENGTHS.scalar),
    encryptedSecret: next(LENGTHS.encryptedSecret),
    encryptedSecretCommitment: next(LENGTHS.encryptedSecretCommitment),
  }
}
