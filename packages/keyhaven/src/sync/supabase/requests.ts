/**
 * Key sync's requests (docs/protocol.md) as calls of the database's functions, so that both ways share one reading and one
 * checking of what is answered.
 */
import { toBase64, utf8 } from '../../crypto/index.ts'
import type { Answer } from '../transport/exchange.ts'
import type { SessionRequest } from '../transport/session.ts'
import type { Call } from './call.ts'
import { faultOf } from './call.ts'

/** What shows the database that a device has the backup open; hex. */
export interface WriteTokens {
  readonly current: () => Promise<string | null>
  /** SHA-256 of the one that the change under way brings. */
  readonly nextHash: () => Promise<string | null>
}

interface Asked {
  /** What the path's pattern caught. */
  readonly id: string
  readonly query: URLSearchParams
  readonly json: Readonly<Record<string, unknown>>
  readonly bytes: Uint8Array
  readonly tokens: WriteTokens
}

type Parameters = Readonly<Record<string, unknown>>
type Route = readonly [
  request: string,
  name: string,
  parameters?: (asked: Asked) => Parameters | Promise<Parameters>,
]

const ROUTES: readonly Route[] = [
  ['GET /v1/pointer', 'pointer'],
  [
    'POST /v1/pointer/pending',
    'begin_change',
    async ({ json, tokens }) => ({
      p_expected_etag: json['expectedEtag'],
      p_registration: json['registration'],
      p_generation: json['generation'],
      p_realms: json['realms'],
      p_token: await tokens.current(),
    }),
  ],
  ['POST /v1/pointer/abandon', 'abandon_change', ({ json }) => ({ p_registration: json['registration'] })],
  [
    'POST /v1/pointer/commit',
    'commit_change',
    async ({ json, tokens }) => ({
      p_commit: json,
      p_token: await tokens.current(),
      p_next_token_hash: await tokens.nextHash(),
    }),
  ],
  ['DELETE /v1/pointer/retired/{id}', 'release_registration', ({ id }) => ({ p_registration: id })],
  [
    'PUT /v1/log/segments/{id}',
    'put_segment',
    async ({ id, bytes, query, tokens }) => ({
      p_id: id,
      p_segment: toBase64(bytes),
      p_registration: query.get('registration'),
      p_token: await tokens.current(),
    }),
  ],
  [
    'PUT /v1/log/slots/{id}',
    'put_slot',
    async ({ id, json, query, tokens }) => ({
      p_way: id,
      p_slot: json['slot'],
      p_generation: json['generation'],
      p_registration: query.get('registration'),
      p_token: await tokens.current(),
    }),
  ],
  ['GET /v1/log/heads', 'heads'],
  ['GET /v1/log/slots', 'slots'],
  [
    'GET /v1/access-log',
    'access_log',
    ({ query }) => ({ p_before: numberIn(query, 'before'), p_limit: numberIn(query, 'limit') }),
  ],
  [
    'POST /v1/access-log/restored',
    'restored',
    ({ json }) => ({
      p_success: json['success'],
      p_identity_keys: json['identityKeys'],
      p_conversation_keys: json['conversationKeys'],
    }),
  ],
  ['GET /v1/devices', 'devices'],
  ['PATCH /v1/devices/{id}', 'rename_device', ({ id, json }) => ({ p_id: id, p_label: json['label'] })],
  [
    'DELETE /v1/devices/{id}',
    'remove_device',
    async ({ id, tokens }) => ({ p_id: id, p_token: await tokens.current() }),
  ],
  [
    'POST /v1/removals',
    'request_removal',
    async ({ json, tokens }) => ({
      p_kind: json['kind'],
      p_etag: json['etag'],
      p_signature: json['signature'] ?? null,
      p_leave: json['leaveRegistrations'] ?? false,
      p_token: await tokens.current(),
    }),
  ],
  ['POST /v1/removals/keep', 'keep_backup', async ({ tokens }) => ({ p_token: await tokens.current() })],
  ['PUT /v1/link/{id}', 'offer_link', ({ id, json }) => ({ p_id: id, p_message: json['message'] })],
  ['GET /v1/link', 'link'],
  [
    'POST /v1/link/{id}/messages',
    'add_link_message',
    ({ id, json }) => ({ p_id: id, p_index: json['index'], p_message: json['message'] }),
  ],
  ['DELETE /v1/link/{id}', 'close_link', ({ id }) => ({ p_id: id })],
  ['GET /v1/account', 'account'],
]

/** Carries a request; what Supabase itself does, such as another phone number, is 404 `ERR_NOT_FOUND`. */
export async function carry(request: SessionRequest, call: Call, tokens: WriteTokens): Promise<Answer> {
  const [path = '', search = ''] = request.path.split('?')
  for (const [pattern, name, parameters] of ROUTES) {
    const id = matchRoute(`${request.method} ${path}`, pattern)
    if (id === undefined) continue
    const asked = {
      id,
      query: new URLSearchParams(search),
      json: (request.json ?? {}) as Parameters,
      bytes: request.bytes ?? new Uint8Array(),
      tokens,
    }
    const data = await call(name, (await parameters?.(asked)) ?? {}, request.signal)
    return { status: 200, headers: new Headers(), bytes: utf8(JSON.stringify(data)) }
  }
  throw faultOf({ status: 404, code: 'ERR_NOT_FOUND' })
}

/** The id in the request's path, empty where the pattern has none; `undefined` for another request. */
function matchRoute(asked: string, pattern: string): string | undefined {
  const [before = '', after] = pattern.split('{id}')
  if (after === undefined) return asked === pattern ? '' : undefined
  const id = asked.slice(before.length, asked.length - after.length)
  return asked === before + id + after && /^[0-9a-f]+$/.test(id) ? id : undefined
}

function numberIn(query: URLSearchParams, name: string): number | null {
  const text = query.get(name)
  return text === null ? null : Number(text)
}
