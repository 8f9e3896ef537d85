/**
 * What runs as an Edge Function of the Supabase project: gives a signed-in person's device tokens for the realms, in
 * exchange for its session. The database says, under that session, whether the registration is the person's own; the key
 * signs for it. Realms know its public half as their tenant `keyhaven` (docs/supabase.md).
 */
import {
  parseHex,
  signEd25519,
  toBase64Url,
  utf8,
  deriveEd25519PublicKey,
  toBase64,
  concat,
} from '../../crypto/index.ts'

const LIFETIME_SECONDS = 600
const MOST_REALMS = 16

export interface RealmTokenOptions {
  /** The project's address. */
  readonly url: string
  /** Its publishable key. */
  readonly publishableKey: string
  /** Ed25519 seed, 64 hex digits: a secret of the function's. Version 1 of the tenant `keyhaven`. */
  readonly seed: string
  readonly fetch?: typeof globalThis.fetch
}

/** The function: takes a request, answers `{ "tokens": { realm id: token } }`. `ERR_INPUT_INVALID` for a seed that is none. */
export function realmTokenHandler(options: RealmTokenOptions): (request: Request) => Promise<Response> {
  const seed = parseHex(options.seed, 'seed', 32)
  return async (request) => {
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: CORS })
    const asked = readAsked(await request.text().catch(() => ''))
    const authorization = request.headers.get('authorization')
    if (asked === undefined || request.method !== 'POST') return refuse(400, 'ERR_BODY_MALFORMED')
    if (authorization === null) return refuse(401, 'ERR_SIGNED_OUT')
    const subject = await findSubject(options, asked, authorization)
    if (subject instanceof Response) return subject
    const tokens = asked.realmIds.map((realm) => [realm, signToken({ seed, subject, realm })] as const)
    return json(200, { tokens: Object.fromEntries(tokens) })
  }
}

/** The public half, in the shape of `KEYHAVEN_TENANTS` at the realms. */
export function realmTokenTenant(seed: string): object {
  const der = concat(
    parseHex('302a300506032b6570032100', 'prefix', 12),
    deriveEd25519PublicKey(parseHex(seed, 'seed', 32)),
  )
  return { keyhaven: { 1: { algorithm: 'EdDSA', encoding: 'base64', data: toBase64(der) } } }
}

interface Asked {
  readonly device: string
  readonly registration: string
  readonly realmIds: readonly string[]
}

function readAsked(text: string): Asked | undefined {
  try {
    const { device, registration, realmIds } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (!isId(device) || !isId(registration) || !Array.isArray(realmIds)) return undefined
    if (realmIds.length < 1 || realmIds.length > MOST_REALMS || !realmIds.every(isId)) return undefined
    return { device, registration, realmIds }
  } catch {
    return undefined
  }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)
}

/** Asks the database as the person himself: it verifies the session, and knows whose registrations are whose. */
async function findSubject(
  { url, publishableKey, fetch = globalThis.fetch }: RealmTokenOptions,
  { device, registration }: Asked,
  authorization: string,
): Promise<string | Response> {
  const answer = await fetch(`${url}/rest/v1/rpc/keyhaven_realm_subject`, {
    method: 'POST',
    headers: { authorization, apikey: publishableKey, 'content-type': 'application/json' },
    body: JSON.stringify({ p_device: device, p_registration: registration }),
  }).catch(() => undefined)
  if (answer === undefined) return refuse(503, 'ERR_DATABASE_UNAVAILABLE')
  const body = (await answer.json().catch(() => ({}))) as Readonly<Record<string, unknown>> | null
  const subject = body?.['subject']
  if (answer.ok && isId(subject)) return subject
  const code = body?.['message']
  const known = typeof code === 'string' && /^ERR_[A-Z_]{1,60}$/.test(code)
  return refuse(answer.ok ? 503 : answer.status, known ? code : 'ERR_DATABASE_UNAVAILABLE')
}

/** A token as docs/protocol.md, "Realm tokens", has it; without a context, since the realm keeps no log of this project. */
function signToken(about: {
  readonly seed: Uint8Array
  readonly subject: string
  readonly realm: string
}): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object): string => toBase64Url(utf8(JSON.stringify(value)))
  const times = { iat: now, nbf: now, exp: now + LIFETIME_SECONDS }
  const claims = { iss: 'keyhaven', sub: about.subject, aud: about.realm, scope: 'user', ...times }
  const signed = `${part({ alg: 'EdDSA', kid: 'keyhaven:1' })}.${part(claims)}`
  return `${signed}.${toBase64Url(signEd25519({ seed: about.seed, message: utf8(signed) }))}`
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'authorization, x-client-info, apikey, content-type',
}

function refuse(status: number, code: string): Response {
  return json(status, { error: { code } })
}

function json(status: number, body: object): Response {
  const headers = { ...CORS, 'content-type': 'application/json', 'cache-control': 'no-store' }
  return new Response(JSON.stringify(body), { status, headers })
}
