/**
 * Realm tokens: JWTs by which a tenant's app tells the realm whose record a client may use (recovery-protocol.md, "Tokens").
 *
 * The key that the token's `kid` names fixes the algorithm; the token's own `alg` chooses nothing.
 */
import type { KeyObject } from 'node:crypto'
import { createPublicKey, createSecretKey } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { concat, lp, sha256, toHex } from 'keyhaven/crypto'
import type { TenantAlgorithm, TenantKeys } from '../settings/tenants.ts'

const KEY_NAME = /^((?:test-)?[a-zA-Z0-9]+):(?:0|[1-9]\d{0,9})$/
const LEEWAY_SECONDS = 5
const LONGEST_LIFE_SECONDS = 86_400
const LONGEST_TOKEN = 4096
const LONGEST_CONTEXT = 1024

/** Whose record a request is about. */
export interface RealmIdentity {
  readonly tenant: string
  readonly subject: string
  /** The sealed note that our own server puts into its tokens. */
  readonly context: string | undefined
}

/** What a token is for: one user's record, or what was done about all of the tenant's. */
export type TokenScope = 'user' | 'audit'

/** Checks a token, a user's unless told; `undefined` for one that is not good here and now. */
export type VerifyRealmToken = (
  token: string,
  now: Date,
  scope?: TokenScope,
) => Promise<RealmIdentity | undefined>

/** A verifier with its keys parsed once. */
export function createTokenVerifier(input: {
  readonly tenants: TenantKeys
  readonly realmId: Uint8Array
}): VerifyRealmToken {
  const audience = toHex(input.realmId)
  const keys = new Map(
    [...input.tenants].map(([name, { algorithm, data }]) => [
      name,
      { algorithm, key: keyOf(algorithm, data) },
    ]),
  )
  return async (token, now, scope = 'user') => {
    if (token.length > LONGEST_TOKEN) return undefined
    try {
      const name = decodeProtectedHeader(token).kid ?? ''
      const tenant = KEY_NAME.exec(name)?.[1]
      const entry = keys.get(name)
      if (tenant === undefined || entry === undefined) return undefined
      const { payload } = await jwtVerify(token, entry.key, {
        algorithms: [entry.algorithm],
        issuer: tenant,
        audience,
        clockTolerance: LEEWAY_SECONDS,
        requiredClaims: ['exp', 'nbf', ...(scope === 'user' ? ['sub'] : [])],
        currentDate: now,
      })
      return scope === 'user' ? identify(tenant, payload) : identifyAuditor(tenant, payload)
    } catch {
      // Whatever is wrong with a token, the answer is the same.
      return undefined
    }
  }
}

/** What jose does not check: one audience, a bounded life, a subject, the scope. */
function identify(tenant: string, payload: JWTPayload): RealmIdentity | undefined {
  const { sub, scope, keyhaven_context: context } = payload
  if (typeof sub !== 'string' || sub === '' || !isForOneDay(payload)) return undefined
  if (scope !== undefined && scope !== 'user') return undefined
  const isNote = typeof context === 'string' && context.length <= LONGEST_CONTEXT
  return { tenant, subject: sub, context: isNote ? context : undefined }
}

/** Only a token that says so reads a feed: one of a user never does. */
function identifyAuditor(tenant: string, payload: JWTPayload): RealmIdentity | undefined {
  if (payload['scope'] !== 'audit' || !isForOneDay(payload)) return undefined
  return { tenant, subject: '', context: undefined }
}

function isForOneDay({ aud, exp = 0, nbf = 0 }: JWTPayload): boolean {
  return typeof aud === 'string' && exp - nbf <= LONGEST_LIFE_SECONDS
}

/** The key of the table: SHA-256(lp(tenant) ‖ lp(subject)). */
export function deriveRecordId({ tenant, subject }: RealmIdentity): Uint8Array {
  return sha256(concat(lp(tenant), lp(subject)))
}

function keyOf(algorithm: TenantAlgorithm, data: Uint8Array): KeyObject {
  const bytes = Buffer.from(data)
  return algorithm === 'HS256'
    ? createSecretKey(bytes)
    : createPublicKey({ key: bytes, format: 'der', type: 'spki' })
}
