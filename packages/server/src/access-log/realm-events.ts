/**
 * Access-log rows from events of this server's own realm. The realm knows no accounts: it passes on the sealed context
 * of the token, which only the server that issued it can open. Tokens of other tenants have none and leave no row here.
 */
import { toHex } from 'keyhaven/crypto'
import { REALM_TENANT, deriveRealmSubject, openRealmContext } from '../auth/realm-token.ts'
import { findDevice } from '../devices/devices.ts'
import { Refusal } from '../http/refusal.ts'
import type { Transaction } from '../db/database.ts'
import type { Services } from '../http/services.ts'
import type { RealmReport } from '../realm/routes.ts'
import { endRequest } from '../removals/requests.ts'
import type { AccessEvent, AccessLogType } from './events.ts'
import { done, refused } from './events.ts'
import { recordEvents } from './record.ts'

const TYPES: Readonly<Record<RealmReport['kind'], AccessLogType>> = {
  registered: 'registration_stored',
  guess_used: 'guess_used',
  share_recovered: 'share_recovered',
  recovery_refused: 'recovery_refused',
  deleted: 'registration_deleted',
  cooling_started: 'registration_challenged',
  cooling_cancelled: 'registration_kept',
  replacing_refused: 'registration_challenged',
}

/**
 * Writes the event into the log of the account behind the context; does nothing without a context of ours.
 * `ERR_DEVICE_REMOVED` for a device that was removed meanwhile: its token gets no answer any more.
 */
export async function recordRealmEvent(
  services: Pick<Services, 'database' | 'keys' | 'now' | 'notify'>,
  report: RealmReport,
): Promise<void> {
  const context =
    report.context === undefined || report.tenant !== REALM_TENANT
      ? undefined
      : await openRealmContext(report.context, services.keys.realmContext)
  if (context === undefined) return
  const { accountId, deviceId } = context
  await services.database.withUser(accountId, async (transaction) => {
    const known = await findDevice(transaction, { accountId, deviceId })
    if (known?.removed === true) throw new Refusal('ERR_DEVICE_REMOVED')
    const device = { id: deviceId, label: known?.label ?? '' }
    const subject = {
      accountId,
      device,
      origin: report.origin,
      time: services.now(),
      chainKey: services.keys.accessLog,
      notify: services.notify,
    }
    const ended = (await isRestore(transaction, accountId, report))
      ? await endRequest(transaction, accountId)
      : []
    await recordEvents(transaction, subject, eventOf(report), ...ended)
  })
}

/** True for a recovery from the registration in use; one that a change of the PIN has just made does not count. */
async function isRestore(
  transaction: Transaction,
  accountId: string,
  { kind, subject }: RealmReport,
): Promise<boolean> {
  if (kind !== 'share_recovered') return false
  const { rows } = await transaction.query<{ registration: Uint8Array }>(
    'SELECT registration FROM app.pointers WHERE user_id = $1',
    [accountId],
  )
  const [pointer] = rows
  if (pointer === undefined) return false
  return deriveRealmSubject({ accountId, registration: toHex(pointer.registration) }) === subject
}

/** A wait that has begun is something that was done, although the request itself was refused. */
function eventOf({ kind, refusal }: RealmReport): AccessEvent {
  if (refusal !== undefined && kind !== 'cooling_started') return refused(TYPES[kind], refusal)
  return { ...done(TYPES[kind]), success: kind !== 'recovery_refused' }
}
