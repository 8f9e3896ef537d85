/**
 * The devices of an account: known by the random id that each one's vault chose, labelled by their user.
 *
 * A row here lets a device do nothing: what opens a backup is only ever sealed to keys that the log lists.
 */
import { parseHex } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'

/** A device as it names itself at sign-in; `id` is 32 hex digits. */
export interface Device {
  readonly id: string
  readonly label: string
}

/** Notes that a device signs in; true when it is the first time for this account. */
export async function noteSignIn(
  transaction: Transaction,
  use: { readonly accountId: string; readonly device: Device; readonly time: Date },
): Promise<boolean> {
  const { rows } = await transaction.query<{ added: boolean }>(
    `INSERT INTO app.devices AS known (user_id, device_id, label, first_used_at, last_used_at)
     VALUES ($1, $2, $3, $4, $4)
     ON CONFLICT (user_id, device_id) DO UPDATE SET label = excluded.label, last_used_at = excluded.last_used_at
     RETURNING known.xmax = 0 AS added`,
    [use.accountId, parseHex(use.device.id, 'device', 16), use.device.label, use.time],
  )
  return rows[0]?.added === true
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
