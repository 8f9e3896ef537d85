/**
 * The keys of sign-in, tokens and the access log, all derived from three 32-byte keys that lie outside the database: the
 * token key, the phone key and the chain key.
 *
 * Every process over one database must hold the same three. Each derived key has one purpose.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { concat, deriveEd25519PublicKey, deriveKey, lp } from 'keyhaven/crypto'

/** The three keys that an operator keeps, 32 bytes each. */
export interface AuthSecrets {
  readonly tokenKey: Uint8Array
  readonly phoneKey: Uint8Array
  readonly chainKey: Uint8Array
}

/** An Ed25519 key pair in the forms that its users take. */
export interface SigningKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** DER, SubjectPublicKeyInfo (RFC 8410). */
  readonly publicKeySpki: Uint8Array
  /** 32 bytes. */
  readonly publicKeyBytes: Uint8Array
}

/** What the sign-in, the tokens and the access log work with. */
export interface AuthKeys {
  readonly accessToken: SigningKey
  readonly realmToken: SigningKey
  readonly realmContext: Uint8Array
  readonly signInCode: Uint8Array
  readonly refreshToken: Uint8Array
  readonly rateLimit: Uint8Array
  readonly phoneHash: Uint8Array
  readonly phoneSeal: Uint8Array
  /** Finds the accounts of outside issuers' subjects. */
  readonly outsideHash: Uint8Array
  /** Signs the heads of access logs. */
  readonly accessLog: SigningKey
}

/** All keys of {@link AuthKeys}. */
export function deriveAuthKeys({ tokenKey, phoneKey, chainKey }: AuthSecrets): AuthKeys {
  return {
    accessToken: deriveSigningKey(tokenKey, 'keyhaven/access-token/v1'),
    realmToken: deriveRealmTokenKey(tokenKey),
    realmContext: deriveKey({ secret: tokenKey, info: lp('keyhaven/realm-context/v1') }),
    signInCode: deriveKey({ secret: tokenKey, info: lp('keyhaven/sign-in-code/v1') }),
    refreshToken: deriveKey({ secret: tokenKey, info: lp('keyhaven/refresh-token/v1') }),
    rateLimit: deriveKey({ secret: tokenKey, info: lp('keyhaven/rate-limit/v1') }),
    phoneHash: deriveKey({ secret: phoneKey, info: lp('keyhaven/phone-hash/v1') }),
    phoneSeal: deriveKey({ secret: phoneKey, info: lp('keyhaven/phone-seal/v1') }),
    outsideHash: deriveKey({ secret: phoneKey, info: lp('keyhaven/outside-hash/v1') }),
    accessLog: deriveSigningKey(chainKey, 'keyhaven/access-log-key/v1'),
  }
}

/** The key pair of realm tokens (tenant `keyhaven`, key version 1): the realm verifies with its public half. */
export function deriveRealmTokenKey(tokenKey: Uint8Array): SigningKey {
  return deriveSigningKey(tokenKey, 'keyhaven/realm-token/v1')
}

function deriveSigningKey(secret: Uint8Array, purpose: string): SigningKey {
  const seed = deriveKey({ secret, info: lp(purpose) })
  const publicKeyBytes = deriveEd25519PublicKey(seed)
  const publicKeySpki = concat(SPKI_PREFIX, publicKeyBytes)
  return {
    privateKey: createPrivateKey({
      key: Buffer.from(concat(PKCS8_PREFIX, seed)),
      format: 'der',
      type: 'pkcs8',
    }),
    publicKey: createPublicKey({ key: Buffer.from(publicKeySpki), format: 'der', type: 'spki' }),
    publicKeySpki,
    publicKeyBytes,
  }
}

/** DER of everything before the 32 bytes of the key (RFC 8410 sections 4 and 7). */
const SPKI_PREFIX = Uint8Array.from(Buffer.from('302a300506032b6570032100', 'hex'))
const PKCS8_PREFIX = Uint8Array.from(Buffer.from('302e020100300506032b657004220420', 'hex'))
