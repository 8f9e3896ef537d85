/**
 * Moves a backup to other realms, such as from one realm to two of three: a new generation that is registered there, and
 * that says under its root key which realms it relies on. Before the commit only the old realms' registration is valid,
 * after it only the new ones'.
 */
import { equal } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import { checkConfiguration } from '../../recovery/index.ts'
import type { Configuration } from '../../recovery/index.ts'
import { catchUp, isInUse, retryConflicts } from '../steps/catch-up.ts'
import { describeChanged } from './change-generation.ts'
import type { SyncContext } from '../steps/context.ts'
import { startGeneration } from '../steps/new-generation.ts'
import type { MoveOutcome } from '../outcomes.ts'
import { pullAll } from '../steps/pull.ts'
import { removeRetired } from '../steps/retired-registrations.ts'
import { checkPinAtRealms } from '../steps/try-pin.ts'
import { describeKeys } from '../device/describe-keys.ts'
import { settle } from '../steps/settle.ts'
import { describeTrust } from '../format/ways.ts'

export interface Move {
  /** Where the backup is to be registered. */
  readonly configuration: Configuration
  /** Fewer realms or lower thresholds than now are refused without it. */
  readonly allowWeaker: boolean
  /** True when `pin` becomes the backup's PIN whatever it was; else it is checked with the realms in use first. */
  readonly isNewPin: boolean
}

/** `ERR_CONFIGURATION_INVALID` when the realms moved to are weaker and `allowWeaker` is not set. */
export async function moveRealms(context: SyncContext, pin: Uint8Array, move: Move): Promise<MoveOutcome> {
  const former = context.configuration
  const configuration = checkConfiguration(move.configuration)
  if (!move.allowWeaker) requireAsStrong(former, configuration)
  const moving: SyncContext = {
    ...context,
    configuration,
    movingFrom: [former],
    formerConfigurations: [former, ...context.formerConfigurations],
  }
  return retryConflicts(async () => {
    const { pointer, state } = await settle(moving)
    if (!isInUse(pointer)) return { status: 'no-backup' }
    const current = await catchUp(moving, pointer, state)
    if (current === undefined) throw new KeyhavenError('ERR_AUTHORITY_REQUIRED', undefined)
    const replaced = await pullAll(moving, pointer.pointer, current)
    if (equal(replaced.trust, describeTrust(configuration))) {
      const left = await removeRetired(moving, pointer, replaced)
      const { generation } = replaced
      const keys = await describeKeys(context.vault)
      return { status: 'moved', ...keys, uploaded: 0, generation, ...left }
    }
    const refused = move.isNewPin
      ? undefined
      : await checkPinAtRealms(context, pointer.pointer, pin, replaced)
    if (refused !== undefined) return refused
    const newPin = move.isNewPin ? true : undefined
    const done = await startGeneration(moving, { pointer, pin, newPin, replaced })
    return { status: 'moved', ...(await describeChanged(moving, done)) }
  })
}

function requireAsStrong(former: Configuration, configuration: Configuration): void {
  const weaker =
    configuration.realms.length < former.realms.length ||
    configuration.recoverThreshold < former.recoverThreshold ||
    configuration.registerThreshold < former.registerThreshold
  if (!weaker) return
  throw new KeyhavenError('ERR_CONFIGURATION_INVALID', {
    problem: 'fewer realms or a lower threshold than now, and allowWeaker is not set',
  })
}
