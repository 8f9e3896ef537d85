/**
 * Sessions: made at sign-in, continued by refresh tokens that are used once, ended by logout, by 90 days without
 * use, or by a spent token that comes again (somebody else has a copy).
 */
import { randomUUID } from 'node:crypto'
import { parseHex, toHex } from 'keyhaven/crypto'
import { done, refused } from '../access-log/events.ts'
import type { AccessEvent } from '../access-log/events.ts'
import { recordEvents } from '../access-log/record.ts'
import type { Transaction } from '../db/database.ts'
import { noteUse } from '../devices/devices.ts'
import type { Device } from '../devices/devices.ts'
import type { RequestOrigin } from '../http/origin.ts'
import { Refusal } from '../http/refusal.ts'
import type { Services } from '../http/services.ts'
import { ACCESS_TOKEN_SECONDS, signAccessToken, signedOut } from './access-token.ts'
import {
  deriveNextSecret,
  encodeRefreshToken,
  generateRefreshSecret,
  hashRefreshSecret,
  parseRefreshToken,
} from './refresh-token.ts'
import type { RefreshToken } from './refresh-token.ts'
import { isSameHash } from './sign-in-code.ts'

const IDLE_MS = 90 * 24 * 3600 * 1000
const GRACE_MS = 30_000

/** What a device gets to stay signed in. */
export interface SessionTokens {
  readonly accountId: string
  readonly accessToken: string
  readonly accessTokenExpiresInSeconds: number
  readonly refreshToken: string
}

/** A new session of a device. */
export async function createSession(
  services: Services,
  transaction: Transaction,
  input: { readonly accountId: string; readonly device: Device; readonly time: Date },
): Promise<SessionTokens> {
  const token = { accountId: input.accountId, sessionId: randomUUID(), secret: generateRefreshSecret() }
  await transaction.query(
    `INSERT INTO app.sessions (user_id, session_id, device_id, secret_hash, rotated_at, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $5, $6)`,
    [
      token.accountId,
      token.sessionId,
      parseHex(input.device.id, 'device', 16),
      hashRefreshSecret(token.secret),
      input.time,
      new Date(input.time.getTime() + IDLE_MS),
    ],
  )
  return issueTokens(services, token, { deviceId: input.device.id, time: input.time })
}

/** Continues a session: `ERR_SIGNED_OUT` when the token is not, or no longer, good, `ERR_RATE_LIMITED` over its traffic. */
export async function refreshSession(
  services: Services,
  input: { readonly refreshToken: string; readonly origin: RequestOrigin },
): Promise<SessionTokens> {
  const token = parseRefreshToken(input.refreshToken, services.keys.refreshToken)
  if (token === undefined) throw signedOut()
  const use = { token, origin: input.origin, time: services.now() }
  const { refreshTraffic } = services
  const leave = refreshTraffic.enter(token.sessionId, use.time)
  try {
    const device = await refreshTraffic.takeTurn(token.sessionId, () => useToken(services, use))
    if (device === undefined) throw signedOut()
    const next = { ...token, secret: deriveNextSecret(token, services.keys.refreshToken) }
    return await issueTokens(services, next, { deviceId: device.id, time: use.time })
  } finally {
    leave()
  }
}

/** The session's device, or `undefined` for a token that is not good. */
async function useToken(
  services: Services,
  use: { readonly token: RefreshToken; readonly origin: RequestOrigin; readonly time: Date },
): Promise<Device | undefined> {
  const { token, origin, time } = use
  return services.database.withAuth(
    async (transaction) => {
      const session = await lockSession(transaction, token, time)
      if (session === undefined) {
        if (await isOfRemovedDevice(transaction, token)) throw new Refusal('ERR_DEVICE_REMOVED')
        return undefined
      }
      const spent = await continueSession(services, transaction, { token, session, time })
      const event: AccessEvent = spent
        ? refused('session_refreshed', 'ERR_SIGNED_OUT')
        : done('session_refreshed')
      const subject = {
        accountId: token.accountId,
        device: session.device,
        origin,
        time,
        chainKey: services.keys.accessLog,
        notify: services.notify,
      }
      await recordEvents(transaction, subject, event)
      return spent ? undefined : session.device
    },
    { userId: token.accountId },
  )
}

async function isOfRemovedDevice(transaction: Transaction, token: RefreshToken): Promise<boolean> {
  const { rows } = await transaction.query<{ removed: boolean }>(
    `SELECT removed_at IS NOT NULL AS removed FROM app.sessions JOIN app.devices USING (user_id, device_id)
      WHERE user_id = $1 AND session_id = $2`,
    [token.accountId, token.sessionId],
  )
  return rows[0]?.removed === true
}

interface StoredSession {
  readonly device: Device
  readonly secretHash: Uint8Array
  readonly previousHash: Uint8Array | null
  readonly rotatedAt: Date
}

async function lockSession(
  transaction: Transaction,
  token: RefreshToken,
  time: Date,
): Promise<StoredSession | undefined> {
  const { rows } = await transaction.query<{
    device_id: Uint8Array
    label: string
    secret_hash: Uint8Array
    previous_hash: Uint8Array | null
    rotated_at: Date
  }>(
    `SELECT device_id, label, secret_hash, previous_hash, rotated_at
       FROM app.sessions JOIN app.devices USING (user_id, device_id)
      WHERE user_id = $1 AND session_id = $2 AND ended_at IS NULL AND expires_at > $3 FOR UPDATE OF sessions`,
    [token.accountId, token.sessionId, time],
  )
  const [row] = rows
  if (row === undefined) return undefined
  return {
    device: { id: toHex(row.device_id), label: row.label },
    secretHash: row.secret_hash,
    previousHash: row.previous_hash,
    rotatedAt: row.rotated_at,
  }
}

/** Rotates the session, or ends it when the token was spent before (then true). */
async function continueSession(
  services: Services,
  transaction: Transaction,
  input: { readonly token: RefreshToken; readonly session: StoredSession; readonly time: Date },
): Promise<boolean> {
  const { token, session, time } = input
  const shown = hashRefreshSecret(token.secret)
  if (isSameHash(shown, session.secretHash)) {
    const nextHash = hashRefreshSecret(deriveNextSecret(token, services.keys.refreshToken))
    await transaction.query(
      `UPDATE app.sessions SET secret_hash = $3, previous_hash = $4, rotated_at = $5, expires_at = $6
        WHERE user_id = $1 AND session_id = $2`,
      [token.accountId, token.sessionId, nextHash, shown, time, new Date(time.getTime() + IDLE_MS)],
    )
    await noteUse(transaction, { accountId: token.accountId, deviceId: session.device.id, time })
    return false
  }
  const predecessor = session.previousHash !== null && isSameHash(shown, session.previousHash)
  if (predecessor && time.getTime() - session.rotatedAt.getTime() <= GRACE_MS) return false
  await transaction.query('UPDATE app.sessions SET ended_at = $3 WHERE user_id = $1 AND session_id = $2', [
    token.accountId,
    token.sessionId,
    time,
  ])
  return true
}

async function issueTokens(
  services: Services,
  token: RefreshToken,
  use: { readonly deviceId: string; readonly time: Date },
): Promise<SessionTokens> {
  const accessToken = await signAccessToken(
    { accountId: token.accountId, sessionId: token.sessionId, deviceId: use.deviceId },
    { key: services.keys.accessToken, issuer: services.origin, now: use.time },
  )
  return {
    accountId: token.accountId,
    accessToken,
    accessTokenExpiresInSeconds: ACCESS_TOKEN_SECONDS,
    refreshToken: encodeRefreshToken(token, services.keys.refreshToken),
  }
}
