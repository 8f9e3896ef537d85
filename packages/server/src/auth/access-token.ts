/**
 * Access tokens: EdDSA JWTs of ten minutes. They say who asks; whether the session still lives, the database says.
 */
import { SignJWT, errors, jwtVerify } from 'jose'
import { z } from 'zod'
import { Refusal } from '../http/refusal.ts'
import { isUuid } from '../http/uuid.ts'
import type { SigningKey } from './keys.ts'

export const ACCESS_TOKEN_SECONDS = 600

const AUDIENCE = 'keyhaven'
const TYPE = 'at+jwt'

/** Whom an access token names: account and session are UUIDs, the device 32 hex digits. */
export interface AccessClaims {
  readonly accountId: string
  readonly sessionId: string
  readonly deviceId: string
}

/** What signs and checks access tokens. `issuer` is the server's public origin. */
export interface AccessTokenContext {
  readonly key: SigningKey
  readonly issuer: string
  readonly now: Date
}

const claimsSchema = z.object({
  sub: z.string().refine(isUuid),
  sid: z.string().refine(isUuid),
  device: z.string().regex(/^[0-9a-f]{32}$/),
})

/** A signed token of {@link ACCESS_TOKEN_SECONDS}. */
export async function signAccessToken(claims: AccessClaims, context: AccessTokenContext): Promise<string> {
  const issuedAt = Math.floor(context.now.getTime() / 1000)
  return new SignJWT({ sid: claims.sessionId, device: claims.deviceId })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE })
    .setIssuer(context.issuer)
    .setAudience(AUDIENCE)
    .setSubject(claims.accountId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ACCESS_TOKEN_SECONDS)
    .sign(context.key.privateKey)
}

/** The claims of an `Authorization` header; anything but a good token is `ERR_SIGNED_OUT`. */
export async function verifyAccessToken(
  authorization: string | undefined,
  context: AccessTokenContext,
): Promise<AccessClaims> {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) throw signedOut()
  const payload = await verify(token, context)
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success) throw signedOut()
  return { accountId: claims.data.sub, sessionId: claims.data.sid, deviceId: claims.data.device }
}

/** The refusal of every request that is not signed in. */
export function signedOut(): Refusal {
  return new Refusal('ERR_SIGNED_OUT', { headers: { 'WWW-Authenticate': 'Bearer' } })
}

async function verify(token: string, context: AccessTokenContext): Promise<unknown> {
  try {
    const { payload } = await jwtVerify(token, context.key.publicKey, {
      algorithms: ['EdDSA'],
      audience: AUDIENCE,
      issuer: context.issuer,
      typ: TYPE,
      currentDate: context.now,
      requiredClaims: ['exp', 'iat', 'sub'],
    })
    return payload
  } catch (fault) {
    if (fault instanceof errors.JOSEError) throw signedOut()
    throw fault
  }
}
