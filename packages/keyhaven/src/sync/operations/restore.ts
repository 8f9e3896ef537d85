/**
 * Restoring: the PIN opens the backup, everything in it is verified, and only then do its keys join those on this
 * device, in one write. Then the registration is renewed, for which the PIN is at hand only now.
 */
import { wipe } from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import type { BackupState } from '../device/backup-state.ts'
import { isInUse, retryConflicts } from '../steps/catch-up.ts'
import type { PointerInUse } from '../steps/catch-up.ts'
import type { SyncContext } from '../steps/context.ts'
import { describeKeys } from '../device/describe-keys.ts'
import { enterWithSecret, enterWithSeed, openRoot } from '../steps/enter.ts'
import type {
  KeysHere,
  LeftBehind,
  LogDamage,
  RestoreOutcome,
  Restored,
  WayRestoreOutcome,
} from '../outcomes.ts'
import { push } from '../steps/push.ts'
import type { RegisteredSecret } from '../format/registered-secret.ts'
import { removeRetired } from '../steps/retired-registrations.ts'
import { tryPin } from '../steps/try-pin.ts'
import { renew } from './renew.ts'
import { settle } from '../steps/settle.ts'
import { isPartlyReadable, takeWhatIsWhole } from '../steps/survey.ts'
import { atLeastTry } from './synchronise.ts'

/** Restores with a normalised PIN, and renews the registration under it. */
export async function restore(
  context: SyncContext,
  { pin, allowDamaged }: { readonly pin: Uint8Array; readonly allowDamaged: boolean },
): Promise<RestoreOutcome> {
  return retryConflicts(async (isLast) => {
    const { pointer, state: remembered } = await settle(context)
    if (!isInUse(pointer)) return { status: 'no-backup' }
    const tried = await tryPin(context, pointer.pointer, pin, remembered)
    if (tried.status !== 'recovered') return tried
    const { secret } = tried
    try {
      const { state, skipped } = await enter(context, pointer, { secret, remembered, allowDamaged })
      const keys = await describeKeys(context.vault)
      const { waySeed } = secret
      const follow =
        skipped === undefined
          ? await followUp(context, { pointer, state, keys, pin, waySeed, isLast })
          : { deviceAdded: false, renewed: false, ...asListed(pointer) }
      return { status: 'restored', ...keys, generation: state.generation, ...follow, skipped }
    } finally {
      wipe(secret.waySeed)
    }
  })
}

/**
 * Restores by a way whose seed (32 bytes) the person holds. The registration is not renewed: that takes the PIN, which
 * `changePin` replaces now. With `known`, what it opens must be that.
 */
export async function restoreWithSeed(
  context: SyncContext,
  seed: Uint8Array,
  known?: { readonly generation: number; readonly root: Uint8Array },
): Promise<WayRestoreOutcome> {
  return retryConflicts(async (isLast) => {
    const { pointer, state: remembered } = await settle(context)
    if (!isInUse(pointer)) return { status: 'no-backup' }
    const entered = await enterWithSeed(context, pointer, { seed, remembered, ...(known && { known }) })
    if (entered === undefined) return { status: 'unknown-way' }
    const { state } = entered
    const keys = await describeKeys(context.vault)
    const added = await addThisDevice(context, { state, keys, isLast })
    const left = await removeLeftBehind(context, state, asListed(pointer))
    const { generation } = state
    return {
      status: 'restored',
      ...keys,
      generation,
      deviceAdded: added,
      renewed: false,
      ...left,
      skipped: undefined,
    }
  })
}

interface EnterInput {
  readonly secret: RegisteredSecret
  readonly remembered: BackupState | undefined
  readonly allowDamaged: boolean
}

async function enter(
  context: SyncContext,
  pointer: PointerInUse,
  input: EnterInput,
): Promise<{ readonly state: BackupState; readonly skipped: LogDamage | undefined }> {
  try {
    return { ...(await enterWithSecret(context, pointer, input)), skipped: undefined }
  } catch (fault) {
    if (!input.allowDamaged || !isPartlyReadable(fault)) throw fault
    const opened = await openRoot(context, pointer.pointer, input.secret.waySeed)
    if (opened === undefined) throw new KeyhavenError('ERR_LOG_INCOMPLETE', undefined)
    const { root } = opened
    const { state, damage } = await takeWhatIsWhole(context, pointer.pointer, { ...input, root })
    return { state, skipped: damage }
  }
}

/**
 * What comes after the keys are here: none of it can make the restore a failed one. `ERR_POINTER_CONFLICT` when another device
 * started a generation meanwhile, as long as it can be entered again: the PIN is at hand only now.
 */
async function followUp(
  context: SyncContext,
  input: {
    readonly pointer: PointerInUse
    readonly state: BackupState
    readonly keys: KeysHere
    readonly pin: Uint8Array
    readonly waySeed: Uint8Array
    readonly isLast: boolean
  },
): Promise<Pick<Restored, 'deviceAdded' | 'renewed' | keyof LeftBehind>> {
  const deviceAdded = await addThisDevice(context, input)
  const renewed = deviceAdded && ((await atLeastTry(() => renew(context, input))) ?? false)
  const { pointer, state } = input
  // Of a renewal that was begun either registration may be the one in use.
  const otherwise = asListed(pointer, deviceAdded ? pointer.pointer.realms : [])
  return { deviceAdded, renewed, ...(await removeLeftBehind(context, state, otherwise)) }
}

/** Makes this device a way in of its own, and tells the access log. */
async function addThisDevice(
  context: SyncContext,
  input: { readonly state: BackupState; readonly keys: KeysHere; readonly isLast: boolean },
): Promise<boolean> {
  const { transport, signal } = context
  const { identityKeys, conversationKeys } = input.keys
  const added = await atLeastTry(() => pushUnlessMoved(context, input.state))
  if (added === 'moved' && !input.isLast) throw new KeyhavenError('ERR_POINTER_CONFLICT', undefined)
  await atLeastTry(() => transport.reportRestored({ success: true, identityKeys, conversationKeys }, signal))
  return added === 'pushed'
}

async function pushUnlessMoved(context: SyncContext, state: BackupState): Promise<'pushed' | 'moved'> {
  try {
    await push(context, state)
    return 'pushed'
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_POINTER_CONFLICT')) return 'moved'
    throw fault
  }
}

/** Deletes what is out of use; answers `otherwise` when the server cannot be asked what that is. */
async function removeLeftBehind(
  context: SyncContext,
  state: BackupState,
  otherwise: LeftBehind,
): Promise<LeftBehind> {
  const { transport, signal } = context
  const left = await atLeastTry(async () =>
    removeRetired(context, await transport.readPointer(signal), state),
  )
  return left ?? otherwise
}

/** What was listed as out of use before the restore, and may be so on `more`. */
function asListed({ retired }: PointerInUse, more: readonly string[] = []): LeftBehind {
  const realms = new Set([...retired.flatMap((registration) => registration.realms), ...more])
  return { oldRegistrationRemainsOn: [...realms].sort() }
}
