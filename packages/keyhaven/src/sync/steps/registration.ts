/**
 * The PIN's way in at the realms: registering its secret under a subject of its own and getting it back, and the waits before
 * it goes. Trying a PIN is in try-pin.ts, deleting what is out of use in retired-registrations.ts.
 */
import { equalConstantTime, lp, concat, toHex, wipe } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import type { RealmFault } from '../../errors.ts'
import { keep, recover, register, remove } from '../../recovery/index.ts'
import type { OperationOptions, PinOptions } from '../../recovery/index.ts'
import { findAuthoritySeed } from '../format/authority.ts'
import type { Authorities } from '../format/authority.ts'
import type { SyncContext } from './context.ts'
import { writeRegisteredSecret } from '../format/registered-secret.ts'
import type { RegisteredSecret } from '../format/registered-secret.ts'
import { authorityFor } from '../format/subject.ts'
import { createRealmTransport } from '../transport/realms.ts'
import type { Pointer } from '../format/pointer.ts'

/** Wrong PINs before the realms destroy their shares. */
export const DEFAULT_NUM_GUESSES = 10

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

/** True for a realm that did not take a signature for its time. */
export function isOfAnotherTime({ fault }: RealmFault): boolean {
  return fault === 'clock-wrong'
}

/** `ERR_CONFIGURATION_INVALID` where the pointer names other realms; nothing is sent to any then. */
export function requireConfiguredRealms(context: SyncContext, realms: readonly string[]): void {
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

/** What an operation of recovery with a PIN takes, about one registration. */
export async function pinOptions(
  context: SyncContext,
  registration: string,
  pin: Uint8Array,
): Promise<PinOptions> {
  return {
    ...(await realmOptions(context, registration)),
    pin,
    userInfo: concat(lp('keyhaven'), lp(context.account)),
    ...(context.argon2id !== undefined && { argon2id: context.argon2id }),
  }
}

/** The same without a PIN. */
export async function realmOptions(context: SyncContext, registration: string): Promise<OperationOptions> {
  const { transport, configuration, fetch, realmDeadlineMs, signal } = context
  const tokens = await transport.realmTokens({ registration, realmIds: realmIds(context) }, signal)
  return {
    configuration,
    transport: createRealmTransport({ fetch, tokens, deadlineMs: realmDeadlineMs }),
    realmDeadlineMs,
    ...(signal !== undefined && { signal }),
  }
}
