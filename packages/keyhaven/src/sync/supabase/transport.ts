/**
 * Key sync over a Supabase project (docs/supabase.md): its own sign-in, its database behind row-level security and the
 * functions of our migrations, and an Edge Function that signs realm tokens.
 *
 * The database checks no signature; it asks for the generation's write token instead. The access log's head is not signed.
 */
import { KeyhavenError } from '../../errors.ts'
import { toHex } from '../../crypto/index.ts'
import type { Vault } from '../../vault/index.ts'
import { openDevice } from '../device/device.ts'
import { bindAccount } from '../device/session-record.ts'
import { answerMalformed, readBase64, readFields } from '../format/fields.ts'
import { parseAccountId } from '../steps/context.ts'
import { httpTransport } from '../transport/http.ts'
import type { KeySyncTransport, LogPage } from '../transport/transport.ts'
import { createCall, faultOf, throwIfAborted } from './call.ts'
import type { Call, SupabaseClientParts } from './call.ts'
import { carry } from './requests.ts'
import { readNextTokenHash, readWriteToken } from './write-token.ts'

export interface SupabaseTransportOptions {
  /** This device's vault, unlocked. */
  readonly vault: Vault
  /** 1 to 64 characters. */
  readonly deviceLabel: string
  /** The Edge Function that signs realm tokens; `keyhaven-realm-tokens` unless told. */
  readonly realmTokens?: string
}

/**
 * A transport over a client whose person is signed in: else `ERR_SIGNED_OUT`. Makes this device known to the project.
 * `ERR_ACCOUNT_MISMATCH` when the vault belongs to another account.
 */
export async function supabaseTransport(
  client: SupabaseClientParts,
  options: SupabaseTransportOptions,
): Promise<KeySyncTransport> {
  const { vault, deviceLabel } = options
  const { data } = await client.auth.getSession()
  if (data.session === null) throw new KeyhavenError('ERR_SIGNED_OUT', undefined)
  const { id: accountId, phone = '' } = data.session.user
  const account = parseAccountId(accountId)
  await bindAccount(vault, accountId)
  const deviceId = toHex((await openDevice(vault, deviceLabel)).id)
  const call = createCall(client, deviceId)
  await call('enter', { p_label: deviceLabel }, undefined)
  const tokens = {
    current: () => readWriteToken(vault, account),
    nextHash: () => readNextTokenHash(vault, account),
  }
  const session = {
    origin: 'supabase',
    accountId,
    // Supabase writes numbers without the plus.
    phone: phone === '' || phone.startsWith('+') ? phone : `+${phone}`,
    deviceId,
    request: (request: Parameters<typeof carry>[0]) => carry(request, call, tokens),
  }
  return {
    ...httpTransport({ session }),
    accessLogUnsigned: true,
    readSegments: (after, signal) => readSegments(call, after, signal),
    realmTokens: async ({ registration, realmIds }, signal) => {
      const body = { device: deviceId, registration, realmIds }
      const name = options.realmTokens ?? 'keyhaven-realm-tokens'
      return askRealmTokens(client, { name, body, signal })
    },
  }
}

async function readSegments(call: Call, after: number, signal: AbortSignal | undefined): Promise<LogPage> {
  const fields = readFields(asMaps(await call('segments', { p_after: after }, signal)), answerMalformed)
  let last = after
  const frames = fields.list('frames').map((item) => {
    const frame = readFields(item, answerMalformed)
    const cursor = frame.integer('cursor')
    if (cursor <= last) throw answerMalformed()
    last = cursor
    return { cursor, bytes: readBase64(frame.text('segment')) }
  })
  return { frames, newest: fields.integer('newest') }
}

async function askRealmTokens(
  client: SupabaseClientParts,
  asked: { readonly name: string; readonly body: object; readonly signal: AbortSignal | undefined },
): Promise<ReadonlyMap<string, string>> {
  const { name, body, signal } = asked
  const answer = await client.functions.invoke(name, {
    body: { ...body },
    ...(signal !== undefined && { signal }),
  })
  throwIfAborted(signal)
  if (answer.error !== null) throw await functionFault(answer.error)
  const tokens = readFields(asMaps(answer.data), answerMalformed).map('tokens')
  return new Map(
    [...tokens].map(([realm, token]) => {
      if (typeof realm !== 'string' || typeof token !== 'string') throw answerMalformed()
      return [realm, token] as const
    }),
  )
}

async function functionFault(error: unknown): Promise<KeyhavenError> {
  const response = error instanceof Error && 'context' in error ? error.context : undefined
  if (!(response instanceof Response)) return faultOf({ status: 0, code: '' })
  const code = await response.text().catch(() => '')
  return faultOf({ status: response.status, code: /"code":"(ERR_[A-Z_]+)"/.exec(code)?.[1] ?? '' })
}

/** JSON's objects as maps, so that no name in them can reach a prototype. */
function asMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asMaps)
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([name, item]) => [name, asMaps(item)]))
}
