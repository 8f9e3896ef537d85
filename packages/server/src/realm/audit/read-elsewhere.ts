/**
 * The audit feed at another operator's realm, where users of this server have shares: read with a token that its own token key signs,
 * and that leaves this process for that realm alone.
 */
import { SignJWT } from 'jose'
import { z } from 'zod'
import { KeyhavenError, isKeyhavenError } from 'keyhaven'
import { parseUtf8 } from 'keyhaven/crypto'
import type { SigningKey } from '../../auth/keys.ts'
import { deriveRealmTokenKey } from '../../auth/keys.ts'
import { REALM_TENANT, REALM_TOKEN_KEY_NAME } from '../../auth/realm-token.ts'
import { readTokenKey } from '../../data/keys.ts'
import { readAnswer } from '../../http/read-answer.ts'
import { auditAnswer } from '../../openapi/answers.ts'
import { parseSecureUrl } from '../../settings/origin.ts'
import type { RealmSettings } from '../../settings/settings.ts'
import type { AuditPage } from './audit.ts'

const DEADLINE_MS = 30_000
/** A thousand events have a fifth of it. */
const MOST_BYTES = 1024 * 1024
/** Clocks of two operators differ. */
const EARLIER_SECONDS = 60
const LIFETIME_SECONDS = 300

export interface ElsewhereInput {
  readonly settings: Pick<RealmSettings, 'dataDirectory' | 'keyFiles'>
  /** As in a configuration: https, or http of this machine, ending in `/`. */
  readonly address: string
  /** 32 hex digits. From the configuration: a realm that named its own could ask for a token that another one takes. */
  readonly realmId: string
  readonly after?: string | undefined
  readonly limit: number
  readonly signal?: AbortSignal
}

/**
 * One page. `ERR_SETTING_INVALID` without the token key or for a plain address, `ERR_SERVER_REFUSED` with the realm's code,
 * `ERR_RATE_LIMITED`, `ERR_SERVER_UNAVAILABLE` for what does not answer, or answers something else.
 */
export async function readAuditElsewhere(input: ElsewhereInput): Promise<AuditPage> {
  const url = new URL('audit', parseSecureUrl(input.address, '--address'))
  url.searchParams.set('limit', String(input.limit))
  if (input.after !== undefined) url.searchParams.set('after', input.after)
  const token = await signAuditToken(input.realmId, deriveRealmTokenKey(readTokenKey(input.settings)))
  const { answer, bytes } = await ask(url, { token, signal: input.signal })
  const body = parseJson(bytes)
  if (answer.ok) return requirePage(body)
  throw refusalOf(answer, body)
}

async function signAuditToken(realmId: string, key: SigningKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ scope: 'audit' })
    .setProtectedHeader({ alg: 'EdDSA', kid: REALM_TOKEN_KEY_NAME })
    .setIssuer(REALM_TENANT)
    .setAudience(realmId)
    .setNotBefore(now - EARLIER_SECONDS)
    .setExpirationTime(now + LIFETIME_SECONDS)
    .sign(key.privateKey)
}

async function ask(
  url: URL,
  { token, signal }: { readonly token: string; readonly signal: AbortSignal | undefined },
): Promise<{ readonly answer: Response; readonly bytes: Uint8Array }> {
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  try {
    const answer = await fetch(url, {
      // Whoever could make the realm redirect would else get the token.
      redirect: 'error',
      headers: { Authorization: `Bearer ${token}` },
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    })
    return { answer, bytes: await readAnswer(answer, MOST_BYTES) }
  } catch (fault) {
    if (isKeyhavenError(fault)) throw fault
    if (signal?.aborted === true) throw new KeyhavenError('ERR_ABORTED', undefined)
    throw unavailable(deadline.aborted ? 'timeout' : 'network')
  }
}

function unavailable(fault: 'network' | 'timeout' | 'status' | 'body'): KeyhavenError {
  return new KeyhavenError('ERR_SERVER_UNAVAILABLE', { fault, retryable: fault !== 'body' })
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(parseUtf8(bytes))
  } catch (fault) {
    if (fault instanceof SyntaxError || isKeyhavenError(fault)) return undefined
    throw fault
  }
}

function requirePage(body: unknown): AuditPage {
  const parsed = auditAnswer.safeParse(body)
  if (parsed.success) return parsed.data
  throw unavailable('body')
}

/** Another operator's word is only taken for a code that looks like one. */
function refusalOf({ status, headers }: Response, body: unknown): KeyhavenError {
  if (status >= 500) return unavailable('status')
  if (status === 429) {
    const seconds = Number(headers.get('retry-after'))
    const retryAfterSeconds = seconds > 0 && seconds <= 86_400 ? seconds : 60
    return new KeyhavenError('ERR_RATE_LIMITED', { retryAfterSeconds })
  }
  const { data } = refusalShape.safeParse(body)
  return new KeyhavenError('ERR_SERVER_REFUSED', { rule: data?.error.code ?? 'unknown', status })
}

const refusalShape = z.object({ error: z.object({ code: z.string().regex(/^ERR_[A-Z_]{1,60}$/) }) })
