/**
 * Passkey protection: the authenticator's PRF (WebAuthn Level 3, `prf` extension) gives the slot's secret, after it has
 * verified its user by fingerprint, face or PIN. Whoever copies the device's storage gets nothing.
 *
 * Pages only. The PRF's output stays in this module: no credential object leaves it. A passkey that is synchronised
 * between devices is as safe as the account that synchronises it.
 */
import { concat, lp, randomBytes } from '../../crypto/bytes.ts'
import { isKeyhavenError } from '../../errors.ts'
import type { PasskeyFault } from '../../errors.ts'
import type { FactorContext, FactorOutcome, Protection } from '../protection.ts'
import { derivePasskeySecret, makePasskey, siteOf } from './passkey-ceremony.ts'
import type { CeremonyOptions } from './passkey-ceremony.ts'
import { encodePasskeyParameters, parsePasskeyParameters } from './passkey-parameters.ts'
import type { PasskeyParameters } from './passkey-parameters.ts'
import { notePortable } from './portable.ts'

const PRF_INPUT_LENGTH = 32

/** A signal is not for vaults in a worker. */
export interface PasskeyOptions extends CeremonyOptions {
  readonly label?: string
}

/**
 * A protection by passkey. Making a slot asks the person twice: many authenticators give no PRF output when they make a
 * passkey, so it is always asked for again.
 *
 * `ERR_PASSKEY_UNAVAILABLE` tells by `reason` why there is none.
 */
export function passkeyProtection(options: PasskeyOptions): Protection {
  const protection: Protection = {
    label: options.label,
    factors: [
      {
        type: 'passkey',
        prompts: true,
        matches: () => true,
        enroll: (context) => enroll(options, context),
        open: (context) => open(options, context),
      },
    ],
  }
  // A signal does not go over to a worker.
  if (options.signal === undefined) notePortable(protection, { type: 'passkey', options })
  return protection
}

/** Whether a passkey could protect a vault here, as far as the browser says before anyone is asked. */
export async function checkPasskeys(): Promise<
  { readonly available: true } | { readonly available: false; readonly reason: PasskeyFault }
> {
  if (!globalThis.isSecureContext) return { available: false, reason: 'insecure-context' }
  if (typeof PublicKeyCredential === 'undefined') return { available: false, reason: 'no-webauthn' }
  // Older browsers do not tell; then the attempt does.
  const tell = 'getClientCapabilities' in PublicKeyCredential
  const capabilities = tell ? await PublicKeyCredential.getClientCapabilities() : {}
  if (capabilities['extension:prf'] === false) return { available: false, reason: 'no-prf' }
  const verifies = await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()
  const elsewhere = capabilities['hybridTransport'] !== false
  return verifies || elsewhere ? { available: true } : { available: false, reason: 'no-authenticator' }
}

async function enroll(
  options: PasskeyOptions,
  context: FactorContext,
): Promise<{ readonly parameters: Uint8Array; readonly secret: Uint8Array }> {
  const made = await makePasskey(options, { discoverable: false })
  const parameters = { siteId: siteOf(options), ...made, prfInput: randomBytes(PRF_INPUT_LENGTH) }
  const secret = await evaluate(options, parameters, context)
  return { parameters: encodePasskeyParameters(parameters), secret }
}

async function open(
  options: PasskeyOptions,
  context: FactorContext & { readonly parameters: Uint8Array },
): Promise<FactorOutcome> {
  const parameters = parsePasskeyParameters(context.parameters)
  try {
    return { status: 'opened', secret: await evaluate(options, parameters, context) }
  } catch (error) {
    if (!isKeyhavenError(error, 'ERR_PASSKEY_UNAVAILABLE')) throw error
    const { reason } = error.details
    if (reason === 'cancelled' || reason === 'timed-out') return { status: reason }
    throw error
  }
}

async function evaluate(
  options: PasskeyOptions,
  parameters: PasskeyParameters,
  context: FactorContext,
): Promise<Uint8Array> {
  const { siteId, prfInput } = parameters
  const info = concat(lp('keyhaven/vault/passkey/v1'), lp(context.vaultId), lp(context.slotId))
  return derivePasskeySecret({ ...options, siteId }, { passkey: parameters, prfInput, info })
}
