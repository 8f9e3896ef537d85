/**
 * Renaming and removing a device of the account.
 *
 * Removing another device needs the account's authority key once there is one: who only took over the phone number
 * cannot sign its owner's devices out. Every device may remove itself.
 */
import { concat, lp, parseHex, utf8 } from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import type { Actor } from '../auth/signed-in.ts'
import { requireProof } from '../backups/authority-proof.ts'
import { lockState, retirePending } from '../backups/state.ts'
import { endRequests } from '../contacts/requests.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { parseUuid } from '../http/uuid.ts'
import { findDevice } from './devices.ts'

/** Gives a device another label; `ERR_NOT_FOUND` for one that is not there or was removed. */
export async function renameDevice(
  transaction: Transaction,
  actor: Actor,
  change: { readonly deviceId: string; readonly label: string },
): Promise<void> {
  const { accountId } = actor
  const { deviceId, label } = change
  const known = await findDevice(transaction, { accountId, deviceId })
  if (known === undefined || known.removed) throw new Refusal('ERR_NOT_FOUND')
  if (known.label === label) return
  await transaction.query('UPDATE app.devices SET label = $3 WHERE user_id = $1 AND device_id = $2', [
    accountId,
    parseHex(deviceId, 'device', 16),
    label,
  ])
  await actor.record(done('device_renamed'))
}

/**
 * Removes a device: its sessions end, and a change of the backup that it had begun is given up. Doing it again is no
 * fault. `ERR_NOT_FOUND` for a device that never was, `ERR_PROOF_REJECTED` without the authority where it is needed.
 */
export async function removeDevice(
  transaction: Transaction,
  actor: Actor,
  removal: { readonly deviceId: string; readonly proof: string | undefined },
): Promise<void> {
  const { accountId, time } = actor
  const { deviceId } = removal
  const state = await lockState(transaction, accountId, time)
  const known = await findDevice(transaction, { accountId, deviceId })
  if (known === undefined) throw new Refusal('ERR_NOT_FOUND')
  if (deviceId !== actor.device.id && state.pointer !== null) {
    const message = encodeRemovalMessage({ accountId, deviceId, etag: state.pointer.etag })
    requireProof(state.pointer, message, removal.proof)
  }
  if (known.removed) return
  if (state.pending?.deviceId === deviceId) {
    const { pointer, pending } = state
    await retirePending(transaction, { accountId, pointer, pending, time })
  }
  const device = [accountId, parseHex(deviceId, 'device', 16), time]
  await transaction.query(
    'UPDATE app.devices SET removed_at = $3 WHERE user_id = $1 AND device_id = $2',
    device,
  )
  await transaction.query(
    'UPDATE app.sessions SET ended_at = $3 WHERE user_id = $1 AND device_id = $2 AND ended_at IS NULL',
    device,
  )
  await endRequests(transaction, { accountId, deviceId })
  await actor.record(done('device_removed'))
}

/** The bytes that the authority key signs (protocol.md, "Devices"); good until the pointer moves. */
export function encodeRemovalMessage(removal: {
  readonly accountId: string
  readonly deviceId: string
  readonly etag: string
}): Uint8Array {
  return concat(
    lp('keyhaven/device-removal/v1'),
    lp(parseUuid(removal.accountId)),
    lp(parseHex(removal.deviceId, 'device', 16)),
    lp(utf8(removal.etag)),
  )
}
