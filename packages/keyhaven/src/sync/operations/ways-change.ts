/**
 * Ways in are added one by one, by a device that has the backup open: one more ways segment, and the root key in use sealed to
 * the new way. Removing one is a new root key that is not sealed to it; the PIN's way and the devices' have calls of their own.
 */
import { loadXWing, sha256, toHex } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import type { BackupState } from '../device/backup-state.ts'
import { leftBehind, rotate } from './change-generation.ts'
import type { LeftBehind } from '../outcomes.ts'
import { sealChain } from '../steps/compose.ts'
import type { SyncContext } from '../steps/context.ts'
import { readOpenBackup } from '../steps/open-backup.ts'
import { keepOutbox } from '../device/outbox.ts'
import type { OutgoingSlot } from '../device/outbox.ts'
import { lastSequence } from '../steps/push.ts'
import { deriveWayId, sealSlot } from '../format/slot.ts'
import { deliver } from '../steps/send.ts'
import { retryConflicts } from '../steps/catch-up.ts'
import { describeTrust, writeWays } from '../format/ways.ts'
import type { Way } from '../format/ways.ts'

/** More would make each rotation long. */
const MOST_WAYS = 64
const HAVE_THEIR_OWN_CALL: readonly string[] = ['pin', 'device', 'contacts']

/** A way in, as the log lists it. */
export interface ListedWay {
  /** 32 hex digits. */
  readonly id: string
  /** `pin`, `device`, `recovery-code`, `kit`, `passkey`, `contacts`, or a type of the future. */
  readonly type: string
  readonly label: string
  readonly thisDevice: boolean
}

export type WayRemovalOutcome =
  | ({ readonly status: 'removed' } & LeftBehind)
  /** It is not there, or has been removed already. */
  | { readonly status: 'unknown-way' }
  /**
   * The PIN is replaced by `changePin`, and a device is removed by `removeDevice`: so something always opens the backup. Trusted
   * contacts are removed by `contacts.remove`, with what the server keeps for them.
   */
  | { readonly status: 'has-its-own-call' }

/** Every way in. `ERR_AUTHORITY_REQUIRED` on a device that has not joined. */
export async function listWays(context: SyncContext): Promise<readonly ListedWay[]> {
  const { pointer, state } = await readOpenBackup(context)
  if (pointer === undefined) return []
  const own = toHex(context.device.id)
  return requireJoined(state).ways.map(({ id, type, label, device }) => ({
    id,
    type,
    label,
    thisDevice: device === own,
  }))
}

/** Lists a way in and seals the root key in use to it; says its id, or `undefined` where there is no backup. */
export async function addWay(
  context: SyncContext,
  way: Pick<Way, 'type' | 'label' | 'publicKey' | 'device' | 'contacts'>,
): Promise<{ readonly id: string; readonly state: BackupState } | undefined> {
  const { publicKey } = way
  const id = toHex(deriveWayId(publicKey))
  return retryConflicts(async () => {
    const { pointer, state: known } = await readOpenBackup(context)
    if (pointer === undefined) return undefined
    const state = requireJoined(known)
    if (state.ways.some((listed) => listed.id === id)) return { id, state }
    if (state.ways.length >= MOST_WAYS) {
      throw new KeyhavenError('ERR_INPUT_INVALID', {
        field: 'ways',
        expected: `at most ${String(MOST_WAYS)}`,
      })
    }
    const { account } = context
    const { generation, root } = state
    const slot = await sealSlot({ account, generation, root, publicKey })
    const added: Way = { ...way, id, slotHash: sha256(slot) }
    const slots = [{ wayId: id, slot }]
    return { id, state: await sendWays(context, state, { ways: [...state.ways, added], slots }) }
  })
}

/** The same for a way whose seed (32 bytes) a person keeps. */
export async function addSeededWay(
  context: SyncContext,
  { seed, ...way }: Pick<Way, 'type' | 'label' | 'contacts'> & { readonly seed: Uint8Array },
): ReturnType<typeof addWay> {
  const { deriveXWingPublicKey } = await loadXWing()
  return addWay(context, { ...way, publicKey: deriveXWingPublicKey(seed) })
}

/** Starts a generation without a way. */
export async function removeWay(context: SyncContext, id: string): Promise<WayRemovalOutcome> {
  const { pointer, state } = await readOpenBackup(context)
  if (pointer === undefined) return { status: 'unknown-way' }
  const way = requireJoined(state).ways.find((listed) => listed.id === id)
  if (way === undefined) return { status: 'unknown-way' }
  if (HAVE_THEIR_OWN_CALL.includes(way.type)) return { status: 'has-its-own-call' }
  const changed = await rotate(context, undefined, new Set([id]))
  if (changed.status !== 'rotated') return { status: 'unknown-way' }
  return { status: 'removed', ...leftBehind(changed) }
}

/** One more ways segment with these ways, and slots with it. `ERR_POINTER_CONFLICT` when the log moved on meanwhile. */
export async function sendWays(
  context: SyncContext,
  state: BackupState,
  change: { readonly ways: readonly Way[]; readonly slots: readonly OutgoingSlot[] },
): Promise<BackupState> {
  const { root, generation, heads, authoritySeed, formerAuthorities } = state
  const trust = describeTrust(context.configuration)
  const body = writeWays({ ways: change.ways, authoritySeed, formerAuthorities, trust })
  const sequence = await lastSequence(context, state)
  const bodies = [{ kind: 'ways' as const, body }]
  const segments = await sealChain(context, { bodies, root, generation, heads, sequence })
  const { slots } = change
  const outbox = { generation, root, segments, slots, pending: [], registration: undefined }
  await context.vault.write(keepOutbox(outbox))
  const delivered = await deliver(context, outbox, state)
  if (delivered === undefined) throw new KeyhavenError('ERR_POINTER_CONFLICT', undefined)
  return delivered
}

function requireJoined(state: BackupState | undefined): BackupState {
  if (state === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
  return state
}
