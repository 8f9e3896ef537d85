/**
 * The devices of an account: known by the random id that each one's vault chose, labelled by their user.
 *
 * A row here lets a device do nothing: what opens a backup is only ever sealed to keys that the log lists.
 */
import { parseHex, toHex } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'

/** A device as it names itself at sign-in; `id` is 32 hex digits. */
export interface Device {
  readonly id: string
  readonly label: string
}

/** A device as the API lists it. */
export interface ListedDevice extends Device {
  readonly firstUsedAt: string
  readonly lastUsedAt: string
  /** True while it has a session. */
  readonly signedIn: boolean
}

/** Notes that a device signs in; true when it is the first time for this account, or the first since it was removed. */
export async function noteSignIn(
  transaction: Transaction,
  use: { readonly accountId: string; readonly device: Device; readonly time: Date },
): Promise<boolean> {
  const { rows } = await transaction.query<{ added: boolean }>(
    `WITH before AS (SELECT removed_at FROM app.devices WHERE user_id = $1 AND device_id = $2)
     INSERT INTO app.devices AS known (user_id, device_id, label, first_used_at, last_used_at)
     VALUES ($1, $2, $3, $4, $4)
     ON CONFLICT (user_id, device_id) DO UPDATE SET
       label = excluded.label, last_used_at = excluded.last_used_at, removed_at = NULL
     RETURNING known.xmax = 0 OR coalesce((SELECT removed_at IS NOT NULL FROM before), false) AS added`,
    [use.accountId, parseHex(use.device.id, 'device', 16), use.device.label, use.time],
  )
  return rows[0]?.added === true
}

/**
 * True for a device of the account that is not removed. Its id is random and known to the account's devices and the server
 * alone; the same statement runs without one, so that who asks shows nothing.
 */
export async function isDeviceOf(
  transaction: Transaction,
  { accountId, deviceId }: { readonly accountId: string; readonly deviceId: string | undefined },
): Promise<boolean> {
  const { rowCount } = await transaction.query(
    'SELECT FROM app.devices WHERE user_id = $1 AND device_id = $2 AND removed_at IS NULL',
    [accountId, deviceId === undefined ? new Uint8Array() : parseHex(deviceId, 'deviceId', 16)],
  )
  return rowCount === 1
}

/** Notes that a device continues its session. */
export async function noteUse(
  transaction: Transaction,
  use: { readonly accountId: string; readonly deviceId: string; readonly time: Date },
): Promise<void> {
  await transaction.query('UPDATE app.devices SET last_used_at = $3 WHERE user_id = $1 AND device_id = $2', [
    use.accountId,
    parseHex(use.deviceId, 'device', 16),
    use.time,
  ])
}

/** The devices that are not removed, the one used last first. */
export async function listDevices(
  transaction: Transaction,
  use: { readonly accountId: string; readonly time: Date },
): Promise<readonly ListedDevice[]> {
  const { rows } = await transaction.query<{
    device_id: Uint8Array
    label: string
    first_used_at: Date
    last_used_at: Date
    signed_in: boolean
  }>(
    `SELECT device_id, label, first_used_at, last_used_at, EXISTS (
              SELECT FROM app.sessions
               WHERE sessions.user_id = $1 AND sessions.device_id = devices.device_id
                 AND ended_at IS NULL AND expires_at > $2) AS signed_in
       FROM app.devices WHERE user_id = $1 AND removed_at IS NULL
      ORDER BY last_used_at DESC, device_id LIMIT ${String(MOST_LISTED)}`,
    [use.accountId, use.time],
  )
  return rows.map((row) => ({
    id: toHex(row.device_id),
    label: row.label,
    firstUsedAt: row.first_used_at.toISOString(),
    lastUsedAt: row.last_used_at.toISOString(),
    signedIn: row.signed_in,
  }))
}

/** An account that signs in with ever new devices does not make the answer grow without end. */
const MOST_LISTED = 1000

/** What is known of one device, removed or not. */
export async function findDevice(
  transaction: Transaction,
  use: { readonly accountId: string; readonly deviceId: string },
): Promise<{ readonly label: string; readonly removed: boolean } | undefined> {
  const { rows } = await transaction.query<{ label: string; removed: boolean }>(
    'SELECT label, removed_at IS NOT NULL AS removed FROM app.devices WHERE user_id = $1 AND device_id = $2',
    [use.accountId, parseHex(use.deviceId, 'device', 16)],
  )
  return rows[0]
}
