/**
 * Backing up: a first backup with a new PIN, joining one that is there with its PIN, and after that whatever changed.
 */
import { parseUtf8 } from '../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { requireNewPin } from '../strength/index.ts'
import type { BackupState } from './backup-state.ts'
import type { SyncContext } from './context.ts'
import { enterWithDevice, enterWithSecret } from './enter.ts'
import { readLocalKeys } from './key-batches.ts'
import { countKeys } from './key-store.ts'
import { startGeneration } from './new-generation.ts'
import type { BackedUp, BackupOutcome } from './outcomes.ts'
import { pull, pullAll } from './pull.ts'
import { push } from './push.ts'
import { removeRetired, tryPin } from './registration.ts'
import type { PinOutcome } from './registration.ts'
import { settle } from './settle.ts'
import type { Settled } from './settle.ts'
import type { Pointer, PointerState } from './transport/transport.ts'

/** How often a backup starts again because another device was quicker. */
const MOST_ATTEMPTS = 4

/** The state after sending so many segments. */
interface Done {
  readonly state: BackupState
  readonly uploaded: number
}

/** The account has a backup. */
export type PointerInUse = PointerState & { readonly pointer: Pointer }

/** Backs up what has changed; `pin` (normalised) makes a first backup, joins, or is checked, as the case may be. */
export async function backUp(context: SyncContext, pin: Uint8Array | undefined): Promise<BackupOutcome> {
  return retryConflicts(async () => {
    const settled = await settle(context)
    const { pointer } = settled
    if (isInUse(pointer)) return backUpInto(context, pointer, settled, pin)
    return pin === undefined ? { status: 'pin-needed' } : create(context, pointer, pin)
  })
}

/** Replaces the backup by this device's keys under another PIN and a new root key. */
export async function replace(context: SyncContext, pin: Uint8Array): Promise<BackupOutcome> {
  return retryConflicts(async () => {
    const { pointer, state } = await settle(context)
    if (!isInUse(pointer)) return create(context, pointer, pin)
    const current = state && (await catchUp(context, pointer, state))
    if (current === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
    const replaced = await pullAll(context, pointer.pointer, current)
    return afterChange(context, await startGeneration(context, { pointer, pin, replaced }), false)
  })
}

/** True when the account has a backup. */
export function isInUse(pointer: PointerState): pointer is PointerInUse {
  return pointer.pointer !== null
}

/** The state in the pointer's generation: as it is, or entered by this device's own way; none if that is shut. */
export async function catchUp(
  context: SyncContext,
  pointer: PointerInUse,
  state: BackupState,
): Promise<BackupState | undefined> {
  if (state.generation === pointer.pointer.generation) return state
  return (await enterWithDevice(context, pointer, state))?.state
}

async function create(context: SyncContext, pointer: PointerState, pin: Uint8Array): Promise<BackedUp> {
  requireNewPin({ pin: parseUtf8(pin), phone: context.transport.phone })
  return afterChange(context, await startGeneration(context, { pointer, pin, replaced: undefined }), true)
}

/** The pointer has moved: what it left behind is on the new list. */
async function afterChange(context: SyncContext, done: Done, created: boolean): Promise<BackedUp> {
  const pointer = await context.transport.readPointer(context.signal)
  return describe(context, pointer, { ...done, created, joined: false })
}

async function backUpInto(
  context: SyncContext,
  pointer: PointerInUse,
  settled: Settled,
  pin: Uint8Array | undefined,
): Promise<BackupOutcome> {
  const known = settled.state && (await catchUp(context, pointer, settled.state))
  if (pin === undefined && known === undefined) return { status: 'pin-needed' }
  const tried =
    pin === undefined ? undefined : await tryPin(context, pointer.pointer, pin, known?.authoritySeed)
  if (tried !== undefined && tried.status !== 'recovered') return tried
  const current = known ?? (await join(context, pointer, tried, settled.state))
  const state = await pull(context, pointer.pointer, current)
  const pushed = await push(context, state)
  const { created } = settled
  return describe(context, pointer, { ...pushed, created, joined: known === undefined })
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
  done: Done & Pick<BackedUp, 'created' | 'joined'>,
): Promise<BackedUp> {
  const { uploaded, created, joined } = done
  const oldRegistrationRemainsOn = await removeRetired(context, pointer, done.state.authoritySeed)
  const { generation } = done.state
  const keys = await describeKeys(context)
  return { status: 'backed-up', created, joined, ...keys, uploaded, generation, oldRegistrationRemainsOn }
}

/** What an outcome says about the keys on this device. */
export async function describeKeys(
  context: SyncContext,
): Promise<Pick<BackedUp, 'identityKeys' | 'conversationKeys' | 'identityConflicts'>> {
  const local = await readLocalKeys(context.vault)
  return { ...countKeys(local), identityConflicts: conflictsOf(local) }
}

/** Names of identities that have more than one key. */
export function conflictsOf(local: Awaited<ReturnType<typeof readLocalKeys>>): readonly string[] {
  return local.identity.names().filter((name) => local.identity.keysOf(name).length > 1)
}

/** Runs again from the pointer when another device moved it, or the log, meanwhile. */
export async function retryConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run()
    } catch (fault) {
      if (!isKeyhavenError(fault, 'ERR_POINTER_CONFLICT') || attempt === MOST_ATTEMPTS) throw fault
    }
  }
}
