/**
 * Backing up: a first backup with a new PIN, joining one that is there with its PIN, and after that whatever changed.
 */
import { parseUtf8, wipe } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import { requireNewPin } from '../../strength/index.ts'
import type { BackupState } from '../device/backup-state.ts'
import { catchUp, isInUse, retryConflicts } from '../steps/catch-up.ts'
import type { PointerInUse } from '../steps/catch-up.ts'
import type { CarriedOut } from '../steps/change-pointer.ts'
import type { SyncContext } from '../steps/context.ts'
import { describeKeys } from '../device/describe-keys.ts'
import { enterWithSecret } from '../steps/enter.ts'
import { startGeneration } from '../steps/new-generation.ts'
import type { BackedUp, BackupOutcome } from '../outcomes.ts'
import { pullAll } from '../steps/pull.ts'
import { removeRetired } from '../steps/retired-registrations.ts'
import { tryPin } from '../steps/try-pin.ts'
import type { PinOutcome } from '../steps/try-pin.ts'
import { settle } from '../steps/settle.ts'
import type { Settled } from '../steps/settle.ts'
import { isDamage, takeWhatIsWhole } from '../steps/survey.ts'
import { bringUpToDate } from './synchronise.ts'
import type { PointerState } from '../transport/transport.ts'

/** Backs up what has changed; `pin` (normalised) makes a first backup, joins, or is checked, as the case may be. */
export async function backUp(context: SyncContext, pin: Uint8Array | undefined): Promise<BackupOutcome> {
  return retryConflicts(async () => {
    const settled = await settle(context)
    const { pointer } = settled
    if (isInUse(pointer)) return backUpInto(context, pointer, settled, pin)
    return pin === undefined ? { status: 'pin-needed' } : create(context, pointer, pin)
  })
}

/** Replaces the backup by this device's keys under another PIN and a new root key; also a damaged one, with `allowDamaged`. */
export async function replace(
  context: SyncContext,
  { pin, allowDamaged }: { readonly pin: Uint8Array; readonly allowDamaged: boolean },
): Promise<BackupOutcome> {
  return retryConflicts(async () => {
    const { pointer, state } = await settle(context)
    if (!isInUse(pointer)) return create(context, pointer, pin)
    const current = await catchUp(context, pointer, state)
    if (current === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
    const replaced = await readReplaced(context, { pointer, current, allowDamaged })
    return afterChange(context, await startGeneration(context, { pointer, pin, replaced }), false)
  })
}

async function readReplaced(
  context: SyncContext,
  input: { readonly pointer: PointerInUse; readonly current: BackupState; readonly allowDamaged: boolean },
): Promise<BackupState> {
  const { pointer } = input.pointer
  const { current } = input
  try {
    return await pullAll(context, pointer, current)
  } catch (fault) {
    if (!input.allowDamaged || !isDamage(fault)) throw fault
    return (await takeWhatIsWhole(context, pointer, { root: current.root, remembered: current })).state
  }
}

async function create(context: SyncContext, pointer: PointerState, pin: Uint8Array): Promise<BackedUp> {
  requireNewPin({ pin: parseUtf8(pin), phone: context.transport.phone })
  return afterChange(context, await startGeneration(context, { pointer, pin, replaced: undefined }), true)
}

/** The pointer has moved: what it left behind is on the new list. */
async function afterChange(context: SyncContext, done: CarriedOut, created: boolean): Promise<BackedUp> {
  const pointer = await context.transport.readPointer(context.signal)
  const { uploaded, state } = done
  return describe(context, pointer, { uploaded, state, created, joined: false })
}

async function backUpInto(
  context: SyncContext,
  pointer: PointerInUse,
  settled: Settled,
  pin: Uint8Array | undefined,
): Promise<BackupOutcome> {
  const known = await catchUp(context, pointer, settled.state)
  if (pin === undefined && known === undefined) return { status: 'pin-needed' }
  const tried = pin === undefined ? undefined : await tryPin(context, pointer.pointer, pin, known)
  if (tried !== undefined && tried.status !== 'recovered') return tried
  try {
    const current = known ?? (await join(context, pointer, tried, settled.state))
    const { uploaded, state } = await bringUpToDate(context, pointer, current)
    const { created } = settled
    return await describe(context, pointer, { uploaded, state, created, joined: known === undefined })
  } finally {
    if (tried !== undefined) wipe(tried.secret.waySeed)
  }
}

async function join(
  context: SyncContext,
  pointer: PointerInUse,
  tried: Extract<PinOutcome, { readonly status: 'recovered' }> | undefined,
  remembered: BackupState | undefined,
): Promise<BackupState> {
  if (tried === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
  const { secret } = tried
  return (await enterWithSecret(context, pointer, { secret, remembered })).state
}

async function describe(
  context: SyncContext,
  pointer: PointerState,
  done: Pick<BackedUp, 'uploaded' | 'created' | 'joined'> & { readonly state: BackupState },
): Promise<BackedUp> {
  const { state, ...said } = done
  const left = await removeRetired(context, pointer, state)
  const keys = await describeKeys(context.vault)
  return { status: 'backed-up', ...keys, ...said, generation: state.generation, ...left }
}
