/**
 * Realm tokens of our own tenant: who may ask a realm about one registration (recovery-protocol.md, "Tokens").
 *
 * The subject binds account and registration, so that no user can name another user's record. The context tells
 * the issuing server alone which account and device a realm's event belongs to.
 */
import { SignJWT } from 'jose'
import {
  concat,
  lp,
  openAead,
  parseBase64Url,
  parseHex,
  randomBytes,
  sealAead,
  sha256,
  toBase64Url,
  toHex,
} from 'keyhaven/crypto'
import { isKeyhavenError } from 'keyhaven'
import { formatUuid, parseUuid } from '../http/uuid.ts'
import { OWN_TENANT } from '../settings/tenants.ts'
import type { SigningKey } from './keys.ts'

/** The tenant of this server's own users. */
export const REALM_TENANT: string = OWN_TENANT
/** The tokens' `kid`: tenant and key version. */
export const REALM_TOKEN_KEY_NAME = 'keyhaven:1'

const LIFETIME_SECONDS = 600
const NONCE_LENGTH = 12
const CONTEXT_LABEL = lp('keyhaven/realm-context/v1')

/** Account (UUID) and device (32 hex digits) behind a realm token. */
export interface RealmContext {
  readonly accountId: string
  readonly deviceId: string
}

/** The realm's subject of a registration (32 hex digits) of an account (UUID): 32 hex digits. */
export function deriveRealmSubject(input: {
  readonly accountId: string
  readonly registration: string
}): string {
  const account = parseUuid(input.accountId)
  const registration = parseHex(input.registration, 'registration', 16)
  return toHex(sha256(concat(lp('keyhaven/subject/v1'), lp(account), lp(registration))).subarray(0, 16))
}

/** One token for one realm. */
export async function signRealmToken(input: {
  readonly subject: string
  readonly realmId: string
  readonly context: string
  readonly key: SigningKey
  readonly now: Date
}): Promise<string> {
  const issuedAt = Math.floor(input.now.getTime() / 1000)
  return new SignJWT({ scope: 'user', keyhaven_context: input.context })
    .setProtectedHeader({ alg: 'EdDSA', kid: REALM_TOKEN_KEY_NAME })
    .setIssuer(REALM_TENANT)
    .setAudience(input.realmId)
    .setSubject(input.subject)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + LIFETIME_SECONDS)
    .sign(input.key.privateKey)
}

/** base64url of `nonce (12) ‖ AES-256-GCM(account ‖ device)`. */
export async function sealRealmContext(context: RealmContext, realmContextKey: Uint8Array): Promise<string> {
  const nonce = randomBytes(NONCE_LENGTH)
  const content = concat(parseUuid(context.accountId), parseHex(context.deviceId, 'device', 16))
  const sealed = await sealAead({ key: realmContextKey, nonce, associatedData: CONTEXT_LABEL }, content)
  return toBase64Url(concat(nonce, sealed))
}

/** What {@link sealRealmContext} sealed; `undefined` for a text that this server did not make. */
export async function openRealmContext(
  text: string,
  realmContextKey: Uint8Array,
): Promise<RealmContext | undefined> {
  try {
    const bytes = parseBase64Url(text, 'keyhaven_context')
    const aead = {
      key: realmContextKey,
      nonce: bytes.subarray(0, NONCE_LENGTH),
      associatedData: CONTEXT_LABEL,
    }
    const content = await openAead(aead, bytes.subarray(NONCE_LENGTH))
    return { accountId: formatUuid(content.subarray(0, 16)), deviceId: toHex(content.subarray(16)) }
  } catch (fault) {
    if (isKeyhavenError(fault)) return undefined
    throw fault
  }
}
