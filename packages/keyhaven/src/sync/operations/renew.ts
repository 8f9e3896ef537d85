/**
 * Renews the registration after a restore: the same root key, the same PIN and its same way in, at a new subject, with
 * the newest anchor. What a thief might have gathered about the old registration opens nothing then, guesses count
 * from the beginning, and a later fresh device is protected against a rollback behind this restore.
 *
 * The anchor must cover all that the log has. If anything came after the newest ways segment, the renewal adds one.
 */
import { loadXWing, parseHex, randomBytes, toHex } from '../../crypto/index.ts'
import type { Vault } from '../../vault/index.ts'
import type { BackupState } from '../device/backup-state.ts'
import { isInUse, retryConflicts } from '../steps/catch-up.ts'
import { carryOut } from '../steps/change-pointer.ts'
import { sealChain } from '../steps/compose.ts'
import type { SyncContext } from '../steps/context.ts'
import { readKnownLog } from '../device/known-log.ts'
import { compareInMergeOrder } from '../steps/log.ts'
import { pull } from '../steps/pull.ts'
import { lastSequence } from '../steps/push.ts'
import { settle } from '../steps/settle.ts'
import { deriveWayId } from '../format/slot.ts'
import { describeTrust, writeWays } from '../format/ways.ts'

/** Renews under the PIN that opened the backup by this way seed; false when that way is not listed any more. */
export async function renew(
  context: SyncContext,
  registering: { readonly pin: Uint8Array; readonly waySeed: Uint8Array },
): Promise<boolean> {
  const { deriveXWingPublicKey } = await loadXWing()
  const wayId = toHex(deriveWayId(deriveXWingPublicKey(registering.waySeed)))
  return retryConflicts(async () => {
    const { pointer, state: known } = await settle(context)
    if (!isInUse(pointer) || known?.generation !== pointer.pointer.generation) return false
    const { state } = await pull(context, pointer.pointer, known)
    if (!state.ways.some(({ id }) => id === wayId)) return false
    const { generation, root, authoritySeed, heads } = state
    const covering = await findCoveringAnchor(context.vault, state)
    const segments = covering === undefined ? await sealAnchor(context, state) : []
    const registration = toHex(randomBytes(16))
    await carryOut(context, {
      outbox: { generation, root, segments, slots: [], pending: [], registration },
      authoritySeed,
      anchor: segments.at(-1)?.id ?? parseHex(covering ?? '', 'anchor', 32),
      expectedEtag: pointer.etag,
      serial: pointer.pointer.serial + 1,
      expectedHeads: heads,
      registering,
    })
    return true
  })
}

/** The newest ways or snapshot segment of this generation, if everything else comes before it. */
async function findCoveringAnchor(vault: Vault, state: BackupState): Promise<string | undefined> {
  const known = await readKnownLog(vault)
  const newest = state.anchors
    .flatMap((id) => known.get(id) ?? [])
    .sort(compareInMergeOrder)
    .at(-1)?.id
  return state.heads.length === 1 && state.heads[0] === newest ? newest : undefined
}

/** The ways as they are, once more, after all heads. */
async function sealAnchor(context: SyncContext, state: BackupState): ReturnType<typeof sealChain> {
  const { ways, authoritySeed, formerAuthorities, root, generation, heads } = state
  const trust = describeTrust(context.configuration)
  const body = writeWays({ ways, authoritySeed, formerAuthorities, trust })
  const sequence = await lastSequence(context, state)
  return sealChain(context, { bodies: [{ kind: 'ways', body }], root, generation, heads, sequence })
}
