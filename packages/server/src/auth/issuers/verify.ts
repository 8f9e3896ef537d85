/**
 * Tokens of outside issuers: JWTs by which somebody who is signed in elsewhere signs in here (`KEYHAVEN_ISSUERS`).
 *
 * The issuer is chosen among those that the operator named, the key among those that the issuer publishes, and the algorithm has to be
 * one of three that need a private key; nothing of it is the token's choice.
 */
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { JWTVerifyGetKey } from 'jose'
import { isKeyhavenError } from 'keyhaven'
import { Refusal } from '../../http/refusal.ts'
import type { Issuers } from '../../settings/issuers.ts'
import { createKeySet } from './key-set.ts'

const ALGORITHMS = ['EdDSA', 'ES256', 'RS256']
const LEEWAY_SECONDS = 5
/** A token is shown right after it was made; older ones may have been lying about. */
const OLDEST_SECONDS = 600
const LONGEST_SUBJECT = 255

/** Who somebody is elsewhere. */
export interface OutsideIdentity {
  readonly issuer: string
  readonly subject: string
}

/** Checks a token; `ERR_CODE_REJECTED` when it is not good here and now, `ERR_ISSUER_UNAVAILABLE` while its issuer’s keys cannot be had. */
export type VerifyOutsideToken = (token: string) => Promise<OutsideIdentity>

/** A verifier that keeps each issuer’s keys for a while. */
export function createOutsideVerifier(issuers: Issuers, now: () => Date): VerifyOutsideToken {
  const known = new Map(
    [...issuers].map(([issuer, { audience, keys }]) => {
      return [issuer, { audience, find: createKeySet(keys, now) }] as const
    }),
  )
  return async (token) => {
    try {
      const issuer = decodeJwt(token).iss ?? ''
      const entry = known.get(issuer)
      if (entry === undefined || typeof decodeProtectedHeader(token).kid !== 'string') throw rejected()
      return { issuer, subject: await verify(token, { ...entry, issuer, now: now() }) }
    } catch (fault) {
      if (isKeyhavenError(fault, 'ERR_SERVER_UNAVAILABLE')) throw new Refusal('ERR_ISSUER_UNAVAILABLE')
      // jose throws a TypeError for a key that is too weak for its algorithm.
      if (fault instanceof errors.JOSEError || fault instanceof TypeError) throw rejected()
      throw fault
    }
  }
}

async function verify(
  token: string,
  by: {
    readonly issuer: string
    readonly audience: string
    readonly find: JWTVerifyGetKey
    readonly now: Date
  },
): Promise<string> {
  const { payload } = await jwtVerify(token, by.find, {
    algorithms: ALGORITHMS,
    issuer: by.issuer,
    audience: by.audience,
    currentDate: by.now,
    clockTolerance: LEEWAY_SECONDS,
    maxTokenAge: OLDEST_SECONDS,
    requiredClaims: ['exp', 'sub'],
  })
  const { sub = '', aud } = payload
  // A token for several audiences is also in the hands of the others.
  if (typeof aud !== 'string' || sub === '' || sub.length > LONGEST_SUBJECT) throw rejected()
  return sub
}

function rejected(): Refusal {
  return new Refusal('ERR_CODE_REJECTED')
}
