/**
 * The account's devices: list, rename, remove.
 *
 * What the server's table says is shown but trusted with nothing: a device opens the backup only if the log lists a way
 * in of it, and the names of those devices come from the log. Removing one is a new root key that is not sealed to it.
 */
import { concat, lp, parseHex, signEd25519, toHex, utf8 } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import type { Vault } from '../../vault/index.ts'
import type { BackupState } from '../device/backup-state.ts'
import { retryConflicts } from '../steps/catch-up.ts'
import { leftBehind, rotate } from './change-generation.ts'
import type { LeftBehind } from '../outcomes.ts'
import type { SyncContext } from '../steps/context.ts'
import { deriveDeviceWay, openDevice } from '../device/device.ts'
import { readOpenBackup } from '../steps/open-backup.ts'
import { namesBelow } from '../device/records.ts'
import { isFound } from '../transport/not-found.ts'
import type { ServedDevice } from '../transport/transport.ts'
import { sendWays } from './ways-change.ts'

/** A device of the account. */
export interface SyncDevice {
  /** 32 hex digits. */
  readonly id: string
  readonly label: string
  /** True for the device that asks. */
  readonly current: boolean
  /** The server's words: whether it has a session, and when it was first and last used (ISO 8601). */
  readonly signedIn: boolean
  readonly firstUsed: string | undefined
  readonly lastUsed: string | undefined
  /** True when the backup lists a way in of this device; unknown to a device that has not joined the backup. */
  readonly opensBackup: boolean | undefined
}

export type RemovalOutcome =
  | ({
      readonly status: 'removed'
      /** True when the backup has a new root key; false when there is no backup, or this device had no part in it. */
      readonly rotated: boolean
    } & LeftBehind)
  | { readonly status: 'unknown-device' }

/** Those that the server knows, the one used last first, and after them those that only the log lists. */
export async function listDevices(context: SyncContext): Promise<readonly SyncDevice[]> {
  const served = await context.transport.listDevices(context.signal)
  const ways = await readDeviceWays(context)
  const own = toHex(context.device.id)
  const describe = (id: string, device: ServedDevice | undefined): SyncDevice => ({
    id,
    label: ways?.get(id) ?? device?.label ?? '',
    current: id === own,
    signedIn: device?.signedIn ?? false,
    firstUsed: device?.firstUsedAt,
    lastUsed: device?.lastUsedAt,
    opensBackup: ways?.has(id),
  })
  const unknown = [...(ways?.keys() ?? [])].filter((id) => !served.some((device) => device.id === id))
  return [
    ...served.map((device) => describe(device.id, device)),
    ...unknown.map((id) => describe(id, undefined)),
  ]
}

/** Renames at the server, in the log where the device has a way in, and here if it is this device. */
export async function renameDevice(
  context: SyncContext,
  change: { readonly id: string; readonly label: string },
): Promise<boolean> {
  const id = requireDeviceId(change.id)
  const label = requireLabel(change.label)
  return retryConflicts(async () => {
    const { state } = await readOpenBackup(context)
    const way = state?.ways.find(({ device }) => device === id)
    const known = await isFound(context.transport.renameDevice({ id, label }, context.signal))
    if (!known && way === undefined) return false
    if (id === toHex(context.device.id)) await openDevice(context.vault, label)
    if (state !== undefined && way !== undefined && way.label !== label) {
      await relabel(context, state, { ...change, label })
    }
    return true
  })
}

/** Removes a device at the server and, if the account has a backup, from the ways in. */
export async function removeDevice(context: SyncContext, deviceId: string): Promise<RemovalOutcome> {
  const id = requireDeviceId(deviceId)
  return id === toHex(context.device.id) ? removeSelf(context, id) : removeOther(context, id)
}

async function removeOther(context: SyncContext, id: string): Promise<RemovalOutcome> {
  const { transport, signal } = context
  const { pointer, state } = await readOpenBackup(context)
  if (pointer === undefined) {
    const known = await isFound(transport.removeDevice({ id }, signal))
    return known ? { ...REMOVED, rotated: false } : { status: 'unknown-device' }
  }
  if (state === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
  const proof = signRemoval(context, { id, etag: pointer.etag ?? '', authoritySeed: state.authoritySeed })
  const known = await isFound(transport.removeDevice({ id, proof }, signal))
  const ways = state.ways.filter(({ device }) => device === id).map((way) => way.id)
  if (!known && ways.length === 0) return { status: 'unknown-device' }
  // Also without a way of it: who restored with the PIN may have the root key without being listed.
  return rotateWithout(context, ways)
}

/** The way out first: once it has no session any more, this device could not close it. */
async function removeSelf(context: SyncContext, id: string): Promise<RemovalOutcome> {
  const { transport, signal, vault } = context
  const { state } = await readOpenBackup(context)
  const { id: way } = await deriveDeviceWay(context.device)
  const listed = state?.ways.some((candidate) => candidate.id === way) === true
  const outcome = listed ? await rotateWithout(context, [way]) : { ...REMOVED, rotated: false }
  await transport.removeDevice({ id }, signal)
  await forgetDevice(vault)
  return outcome
}

const REMOVED = { status: 'removed', oldRegistrationRemainsOn: [] } as const

async function rotateWithout(context: SyncContext, ways: readonly string[]): Promise<RemovalOutcome> {
  const changed = await rotate(context, undefined, new Set(ways))
  if (changed.status !== 'rotated') return { ...REMOVED, rotated: false }
  return { status: 'removed', rotated: true, ...leftBehind(changed) }
}

/** Labels of the devices that the log lists, by id. */
async function readDeviceWays(context: SyncContext): Promise<ReadonlyMap<string, string> | undefined> {
  const { state } = await readOpenBackup(context)
  return (
    state &&
    new Map(state.ways.flatMap(({ device, label }) => (device === undefined ? [] : [[device, label]])))
  )
}

/** One more ways segment, in which the device's way has its new label. */
async function relabel(
  context: SyncContext,
  state: BackupState,
  change: { readonly id: string; readonly label: string },
): Promise<void> {
  const ways = state.ways.map((way) => (way.device === change.id ? { ...way, label: change.label } : way))
  await sendWays(context, state, { ways, slots: [] })
}

/** Hex of the authority key's signature of a removal (docs/protocol.md, "Devices"). */
function signRemoval(
  { account }: SyncContext,
  removal: { readonly id: string; readonly etag: string; readonly authoritySeed: Uint8Array },
): string {
  const message = concat(
    lp('keyhaven/device-removal/v1'),
    lp(account),
    lp(parseHex(removal.id, 'id', 16)),
    lp(utf8(removal.etag)),
  )
  return toHex(signEd25519({ seed: removal.authoritySeed, message }))
}

/** What made this vault a device of the account goes; its keys stay. */
async function forgetDevice(vault: Vault): Promise<void> {
  const single = ['session', 'state', 'device', 'sequence', 'access-log', 'outbox', 'contacts'].map(
    (name) => `sync/${name}`,
  )
  const many = [...(await namesBelow(vault, 'sync/outbox/')), ...(await namesBelow(vault, 'sync/log/'))]
  await vault.write(new Map([...single, ...many].map((name) => [name, null])))
}

function requireDeviceId(id: string): string {
  if (/^[0-9a-f]{32}$/.test(id)) return id
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'id', expected: '32 lower-case hex digits' })
}

function requireLabel(label: string): string {
  const length = Array.from(label).length
  if (length >= 1 && length <= 64 && !/\p{Cc}|\p{Cs}/u.test(label)) return label
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'label', expected: '1 to 64 characters' })
}
