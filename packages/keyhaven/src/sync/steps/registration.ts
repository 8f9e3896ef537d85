/**
 * The PIN's way in at the realms: registering its secret under a subject of its own, getting it back, deleting it.
 */
import { equalConstantTime, lp, concat, toHex, wipe } from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import type { RealmFault } from '../../errors.ts'
import { keep, recover, register, remove } from '../../recovery/index.ts'
import type { Configuration, OperationOptions, PinOptions, RecoverOutcome } from '../../recovery/index.ts'
import { findAuthoritySeed, requireSignedPointer } from '../format/authority.ts'
import type { Authorities } from '../format/authority.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { readAuthorities } from '../device/first-authority.ts'
import { noteGuesses } from '../device/guesses.ts'
import { parseRegisteredSecret, writeRegisteredSecret } from '../format/registered-secret.ts'
import type { RegisteredSecret } from '../format/registered-secret.ts'
import type { LeftBehind, Locked, Waiting } from '../outcomes.ts'
import { authorityFor } from '../format/subject.ts'
import { createRealmTransport } from '../transport/realms.ts'
import type { Pointer } from '../format/pointer.ts'
import type { PointerState } from '../transport/transport.ts'

/** Wrong PINs before the realms destroy their shares. */
export const DEFAULT_NUM_GUESSES = 10

/** What trying a PIN comes to, when nothing is at fault. */
export type PinOutcome =
  | { readonly status: 'recovered'; readonly secret: RegisteredSecret }
  | { readonly status: 'wrong-pin'; readonly guessesRemaining: number }
  | Locked
  | Waiting

/**
 * Tries a PIN at the pointer's registration; a wrong one costs a guess. A device that has joined (`known`) passes the
 * waits after wrong PINs. `ERR_CONFIGURATION_INVALID` when the pointer
 * names other realms than the configuration, and nothing is sent to any; `ERR_REGISTRATION_SPLIT` when the realms
 * hold nothing although the account has a backup, which is never a reason to make a first one.
 */
export async function tryPin(
  context: SyncContext,
  pointer: Pointer,
  pin: Uint8Array,
  known?: Authorities,
): Promise<PinOutcome> {
  requireConfiguredRealms(context, pointer.realms)
  context.report({ phase: 'pin', done: 0, total: 1 })
  const { registration } = pointer
  const options = await pinOptions(context, registration, pin)
  let tried = await recover(options)
  if (tried.status === 'waiting' && known !== undefined) {
    const seed = findAuthoritySeed(known, pointer.registrationAuthority)
    const authority = authorityFor({ account: context.account, registration, seed })
    tried = await recover({ ...options, authority })
  }
  const outcome = describeOutcome(tried)
  context.report({ phase: 'pin', done: 1, total: 1 })
  await noteGuesses(context.vault, { registration, remaining: remainingAfter(outcome) })
  return outcome
}

function remainingAfter(outcome: PinOutcome): number | undefined {
  if (outcome.status === 'wrong-pin') return outcome.guessesRemaining
  return outcome.status === 'locked' ? 0 : undefined
}

/**
 * Registers a secret under a PIN at a new subject, bound to the authority key, gets it back once, and compares: only
 * what was seen to work is committed.
 */
export async function registerAndCompare(
  context: SyncContext,
  input: {
    readonly registration: string
    readonly pin: Uint8Array
    readonly secret: RegisteredSecret
    readonly authoritySeed: Uint8Array
  },
): Promise<void> {
  context.report({ phase: 'register', done: 0, total: 2 })
  const options = await pinOptions(context, input.registration, input.pin)
  const secret = writeRegisteredSecret(input.secret)
  try {
    const { registration, authoritySeed: seed } = input
    const authority = authorityFor({ account: context.account, registration, seed })
    await register({ ...options, authority, secret, numGuesses: DEFAULT_NUM_GUESSES })
    context.report({ phase: 'register', done: 1, total: 2 })
    const outcome = await recover(options)
    const same = outcome.status === 'recovered' && equalConstantTime(outcome.secret, secret)
    if (outcome.status === 'recovered') wipe(outcome.secret)
    if (!same) throw new KeyhavenError('ERR_REGISTRATION_SPLIT', { realms: outcome.faults })
    context.report({ phase: 'register', done: 2, total: 2 })
  } finally {
    wipe(secret)
  }
}

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
      ? await removeOne(context, { registration, realms, authoritySeed: seed })
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
  return removeOne(context, { registration, realms, authoritySeed: first.authoritySeed })
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

/**
 * Begins the cooling periods of a registration at its realms, or deletes it where they are over; returns the realms that could
 * not be asked.
 */
export async function challengeRegistration(
  context: SyncContext,
  { registration, realms }: Pointer,
): Promise<readonly string[]> {
  requireConfiguredRealms(context, realms)
  const { faults } = await remove(await realmOptions(context, registration))
  return faults.filter(({ fault }) => fault !== 'cooling').map(({ realmId }) => realmId)
}

/**
 * Ends cooling periods that somebody has begun at the realms. `ERR_REALMS_UNAVAILABLE` names those that could not be asked,
 * `ERR_CLOCK_WRONG` when one did not take the signature for its time.
 */
export async function keepRegistration(
  context: SyncContext,
  { registration, realms, registrationAuthority }: Pointer,
  known: Authorities,
): Promise<void> {
  requireConfiguredRealms(context, realms)
  const seed = findAuthoritySeed(known, registrationAuthority)
  const authority = authorityFor({ account: context.account, registration, seed })
  const faults = await keep({ ...(await realmOptions(context, registration)), authority })
  if (faults.some(isOfAnotherTime)) throw new KeyhavenError('ERR_CLOCK_WRONG', undefined)
  if (faults.length > 0) throw new KeyhavenError('ERR_REALMS_UNAVAILABLE', { realms: faults })
}

/** Deletes one at its realms and has the server forget it. */
export async function removeOne(
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

function isOfAnotherTime({ fault }: RealmFault): boolean {
  return fault === 'clock-wrong'
}

/** The configuration, in use or former, that has just these realms. */
function findConfiguration(context: SyncContext, realms: readonly string[]): Configuration | undefined {
  const ids = [...realms].sort().join()
  const all = [context.configuration, ...context.formerConfigurations]
  return all.find((configuration) => realmIds({ configuration }).join() === ids)
}

function describeOutcome(outcome: RecoverOutcome): PinOutcome {
  switch (outcome.status) {
    case 'recovered': {
      const secret = parseRegisteredSecret(outcome.secret)
      wipe(outcome.secret)
      return { status: 'recovered', secret }
    }
    case 'wrong-pin':
      return { status: 'wrong-pin', guessesRemaining: outcome.guessesRemaining }
    case 'locked':
      return { status: 'locked' }
    case 'waiting':
      return describeWait(outcome.retryAfterSeconds)
    case 'not-registered':
      throw new KeyhavenError('ERR_REGISTRATION_SPLIT', { realms: outcome.faults })
  }
}

/** A wait of so many seconds, by this device's clock. */
function describeWait(retryAfterSeconds: number): Waiting {
  const until = new Date(Date.now() + retryAfterSeconds * 1000).toISOString()
  return { status: 'waiting', until, retryAfterSeconds }
}

function requireConfiguredRealms(context: SyncContext, realms: readonly string[]): void {
  const configured = realmIds(context).join()
  if ([...realms].sort().join() === configured) return
  throw new KeyhavenError('ERR_CONFIGURATION_INVALID', {
    problem: 'the backup is registered at other realms',
  })
}

/** The ids of the configuration's realms in hex, sorted. */
export function realmIds(context: Pick<SyncContext, 'configuration'>): readonly string[] {
  return context.configuration.realms.map(({ id }) => toHex(id)).sort()
}

async function pinOptions(context: SyncContext, registration: string, pin: Uint8Array): Promise<PinOptions> {
  return {
    ...(await realmOptions(context, registration)),
    pin,
    userInfo: concat(lp('keyhaven'), lp(context.account)),
    ...(context.argon2id !== undefined && { argon2id: context.argon2id }),
  }
}

async function realmOptions(context: SyncContext, registration: string): Promise<OperationOptions> {
  const { transport, configuration, fetch, realmDeadlineMs, signal } = context
  const tokens = await transport.realmTokens({ registration, realmIds: realmIds(context) }, signal)
  return {
    configuration,
    transport: createRealmTransport({ fetch, tokens, deadlineMs: realmDeadlineMs }),
    realmDeadlineMs,
    ...(signal !== undefined && { signal }),
  }
}
