/**
 * Deletes registrations that are out of use, at their realms, and has the server forget them.
 */
import { toHex } from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { remove } from '../../recovery/index.ts'
import type { Configuration } from '../../recovery/index.ts'
import { findAuthoritySeed, requireSignedPointer } from '../format/authority.ts'
import type { Authorities } from '../format/authority.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { readAuthorities } from '../device/first-authority.ts'
import type { LeftBehind } from '../outcomes.ts'
import { authorityFor } from '../format/subject.ts'
import type { Pointer } from '../format/pointer.ts'
import type { PointerState } from '../transport/transport.ts'
import { isOfAnotherTime, realmIds, realmOptions } from './registration.ts'

/**
 * Deletes registrations that are out of use at their realms, by the authority key. What cannot be reached, or has to wait,
 * stays listed at the server for the next time.
 */
export async function removeRetired(
  context: SyncContext,
  state: PointerState,
  known: (Authorities & Partial<Pick<BackupState, 'generation' | 'serial'>>) | undefined,
): Promise<LeftBehind> {
  const certain = isCertain(context, state.pointer, known)
  const remains: Remaining[] = []
  for (const retired of state.retired) {
    const { registration, realms, authority } = retired
    const inUse = [state.pointer?.registration, state.pending?.registration].includes(registration)
    if (inUse) continue
    const seed = known && findAuthoritySeed(known, authority)
    const left = certain
      ? await removeRegistration(context, { registration, realms, authoritySeed: seed })
      : untouched(realms)
    const nameless = certain && left.realms.length > 0 && authority === undefined
    remains.push(nameless ? await removeByFirstAuthority(context, retired) : left)
  }
  const on = new Set(remains.flatMap(({ realms }) => realms))
  return {
    oldRegistrationRemainsOn: [...on].sort(),
    ...(remains.some(({ clockIsWrong }) => clockIsWrong) && { clockIsWrong: true as const }),
  }
}

/** Where something of one registration remains, and whether the clock is why. */
interface Remaining {
  readonly realms: readonly string[]
  readonly clockIsWrong: boolean
}

function untouched(realms: readonly string[]): Remaining {
  return { realms, clockIsWrong: false }
}

/** A first backup that this device gave up before another device made one was registered under a key of its own. */
async function removeByFirstAuthority(
  context: SyncContext,
  { registration, realms }: PointerState['retired'][number],
): Promise<Remaining> {
  const first = await readAuthorities(context.vault)
  if (first === undefined) return untouched(realms)
  return removeRegistration(context, { registration, realms, authoritySeed: first.authoritySeed })
}

/**
 * True when it is certain which registration is in use: there is none, or the authority key signed the pointer. Of a generation
 * that this device has not entered it cannot tell yet, and leaves everything where it is.
 */
function isCertain(
  { account }: SyncContext,
  pointer: Pointer | null,
  known: (Authorities & Partial<Pick<BackupState, 'generation' | 'serial'>>) | undefined,
): boolean {
  if (pointer === null) return true
  if (known?.generation !== pointer.generation) return false
  const { authoritySeed, generation, serial = 0 } = known
  requireSignedPointer(pointer, { account, authoritySeed, remembered: { generation, serial } })
  return true
}

/** Deletes one at its realms and has the server forget it. */
export async function removeRegistration(
  context: SyncContext,
  retired: {
    readonly registration: string
    readonly realms: readonly string[]
    readonly authoritySeed: Uint8Array | undefined
  },
): Promise<Remaining> {
  const { registration, realms, authoritySeed: seed } = retired
  try {
    const configuration = findConfiguration(context, realms)
    if (configuration === undefined) return untouched(realms)
    const authority = seed && authorityFor({ account: context.account, registration, seed })
    const options = await realmOptions({ ...context, configuration }, registration)
    const { remainsOn, faults } = await remove({ ...options, ...(authority !== undefined && { authority }) })
    if (remainsOn.length === 0) await context.transport.releaseRegistration(registration, context.signal)
    return { realms: remainsOn.map(toHex), clockIsWrong: faults.some(isOfAnotherTime) }
  } catch (fault) {
    if (!(fault instanceof KeyhavenError) || isKeyhavenError(fault, 'ERR_ABORTED')) throw fault
    return untouched(realms)
  }
}

/** The configuration, in use or former, that has just these realms. */
function findConfiguration(context: SyncContext, realms: readonly string[]): Configuration | undefined {
  const ids = [...realms].sort().join()
  const all = [context.configuration, ...context.formerConfigurations]
  return all.find((configuration) => realmIds({ configuration }).join() === ids)
}
