/**
 * Realm tokens: JWTs by which a tenant's app tells the realm whose record a client may use (recovery-protocol.md, "Tokens").
 *
 * The key that the token's `kid` names fixes the algorithm; the token's own `alg` chooses nothing.
 */
import type { JWTPayload } from 'jose'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { concat, lp, sha256, toHex } from 'keyhaven/crypto'
import type { TenantKeys } from '../settings/tenants.ts'
import { createSignatureCheck } from './token-signature.ts'

/** JWS compact serialization (RFC 7515, 7.1): what is signed, and the signature. */
const COMPACT = /^([\w-]+\.[\w-]+)\.([\w-]+)$/
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
export type VerifyRealmToken = (token: string, now: Date, scope?: TokenScope) => RealmIdentity | undefined

/** A verifier with its keys parsed once. */
export function createTokenVerifier(input: {
  readonly tenants: TenantKeys
  readonly realmId: Uint8Array
}): VerifyRealmToken {
  const audience = toHex(input.realmId)
  const keys = new Map(
    [...input.tenants].map(([name, { algorithm, data }]) => [
      name,
      { algorithm, isSigned: createSignatureCheck(algorithm, data) },
    ]),
  )
  return (token, now, scope = 'user') => {
    if (token.length > LONGEST_TOKEN) return undefined
    const [, signed, signature] = COMPACT.exec(token) ?? []
    if (signed === undefined || signature === undefined) return undefined
    try {
      const { kid: name = '', alg, crit } = decodeProtectedHeader(token)
      const tenant = KEY_NAME.exec(name)?.[1]
      const entry = keys.get(name)
      if (tenant === undefined || entry === undefined) return undefined
      // No extension is known here, so one that has to be understood is not (RFC 7515, 4.1.11).
      if (alg !== entry.algorithm || crit !== undefined) return undefined
      if (!entry.isSigned(Buffer.from(signed), Buffer.from(signature, 'base64url'))) return undefined
      const payload = decodeJwt(token)
      if (payload.iss !== tenant || payload.aud !== audience || !isCurrent(payload, now)) return undefined
      return scope === 'user' ? identify(tenant, payload) : identifyAuditor(tenant, payload)
    } catch {
      // Whatever is wrong with a token, the answer is the same.
      return undefined
    }
  }
}

/** Times in whole seconds, both ends there, at most a day apart; what is in a token comes from outside, whatever its type says. */
function isCurrent({ exp, nbf, iat }: Readonly<Record<string, unknown>>, date: Date): boolean {
  const now = Math.floor(date.getTime() / 1000)
  if (typeof exp !== 'number' || typeof nbf !== 'number') return false
  if (iat !== undefined && typeof iat !== 'number') return false
  return exp > now - LEEWAY_SECONDS && nbf <= now + LEEWAY_SECONDS && exp - nbf <= LONGEST_LIFE_SECONDS
}

function identify(tenant: string, payload: JWTPayload): RealmIdentity | undefined {
  const { sub, scope, keyhaven_context: context } = payload
  if (typeof sub !== 'string' || sub === '') return undefined
  if (scope !== undefined && scope !== 'user') return undefined
  const isNote = typeof context === 'string' && context.length <= LONGEST_CONTEXT
  return { tenant, subject: sub, context: isNote ? context : undefined }
}

/** Only a token that says so reads a feed: one of a user never does. */
function identifyAuditor(tenant: string, payload: JWTPayload): RealmIdentity | undefined {
  if (payload['scope'] !== 'audit') return undefined
  return { tenant, subject: '', context: undefined }
}

/** The key of the table: SHA-256(lp(tenant) ‖ lp(subject)). */
export function deriveRecordId({ tenant, subject }: RealmIdentity): Uint8Array {
  return sha256(concat(lp(tenant), lp(subject)))
}
