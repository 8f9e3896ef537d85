/**
 * Adds to the log what this device has more, and this device's own way in if the backup does not list it yet.
 */
import { sha256 } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import type { BackupState } from '../device/backup-state.ts'
import { keyBodies, sealChain } from './compose.ts'
import type { SyncContext } from './context.ts'
import { deriveDeviceWay, readSequence } from '../device/device.ts'
import { readPending } from '../device/key-batches.ts'
import { keepOutbox } from '../device/outbox.ts'
import type { Outbox } from '../device/outbox.ts'
import { deliver } from './send.ts'
import { sealSlot } from '../format/slot.ts'
import { describeTrust, writeWays } from '../format/ways.ts'
import type { Way } from '../format/ways.ts'
import { toHex } from '../../crypto/index.ts'

export interface Pushed {
  readonly state: BackupState
  /** How many segments were sent; 0 when there was nothing to say. */
  readonly uploaded: number
}

/** Seals, journals, sends and completes. `ERR_POINTER_CONFLICT` when the log moved on meanwhile: read it again. */
export async function push(context: SyncContext, state: BackupState): Promise<Pushed> {
  const outbox = await prepare(context, state)
  if (outbox === undefined) return { state, uploaded: 0 }
  await context.vault.write(keepOutbox(outbox))
  const after = await deliver(context, outbox, state)
  if (after === undefined) throw new KeyhavenError('ERR_POINTER_CONFLICT', undefined)
  return { state: after, uploaded: outbox.segments.length }
}

async function prepare(context: SyncContext, state: BackupState): Promise<Outbox | undefined> {
  const { root, generation, heads } = state
  const pending = await readPending(context.vault)
  const joining = await sealOwnWay(context, state)
  const bodies = [
    ...keyBodies(pending.changes),
    ...(joining === undefined ? [] : [{ kind: 'ways' as const, body: joining.body }]),
  ]
  if (bodies.length === 0) return undefined
  const sequence = await lastSequence(context, state)
  const segments = await sealChain(context, { bodies, root, generation, heads, sequence })
  const slots = joining === undefined ? [] : [joining.slot]
  return { generation, root, segments, slots, pending: pending.names, registration: undefined }
}

/** The last sequence of this device, by its vault or by the log: a vault may be an older copy. */
export async function lastSequence(context: SyncContext, state: BackupState | undefined): Promise<number> {
  const seen = state?.sequences.get(toHex(context.device.id)) ?? 0
  return Math.max(await readSequence(context.vault), seen)
}

async function sealOwnWay(
  context: SyncContext,
  state: BackupState,
): Promise<{ readonly body: Uint8Array; readonly slot: Outbox['slots'][number] } | undefined> {
  const { account, device } = context
  const { generation, root, authoritySeed, formerAuthorities } = state
  const { id, publicKey } = await deriveDeviceWay(device)
  if (state.ways.some((way) => way.id === id)) return undefined
  const slot = await sealSlot({ account, generation, root, publicKey })
  const own: Way = {
    id,
    type: 'device',
    label: device.label,
    device: toHex(device.id),
    publicKey,
    slotHash: sha256(slot),
  }
  const trust = describeTrust(context.configuration)
  const body = writeWays({ ways: [...state.ways, own], authoritySeed, formerAuthorities, trust })
  return { body, slot: { wayId: id, slot } }
}
