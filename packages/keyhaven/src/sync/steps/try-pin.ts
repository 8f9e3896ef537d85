/**
 * Trying a PIN at the registration that the pointer names.
 */
import { wipe } from '../../crypto/index.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { recover } from '../../recovery/index.ts'
import type { PinOptions, RecoverOutcome } from '../../recovery/index.ts'
import { findAuthoritySeed } from '../format/authority.ts'
import type { Authorities } from '../format/authority.ts'
import type { SyncContext } from './context.ts'
import { noteGuesses } from '../device/guesses.ts'
import { parseRegisteredSecret } from '../format/registered-secret.ts'
import type { RegisteredSecret } from '../format/registered-secret.ts'
import type { Locked, Waiting } from '../outcomes.ts'
import { authorityFor } from '../format/subject.ts'
import type { Pointer } from '../format/pointer.ts'
import { isOfAnotherTime, pinOptions, requireConfiguredRealms } from './registration.ts'

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
  const tried = await recover(options)
  const outcome =
    tried.status === 'waiting' && known !== undefined
      ? await passWait(context, { options, pointer, known, wait: describeWait(tried.retryAfterSeconds) })
      : describeOutcome(tried)
  context.report({ phase: 'pin', done: 1, total: 1 })
  await noteGuesses(context.vault, { registration, remaining: remainingAfter(outcome) })
  return outcome
}

/** Checks a PIN that opens nothing here: `undefined` when it is right, else as {@link tryPin}. */
export async function checkPinAtRealms(
  ...input: Parameters<typeof tryPin>
): Promise<Exclude<PinOutcome, { readonly status: 'recovered' }> | undefined> {
  const tried = await tryPin(...input)
  if (tried.status !== 'recovered') return tried
  wipe(tried.secret.waySeed)
  return undefined
}

/** Tries the PIN in spite of a wait, by the authority key; the wait where realms do not take its signature for its time. */
async function passWait(
  context: SyncContext,
  input: {
    readonly options: PinOptions
    readonly pointer: Pointer
    readonly known: Authorities
    readonly wait: Waiting
  },
): Promise<PinOutcome> {
  const { registration, registrationAuthority } = input.pointer
  const seed = findAuthoritySeed(input.known, registrationAuthority)
  const authority = authorityFor({ account: context.account, registration, seed })
  try {
    return describeOutcome(await recover({ ...input.options, authority }))
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_REALMS_UNAVAILABLE') || !fault.details.realms.some(isOfAnotherTime)) {
      throw fault
    }
    return { ...input.wait, clockIsWrong: true }
  }
}

function remainingAfter(outcome: PinOutcome): number | undefined {
  if (outcome.status === 'wrong-pin') return outcome.guessesRemaining
  return outcome.status === 'locked' ? 0 : undefined
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
