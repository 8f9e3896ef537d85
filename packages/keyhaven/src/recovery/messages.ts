/**
 * The protocol's messages as values: what a client asks of a realm and what a realm answers.
 *
 * The CBOR shapes are those of the Juicebox Protocol; `request-codec.ts` and `response-codec.ts` read and write them.
 * All byte strings have the fixed lengths named in {@link LENGTHS}; scalars and points have passed `isScalar` and
 * `isPoint` when they come out of a parser.
 */

/** Lengths in bytes of every byte string on the wire. */
export const LENGTHS = {
  realmId: 16,
  version: 16,
  scalar: 32,
  point: 32,
  verifyingKey: 32,
  signature: 64,
  unlockKeyCommitment: 32,
  unlockKeyTag: 16,
  encryptedSecret: 145,
  encryptedSecretCommitment: 16,
} as const

/** A request body holds at most this many bytes. */
export const REQUEST_LIMIT = 2048

/** An answer's body holds at most this many bytes; the largest that the protocol knows has about 600. */
export const RESPONSE_LIMIT = 4096

/** A realm's OPRF public key, signed by the registration's one-time Ed25519 key. */
export interface SignedPublicKey {
  readonly publicKey: Uint8Array
  readonly verifyingKey: Uint8Array
  readonly signature: Uint8Array
}

/** What a realm keeps sealed of a registration. */
export interface Registration {
  readonly oprfPrivateKey: Uint8Array
  readonly signedPublicKey: SignedPublicKey
  readonly unlockKeyCommitment: Uint8Array
  readonly encryptionKeyShare: Uint8Array
  readonly encryptedSecret: Uint8Array
  readonly encryptedSecretCommitment: Uint8Array
}

export interface Register2Request {
  readonly kind: 'register2'
  readonly version: Uint8Array
  readonly registration: Registration
  readonly unlockKeyTag: Uint8Array
  /** 1 to 65535. */
  readonly numGuesses: number
}

export interface Recover2Request {
  readonly kind: 'recover2'
  readonly version: Uint8Array
  readonly blindedInput: Uint8Array
}

export interface Recover3Request {
  readonly kind: 'recover3'
  readonly version: Uint8Array
  readonly unlockKeyTag: Uint8Array
}

export type RealmRequest =
  | { readonly kind: 'register1' }
  | Register2Request
  | { readonly kind: 'recover1' }
  | Recover2Request
  | Recover3Request
  | { readonly kind: 'delete' }

/** A proof that a realm evaluated with the private half of its public key. */
export interface OprfProof {
  readonly c: Uint8Array
  readonly betaZ: Uint8Array
}

/** What a realm answers to Recover2. */
export interface Evaluation {
  readonly signedPublicKey: SignedPublicKey
  readonly blindedResult: Uint8Array
  readonly proof: OprfProof
  readonly unlockKeyCommitment: Uint8Array
  readonly numGuesses: number
  readonly guessCount: number
}

/** What a realm answers to Recover3. */
export interface Share {
  readonly encryptionKeyShare: Uint8Array
  readonly encryptedSecret: Uint8Array
  readonly encryptedSecretCommitment: Uint8Array
}

/** Why a realm does not help with a recovery. */
export type Refusal = 'not-registered' | 'no-guesses'

export type Register1Response = { readonly kind: 'register1'; readonly status: 'ok' }
export type Register2Response = { readonly kind: 'register2'; readonly status: 'ok' }
export type DeleteResponse = { readonly kind: 'delete'; readonly status: 'ok' }
export type Recover1Response =
  | { readonly kind: 'recover1'; readonly status: 'ok'; readonly version: Uint8Array }
  | { readonly kind: 'recover1'; readonly status: Refusal }
export type Recover2Response =
  | { readonly kind: 'recover2'; readonly status: 'ok'; readonly evaluation: Evaluation }
  | { readonly kind: 'recover2'; readonly status: Refusal | 'version-mismatch' }
export type Recover3Response =
  | { readonly kind: 'recover3'; readonly status: 'ok'; readonly share: Share }
  | { readonly kind: 'recover3'; readonly status: 'bad-unlock-key-tag'; readonly guessesRemaining: number }
  | { readonly kind: 'recover3'; readonly status: Refusal | 'version-mismatch' }

export type RealmResponse =
  | Register1Response
  | Register2Response
  | DeleteResponse
  | Recover1Response
  | Recover2Response
  | Recover3Response
