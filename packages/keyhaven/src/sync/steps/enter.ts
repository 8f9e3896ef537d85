/**
 * Opens a backup from outside, by a way in: its slot gives the root key, the root key the whole log, which is
 * verified from its roots to its heads before anything here changes.
 */
import {
  deriveEd25519PublicKey,
  equal,
  equalConstantTime,
  loadXWing,
  sha256,
  toHex,
} from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import { keepAbsorbed, verifySegments } from './absorb.ts'
import type { Absorbed } from './absorb.ts'
import { requireSignedPointer } from '../format/authority.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { downloadSegments, requireSameHeads } from './download.ts'
import type { RegisteredSecret } from '../format/registered-secret.ts'
import { requireRemembered } from './remembered.ts'
import { deriveWayId, openSlot } from '../format/slot.ts'
import type { Pointer } from '../format/pointer.ts'
import type { PointerState } from '../transport/transport.ts'

/** What a restore found in the backup. */
export interface Entered {
  readonly state: BackupState
  readonly absorbed: Absorbed
}

/**
 * Enters by the PIN's way in. `ERR_LOG_ROLLED_BACK` when the log is of a lower generation than the registration, lacks
 * the anchor, or lacks what this device has seen; otherwise the codes of {@link verifySegments}.
 */
export async function enterWithSecret(
  context: SyncContext,
  pointer: PointerState & { readonly pointer: Pointer },
  input: { readonly secret: RegisteredSecret; readonly remembered: BackupState | undefined },
): Promise<Entered> {
  const { secret } = input
  if (secret.generation > pointer.pointer.generation)
    throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
  const opened = await openBySeed(context, pointer, secret.waySeed)
  if (opened === undefined) throw new KeyhavenError('ERR_LOG_INCOMPLETE', undefined)
  requireAnchor(opened.absorbed, secret)
  return finish(context, opened.absorbed, input.remembered)
}

/**
 * Enters a newer generation by this device's own way in; `undefined` when that generation has no slot for it, since
 * the device was removed.
 */
export async function enterWithDevice(
  context: SyncContext,
  pointer: PointerState & { readonly pointer: Pointer },
  remembered: BackupState,
): Promise<Entered | undefined> {
  return enterWithSeed(context, pointer, { seed: context.device.waySeed, remembered })
}

/**
 * Enters by a way whose seed the person holds; `undefined` when there is no slot for it: it was removed, or is of another
 * account. The log lists the way, so it is not older than that. Another root key than the one that is known otherwise is
 * `ERR_LOG_DAMAGED`, another generation `ERR_POINTER_CONFLICT`.
 */
export async function enterWithSeed(
  context: SyncContext,
  pointer: PointerState & { readonly pointer: Pointer },
  input: {
    readonly seed: Uint8Array
    readonly remembered: BackupState | undefined
    readonly known?: { readonly generation: number; readonly root: Uint8Array }
  },
): Promise<Entered | undefined> {
  const opened = await openBySeed(context, pointer, input.seed)
  if (opened === undefined) return undefined
  if (input.known !== undefined) requireKnown(opened.absorbed, input.known)
  return finish(context, opened.absorbed, input.remembered)
}

function requireKnown(
  { state }: Absorbed,
  known: { readonly generation: number; readonly root: Uint8Array },
): void {
  if (state.generation !== known.generation) throw new KeyhavenError('ERR_POINTER_CONFLICT', undefined)
  if (!equalConstantTime(state.root, known.root)) {
    throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'root' })
  }
}

async function openBySeed(
  context: SyncContext,
  state: PointerState & { readonly pointer: Pointer },
  seed: Uint8Array,
): Promise<{ readonly absorbed: Absorbed } | undefined> {
  const opened = await openRoot(context, state.pointer, seed)
  if (opened === undefined) return undefined
  const absorbed = await readGeneration(context, state.pointer, opened.root)
  requireListed(absorbed, { ...opened, authority: state.authority })
  const { authoritySeed } = absorbed.state
  requireSignedPointer(state.pointer, { account: context.account, authoritySeed })
  return { absorbed }
}

/** What a way in opens: the root key, and the slot that it was in. */
export interface OpenedRoot {
  readonly root: Uint8Array
  /** Hex. */
  readonly wayId: string
  readonly slot: Uint8Array
}

/** The root key in use by the way in of this seed; `undefined` when there is no slot for it. */
export async function openRoot(
  context: SyncContext,
  { generation }: Pointer,
  seed: Uint8Array,
): Promise<OpenedRoot | undefined> {
  const served = await context.transport.readSlots(context.signal)
  if (served.generation !== generation) throw new KeyhavenError('ERR_POINTER_CONFLICT', undefined)
  const { deriveXWingPublicKey } = await loadXWing()
  const wayId = toHex(deriveWayId(deriveXWingPublicKey(seed)))
  const slot = served.slots.get(wayId)
  if (slot === undefined) return undefined
  return { root: await openSlot({ account: context.account, generation, slot, seed }), wayId, slot }
}

/** The whole log of the generation in use, verified; nothing is written. */
export async function readGeneration(
  context: SyncContext,
  { registration, serial, generation }: Pointer,
  root: Uint8Array,
): Promise<Absorbed> {
  const { segments, heads } = await downloadSegments(context, 0)
  const input = { registration, serial, generation, root, segments, cursor: heads.cursor }
  const absorbed = await verifySegments(context, input)
  requireSameHeads(absorbed.arranged.heads, heads.heads)
  return absorbed
}

/** The log must have what the registration names: `ERR_LOG_ROLLED_BACK`. */
export function requireAnchor({ state }: Absorbed, { anchor }: RegisteredSecret): void {
  if (!state.anchors.includes(toHex(anchor))) throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
}

/** The ways segments must list the way that opened, with this very slot; the account's authority must be theirs. */
export function requireListed(
  { state }: Absorbed,
  found: Omit<OpenedRoot, 'root'> & { readonly authority: string | null },
): void {
  const way = state.ways.find(({ id }) => id === found.wayId)
  if (way === undefined || !equal(way.slotHash, sha256(found.slot))) {
    throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'ways' })
  }
  if (found.authority !== toHex(deriveEd25519PublicKey(state.authoritySeed))) {
    throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'authority' })
  }
}

async function finish(
  context: SyncContext,
  absorbed: Absorbed,
  remembered: BackupState | undefined,
): Promise<Entered> {
  if (remembered !== undefined) requireRemembered(absorbed, remembered)
  await keepAbsorbed(context, absorbed)
  return { state: absorbed.state, absorbed }
}
