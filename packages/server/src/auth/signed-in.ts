/**
 * Requests of signed-in devices: the token and the account's traffic are checked before a body is read, the session in
 * the same transaction as the work.
 */
import type { MiddlewareHandler } from 'hono'
import { parseHex } from 'keyhaven/crypto'
import type { AccessEvent, AccessLogType } from '../access-log/events.ts'
import { refused } from '../access-log/events.ts'
import { recordEvents } from '../access-log/record.ts'
import type { EventSubject } from '../access-log/record.ts'
import type { Transaction } from '../db/database.ts'
import { findDevice } from '../devices/devices.ts'
import type { Device } from '../devices/devices.ts'
import { whenAnswered } from '../http/answered.ts'
import { Refusal } from '../http/refusal.ts'
import type { ApiContext, ApiEnv, Services } from '../http/services.ts'
import { signedOut, verifyAccessToken } from './access-token.ts'
import type { SigningKey } from './keys.ts'

/** Who does it: an account (UUID), its session, its device; and a way to write down what was done. */
export interface Actor {
  readonly accountId: string
  readonly sessionId: string
  readonly device: Device
  readonly time: Date
  /** Signs the account's access log. */
  readonly chainKey: SigningKey
  record(...events: readonly AccessEvent[]): Promise<void>
}

/** Refuses requests without a good access token, or of an account over its traffic, before anything else of them is looked at. */
export function requireSignIn(services: Services): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const claims = await verifyAccessToken(context.req.header('authorization'), {
      key: services.keys.accessToken,
      issuer: services.origin,
      now: services.now(),
    })
    context.set('claims', claims)
    whenAnswered(context.env.outgoing, services.traffic.enter(claims.accountId, services.now()))
    await next()
  }
}

/**
 * Runs one transaction as the signed-in user. A refusal rolls it back and, when the action is one that the access log
 * lists, is written down in a transaction of its own.
 */
export function asActor<Result>(
  services: Services,
  context: ApiContext,
  action: Action<Result>,
): Promise<Result> {
  return services.traffic.takeTurn(context.get('claims').accountId, () =>
    runAction(services, context, action),
  )
}

interface Action<Result> {
  readonly type?: AccessLogType
  readonly run: (transaction: Transaction, actor: Actor) => Promise<Result>
}

async function runAction<Result>(
  services: Services,
  context: ApiContext,
  action: Action<Result>,
): Promise<Result> {
  const { accountId, sessionId, deviceId } = context.get('claims')
  const time = services.now()
  let subject: EventSubject | undefined
  try {
    return await services.database.withUser(accountId, async (transaction) => {
      const label = await requireLiveSession(transaction, { accountId, sessionId, deviceId, time })
      const device = { id: deviceId, label }
      const known: EventSubject = {
        accountId,
        device,
        origin: context.get('origin'),
        time,
        chainKey: services.keys.accessLog,
        notify: services.notify,
      }
      subject = known
      const record: Actor['record'] = (...events) => recordEvents(transaction, known, ...events)
      return action.run(transaction, { accountId, sessionId, device, time, chainKey: known.chainKey, record })
    })
  } catch (fault) {
    const { type } = action
    if (fault instanceof Refusal && type !== undefined && subject !== undefined) {
      await recordRefusal(services, subject, refused(type, fault.code))
    }
    throw fault
  }
}

async function recordRefusal(services: Services, subject: EventSubject, event: AccessEvent): Promise<void> {
  await services.database.withUser(subject.accountId, (transaction) =>
    recordEvents(transaction, subject, event),
  )
}

async function requireLiveSession(
  transaction: Transaction,
  claims: {
    readonly accountId: string
    readonly sessionId: string
    readonly deviceId: string
    readonly time: Date
  },
): Promise<string> {
  const { rows } = await transaction.query<{ label: string }>(
    `SELECT label FROM app.sessions JOIN app.devices USING (user_id, device_id)
      WHERE user_id = $1 AND session_id = $2 AND device_id = $3 AND ended_at IS NULL AND expires_at > $4`,
    [claims.accountId, claims.sessionId, parseHex(claims.deviceId, 'device', 16), claims.time],
  )
  const [row] = rows
  if (row !== undefined) return row.label
  const device = await findDevice(transaction, claims)
  throw device?.removed === true ? new Refusal('ERR_DEVICE_REMOVED') : signedOut()
}
