/**
 * Refresh tokens: which session they belong to, a 32-byte secret, and a tag that says that we made them.
 *
 * `base64url(account (16) ‖ session (16) ‖ secret (32) ‖ tag (16))`. The database holds a hash of the secret. The next
 * secret is derived from the one before, so that an answer that was lost can be given again without being stored;
 * the tag tells a token that was spent from one that was made up, so that only the former ends a session.
 */
import { createHmac } from 'node:crypto'
import { concat, lp, parseBase64Url, randomBytes, sha256, toBase64Url } from 'keyhaven/crypto'
import { isKeyhavenError } from 'keyhaven'
import { formatUuid, parseUuid } from '../http/uuid.ts'
import { isSameHash } from './sign-in-code.ts'

const SECRET_LENGTH = 32
const TAG_LENGTH = 16
const LENGTH = 16 + 16 + SECRET_LENGTH + TAG_LENGTH

/** A parsed token; ids are UUIDs. */
export interface RefreshToken {
  readonly accountId: string
  readonly sessionId: string
  readonly secret: Uint8Array
}

/** The first secret of a session. */
export function generateRefreshSecret(): Uint8Array {
  return randomBytes(SECRET_LENGTH)
}

/** The secret that follows `token`'s. */
export function deriveNextSecret(token: RefreshToken, refreshTokenKey: Uint8Array): Uint8Array {
  return mac(refreshTokenKey, 'keyhaven/refresh-next/v1', tokenBytes(token))
}

/** What the database keeps of a secret. The secret has 256 random bits, so a plain hash hides it. */
export function hashRefreshSecret(secret: Uint8Array): Uint8Array {
  return sha256(secret)
}

/** The token as text. */
export function encodeRefreshToken(token: RefreshToken, refreshTokenKey: Uint8Array): string {
  const bytes = tokenBytes(token)
  return toBase64Url(concat(bytes, deriveTag(bytes, refreshTokenKey)))
}

/** The token of a text that this server made; `undefined` for any other. */
export function parseRefreshToken(text: string, refreshTokenKey: Uint8Array): RefreshToken | undefined {
  const bytes = decode(text)
  if (bytes?.length !== LENGTH) return undefined
  const signed = bytes.subarray(0, LENGTH - TAG_LENGTH)
  if (!isSameHash(deriveTag(signed, refreshTokenKey), bytes.subarray(signed.length))) return undefined
  return {
    accountId: formatUuid(signed.subarray(0, 16)),
    sessionId: formatUuid(signed.subarray(16, 32)),
    secret: signed.slice(32),
  }
}

function decode(text: string): Uint8Array | undefined {
  try {
    return parseBase64Url(text, 'refreshToken')
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_INPUT_INVALID')) return undefined
    throw fault
  }
}

function tokenBytes(token: RefreshToken): Uint8Array {
  return concat(parseUuid(token.accountId), parseUuid(token.sessionId), token.secret)
}

function deriveTag(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  return mac(key, 'keyhaven/refresh-tag/v1', bytes).subarray(0, TAG_LENGTH)
}

function mac(key: Uint8Array, purpose: string, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', key)
    .update(concat(lp(purpose), bytes))
    .digest()
}
