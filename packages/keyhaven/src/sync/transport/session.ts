/**
 * Signing in by phone code or by an outside issuer's token, and the session that follows: kept in the vault, refreshed by itself.
 *
 * Processes that share a vault share its session: before a token is refreshed the vault is read again, and the server
 * answers the immediate predecessor of a refresh token for 30 seconds.
 */
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { toHex } from '../../crypto/text.ts'
import type { Vault } from '../../vault/index.ts'
import { findDevice, openDevice } from '../device/device.ts'
import type { Fields } from '../format/fields.ts'
import {
  bindAccount,
  forgetSession,
  keepSession,
  readSession,
  requireLevel,
} from '../device/session-record.ts'
import type { SessionRecord } from '../device/session-record.ts'
import { errorCodeOf, exchange, readJson, refusalOf, requireSecureOrigin } from './exchange.ts'
import type { Answer, ExchangeInput, Fetch } from './exchange.ts'

/** Access tokens are renewed when they have less than this left. */
const RENEW_BEFORE_MS = 30_000

/** A request to the server, below its origin; without the parts that the session adds. */
export interface SessionRequest {
  readonly method: ExchangeInput['method']
  /** Begins with `/`. */
  readonly path: string
  readonly json?: unknown
  readonly bytes?: Uint8Array
  /** Beside those of the session and of the body. */
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  readonly deadlineMs?: number
  readonly mostBytes?: number
}

/** A signed-in device. */
export interface Session {
  readonly origin: string
  /** The account's UUID. */
  readonly accountId: string
  /** E.164; empty where this device signed in by an outside issuer's token. */
  readonly phone: string
  /** 64 hex digits; none for a person's first level. */
  readonly level: string | undefined
  /** 32 hex digits. */
  readonly deviceId: string
  /** Sends a signed-in request; an answer outside 200 to 299 is thrown as its error. */
  request(request: SessionRequest): Promise<Answer>
  /** Ends the session at the server and forgets it here. */
  signOut(): Promise<void>
}

/**
 * Asks the server to send a sign-in code; the answer is the same for known and unknown numbers. The code is good only
 * with `requestId` (32 hex digits), which is for the asker alone, and for the `level` that is named, as at {@link signIn}.
 * With the `vault` of a device that was signed in before it is one of the codes that the server keeps for the account's
 * devices, so that strangers do not use up those of a day.
 */
export async function requestSignInCode(input: {
  readonly origin: string
  readonly phone: string
  readonly level?: string | undefined
  readonly vault?: Vault
  readonly fetch?: Fetch
}): Promise<{ readonly requestId: string; readonly expiresInSeconds: number }> {
  const { phone, level, vault } = input
  const device = vault && (await findDevice(vault))
  const body = { phone, level, ...(device && { deviceId: toHex(device.id) }) }
  const fields = readJson(await post(input, '/v1/auth/code', body))
  return { requestId: fields.text('requestId'), expiresInSeconds: fields.integer('expiresInSeconds') }
}

/**
 * Signs this device in with a code and keeps the session in the vault. `ERR_CODE_REJECTED` for a wrong, used or old
 * code; `ERR_ACCOUNT_MISMATCH` when the vault belongs to another account, or to another level of the person.
 */
export async function signIn(input: {
  readonly origin: string
  readonly phone: string
  /** Of the {@link requestSignInCode} that the code was sent for. */
  readonly requestId: string
  readonly code: string
  /**
   * What `deriveLevel` makes of a word: another level of the same person, with a vault of its own, and a PIN, keys and devices of
   * its own. None: the first one. A word that was never used makes a new, empty level.
   */
  readonly level?: string | undefined
  readonly vault: Vault
  readonly deviceLabel: string
  readonly fetch?: Fetch
}): Promise<Session> {
  const { phone, requestId, code, level } = input
  const credentials = { phone, requestId, code, ...(level !== undefined && { level }) }
  const [fields, deviceId] = await show(input, '/v1/auth/verify', credentials)
  return beginSession(input, { fields, phone: fields.text('phone'), deviceId })
}

/**
 * Signs this device in with a token (a JWT) of an outside issuer that the server's operator has named, and keeps the session in the vault.
 * `ERR_CODE_REJECTED` for a token that is not good, `ERR_SERVER_UNAVAILABLE` also while the issuer's keys cannot be had;
 * `ERR_ACCOUNT_MISMATCH` when the vault belongs to another account.
 */
export async function signInWithToken(
  input: Omit<SignInPlace, 'level'> & { readonly token: string },
): Promise<Session> {
  const [fields, deviceId] = await show(input, '/v1/auth/issuer', { token: input.token })
  return beginSession(input, { fields, phone: '', deviceId })
}

/** Where a device signs in, and as what. */
interface SignInPlace {
  readonly origin: string
  readonly level?: string | undefined
  readonly vault: Vault
  readonly deviceLabel: string
  readonly fetch?: Fetch
}

/** Shows what signs in beside this device's name: the answer, and the device's id. */
async function show(
  input: SignInPlace,
  path: string,
  credentials: Readonly<Record<string, string>>,
): Promise<readonly [Fields, string]> {
  await requireLevel(input.vault, input.level)
  const device = await openDevice(input.vault, input.deviceLabel)
  const id = toHex(device.id)
  const body = { ...credentials, device: { id, label: input.deviceLabel } }
  return [readJson(await post(input, path, body)), id]
}

async function beginSession(
  { origin, level, vault, fetch = globalThis.fetch }: SignInPlace,
  signedIn: { readonly fields: Fields; readonly phone: string; readonly deviceId: string },
): Promise<Session> {
  const { fields, phone, deviceId } = signedIn
  const record = {
    origin: requireSecureOrigin(origin),
    accountId: fields.text('accountId'),
    phone,
    ...(level !== undefined && { level }),
    deviceId,
    ...readTokens(fields),
  }
  await bindAccount(vault, record.accountId, level)
  await keepSession(vault, record)
  return createSession({ vault, fetch, record })
}

/** The session that the vault holds, or `undefined` when this device is not signed in. Asks the server nothing. */
export async function openSession(input: {
  readonly vault: Vault
  readonly fetch?: Fetch
}): Promise<Session | undefined> {
  const record = await readSession(input.vault)
  if (record === undefined) return undefined
  return createSession({ vault: input.vault, fetch: input.fetch ?? globalThis.fetch, record })
}

interface SessionParts {
  readonly vault: Vault
  readonly fetch: Fetch
  readonly record: SessionRecord
}

function createSession(parts: SessionParts): Session {
  const { vault, fetch } = parts
  const { origin, accountId, phone, level, deviceId } = parts.record
  let current = parts.record
  let renewing: Promise<void> | undefined
  const renew = async (): Promise<void> => {
    renewing ??= renewTokens({ vault, fetch, record: current })
      .then((record) => {
        current = record
      })
      .finally(() => {
        renewing = undefined
      })
    await renewing
  }
  const send = (request: SessionRequest): Promise<Answer> =>
    exchange({
      ...toExchange(request),
      fetch,
      url: origin + request.path,
      headers: headersOf(request, current),
    })
  const request = async (input: SessionRequest): Promise<Answer> => {
    if (current.accessTokenExpiresAt - Date.now() < RENEW_BEFORE_MS) await renew()
    const { accessToken } = current
    let answer = await send(input)
    // A sign-in code that was not accepted has nothing to do with the session, and each try counts.
    if (answer.status === 401 && errorCodeOf(answer) !== 'ERR_CODE_REJECTED') {
      if (current.accessToken === accessToken) await renew()
      answer = await send(input)
    }
    if (answer.status < 200 || answer.status > 299) throw refusalOf(answer)
    return answer
  }
  const signOut = async (): Promise<void> => {
    try {
      await request({ method: 'POST', path: '/v1/auth/logout' })
    } catch (fault) {
      if (!isKeyhavenError(fault, 'ERR_SIGNED_OUT')) throw fault
    }
    await forgetSession(vault)
  }
  return { origin, accountId, phone, level, deviceId, request, signOut }
}

/** New tokens: those that another process put into the vault meanwhile, or fresh ones from the server. */
async function renewTokens({ vault, fetch, record }: SessionParts): Promise<SessionRecord> {
  const stored = await readSession(vault)
  if (stored?.accountId !== record.accountId) throw new KeyhavenError('ERR_SIGNED_OUT', undefined)
  const fresh = stored.accessTokenExpiresAt - Date.now() >= RENEW_BEFORE_MS
  if (stored.accessToken !== record.accessToken && fresh) return stored
  const body = { refreshToken: stored.refreshToken }
  const answer = await post({ origin: stored.origin, fetch }, '/v1/auth/refresh', body)
  const renewed = { ...stored, ...readTokens(readJson(answer)) }
  await keepSession(vault, renewed)
  return renewed
}

function readTokens(
  fields: Fields,
): Pick<SessionRecord, 'accessToken' | 'accessTokenExpiresAt' | 'refreshToken'> {
  return {
    accessToken: fields.text('accessToken'),
    accessTokenExpiresAt: Date.now() + fields.integer('accessTokenExpiresInSeconds') * 1000,
    refreshToken: fields.text('refreshToken'),
  }
}

function toExchange(
  request: SessionRequest,
): Pick<ExchangeInput, 'method' | 'body' | 'signal' | 'deadlineMs' | 'mostBytes'> {
  const body = request.json === undefined ? request.bytes : JSON.stringify(request.json)
  return {
    method: request.method,
    signal: request.signal,
    ...(body !== undefined && { body }),
    ...(request.deadlineMs !== undefined && { deadlineMs: request.deadlineMs }),
    ...(request.mostBytes !== undefined && { mostBytes: request.mostBytes }),
  }
}

function headersOf(request: SessionRequest, record: SessionRecord): Record<string, string> {
  return {
    ...request.headers,
    authorization: `Bearer ${record.accessToken}`,
    ...(request.json !== undefined && { 'content-type': 'application/json' }),
    ...(request.bytes !== undefined && { 'content-type': 'application/octet-stream' }),
  }
}

async function post(
  server: { readonly origin: string; readonly fetch?: Fetch },
  path: string,
  json: unknown,
): Promise<Answer> {
  const answer = await exchange({
    fetch: server.fetch ?? globalThis.fetch,
    url: requireSecureOrigin(server.origin) + path,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  })
  if (answer.status < 200 || answer.status > 299) throw refusalOf(answer)
  return answer
}
