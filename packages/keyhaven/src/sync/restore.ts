/**
 * Restoring: the PIN opens the backup, everything in it is verified, and only then do its keys join those on this
 * device, in one write. Then the registration is renewed, for which the PIN is at hand only now.
 */
import { wipe } from '../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import type { BackupState } from './backup-state.ts'
import { conflictsOf, isInUse, retryConflicts } from './backup.ts'
import type { SyncContext } from './context.ts'
import { enterWithSecret } from './enter.ts'
import { readLocalKeys } from './key-batches.ts'
import { countKeys } from './key-store.ts'
import type { RestoreOutcome, Restored } from './outcomes.ts'
import { push } from './push.ts'
import { removeRetired, tryPin } from './registration.ts'
import { renew } from './renew.ts'
import { settle } from './settle.ts'

/** Restores with a normalised PIN, and renews the registration under it. */
export async function restore(context: SyncContext, pin: Uint8Array): Promise<RestoreOutcome> {
  return retryConflicts(async () => {
    const { pointer, state: remembered } = await settle(context)
    if (!isInUse(pointer)) return { status: 'no-backup' }
    const tried = await tryPin(context, pointer.pointer, pin, remembered?.authoritySeed)
    if (tried.status !== 'recovered') return tried
    const { secret } = tried
    try {
      const { state } = await enterWithSecret(context, pointer, { secret, remembered })
      const local = await readLocalKeys(context.vault)
      const counts = countKeys(local)
      const follow = await followUp(context, { state, counts, pin, waySeed: secret.waySeed })
      const { generation } = state
      return { status: 'restored', ...counts, identityConflicts: conflictsOf(local), generation, ...follow }
    } finally {
      wipe(secret.waySeed)
    }
  })
}

/** What comes after the keys are here: none of it can make the restore a failed one. */
async function followUp(
  context: SyncContext,
  input: {
    readonly state: BackupState
    readonly counts: ReturnType<typeof countKeys>
    readonly pin: Uint8Array
    readonly waySeed: Uint8Array
  },
): Promise<Pick<Restored, 'deviceAdded' | 'renewed' | 'oldRegistrationRemainsOn'>> {
  const { transport, signal } = context
  await atLeastTry(() => transport.reportRestored({ success: true, ...input.counts }, signal))
  const deviceAdded = (await atLeastTry(() => push(context, input.state))) !== undefined
  const renewed = deviceAdded && ((await atLeastTry(() => renew(context, input))) ?? false)
  const remains = await atLeastTry(async () =>
    removeRetired(context, await transport.readPointer(signal), input.state.authoritySeed),
  )
  return { deviceAdded, renewed, oldRegistrationRemainsOn: remains ?? [] }
}

/** The result; `undefined` when it failed, for the next backup or restore does it again. */
async function atLeastTry<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (fault) {
    if (!(fault instanceof KeyhavenError) || isKeyhavenError(fault, 'ERR_ABORTED')) throw fault
    return undefined
  }
}
