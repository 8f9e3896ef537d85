/**
 * How the backup and this device stand to one another. Reads only.
 */
import { KeyhavenError } from '../../errors.ts'
import { describeReliance } from '../../recovery/index.ts'
import { requireSignedPointer } from '../format/authority.ts'
import { readState } from '../device/backup-state.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from '../steps/context.ts'
import { deriveDeviceWay } from '../device/device.ts'
import { sameIds } from '../steps/download.ts'
import { readGuesses } from '../device/guesses.ts'
import { findRemoval } from '../steps/forget-backup.ts'
import { readLocalKeys, readPending } from '../device/key-batches.ts'
import { countKeys } from '../device/key-store.ts'
import type { SyncStatus } from '../outcomes.ts'
import { readOutbox } from '../device/outbox.ts'
import { realmIds } from '../steps/registration.ts'
import { isRotationDue } from '../steps/rotation.ts'

/**
 * `ERR_LOG_ROLLED_BACK` when the server shows less than this device has seen of generations, `ERR_BACKUP_REMOVED` when
 * the backup was deleted without the key that this device knows.
 */
export async function readStatus(context: SyncContext): Promise<SyncStatus> {
  const { transport, vault, signal } = context
  const known = await readState(vault)
  const { pointer, ...rest } = await transport.readPointer(signal)
  const { heads, segments, bytes } = await transport.readHeads(signal)
  const removal = known && findRemoval(context, { pointer, ...rest }, known)
  if (removal === 'unsigned') throw new KeyhavenError('ERR_BACKUP_REMOVED', undefined)
  const state = removal === 'signed' ? undefined : known
  const generation = pointer?.generation ?? 0
  if (state !== undefined && generation < state.generation) {
    throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
  }
  if (pointer !== null && state?.generation === generation) {
    const { authoritySeed } = state
    requireSignedPointer(pointer, { account: context.account, authoritySeed, remembered: state })
  }
  const local = await readLocalKeys(vault)
  const sent = (await readPending(vault)).names.length === 0 && (await readOutbox(vault)) === undefined
  const read = state?.generation === generation && sameIds(heads, state.heads)
  return {
    hasBackup: pointer !== null,
    joined: state !== undefined && (state.generation === generation || (await hasSlot(context))),
    generation,
    segments,
    bytes,
    ...(await describeState(context, state)),
    upToDate: pointer !== null && sent && read,
    ...countKeys(local),
    realms: pointer?.realms ?? realmIds(context),
    reliance: describeReliance(context.configuration),
    guesses: pointer === null ? undefined : await readGuesses(vault, pointer.registration),
    removal: rest.removal ?? undefined,
  }
}

/** What this device knew of the backup when it last read it. */
async function describeState(
  context: SyncContext,
  state: BackupState | undefined,
): Promise<Pick<SyncStatus, 'lastChange' | 'devices' | 'generationBegun' | 'rotationDue'>> {
  const own = (await deriveDeviceWay(context.device)).id
  const devices = (state?.ways ?? []).filter(({ type }) => type === 'device')
  return {
    lastChange: state && toIso(state.lastChange),
    devices: devices.map(({ id, label }) => ({ wayId: id, label, thisDevice: id === own })),
    generationBegun: state && toIso(state.begun),
    rotationDue: state !== undefined && isRotationDue(context, state),
  }
}

function toIso(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

/** True when this device's own way in opens the generation in use; the next backup follows by it. */
async function hasSlot({ transport, device, signal }: SyncContext): Promise<boolean> {
  return (await transport.readSlots(signal)).slots.has((await deriveDeviceWay(device)).id)
}
