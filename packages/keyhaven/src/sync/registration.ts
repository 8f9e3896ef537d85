/**
 * The PIN's way in at the realms: registering its secret under a subject of its own, getting it back, deleting it.
 */
import { equalConstantTime, lp, concat, toHex, wipe } from '../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { recover, register, remove } from '../recovery/index.ts'
import type { OperationOptions, PinOptions, RecoverOutcome } from '../recovery/index.ts'
import type { SyncContext } from './context.ts'
import { parseRegisteredSecret, writeRegisteredSecret } from './registered-secret.ts'
import type { RegisteredSecret } from './registered-secret.ts'
import { createRealmTransport } from './transport/realms.ts'
import type { Pointer, PointerState } from './transport/transport.ts'

/** Wrong PINs before the realms destroy their shares. */
export const DEFAULT_NUM_GUESSES = 10

/** What trying a PIN comes to, when nothing is at fault. */
export type PinOutcome =
  | { readonly status: 'recovered'; readonly secret: RegisteredSecret }
  | { readonly status: 'wrong-pin'; readonly guessesRemaining: number }
  | { readonly status: 'locked' }

/**
 * Tries a PIN at the pointer's registration; a wrong one costs a guess. `ERR_CONFIGURATION_INVALID` when the pointer
 * names other realms than the configuration, and nothing is sent to any; `ERR_REGISTRATION_SPLIT` when the realms
 * hold nothing although the account has a backup, which is never a reason to make a first one.
 */
export async function tryPin(context: SyncContext, pointer: Pointer, pin: Uint8Array): Promise<PinOutcome> {
  requireConfiguredRealms(context, pointer.realms)
  context.report({ phase: 'pin', done: 0, total: 1 })
  const outcome = await recover(await pinOptions(context, pointer.registration, pin))
  context.report({ phase: 'pin', done: 1, total: 1 })
  return describeOutcome(outcome)
}

/**
 * Registers a secret under a PIN at a new subject, gets it back once, and compares: only what was seen to work is
 * committed.
 */
export async function registerAndCompare(
  context: SyncContext,
  input: { readonly registration: string; readonly pin: Uint8Array; readonly secret: RegisteredSecret },
): Promise<void> {
  context.report({ phase: 'register', done: 0, total: 2 })
  const options = await pinOptions(context, input.registration, input.pin)
  const secret = writeRegisteredSecret(input.secret)
  try {
    await register({ ...options, secret, numGuesses: DEFAULT_NUM_GUESSES })
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
 * Deletes registrations that are out of use at their realms. What cannot be reached stays listed at the server for
 * the next time; returns the realms on which something remains.
 */
export async function removeRetired(context: SyncContext, state: PointerState): Promise<readonly string[]> {
  const remains = new Set<string>()
  for (const { registration, realms } of state.retired) {
    const inUse = [state.pointer?.registration, state.pending?.registration].includes(registration)
    if (inUse) continue
    for (const realm of await removeOne(context, registration, realms)) remains.add(realm)
  }
  return [...remains].sort()
}

async function removeOne(
  context: SyncContext,
  registration: string,
  realms: readonly string[],
): Promise<readonly string[]> {
  try {
    requireConfiguredRealms(context, realms)
    const { remainsOn } = await remove(await realmOptions(context, registration))
    if (remainsOn.length === 0) await context.transport.releaseRegistration(registration, context.signal)
    return remainsOn.map(toHex)
  } catch (fault) {
    if (!(fault instanceof KeyhavenError) || isKeyhavenError(fault, 'ERR_ABORTED')) throw fault
    return realms
  }
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
    case 'not-registered':
      throw new KeyhavenError('ERR_REGISTRATION_SPLIT', { realms: outcome.faults })
  }
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
