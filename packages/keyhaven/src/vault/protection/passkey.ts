/**
 * Passkey protection: the authenticator's PRF (WebAuthn Level 3, `prf` extension) gives the slot's secret, after it has
 * verified its user by fingerprint, face or PIN. Whoever copies the device's storage gets nothing.
 *
 * Pages only. The PRF's output stays in this module: no credential object leaves it. A passkey that is synchronised
 * between devices is as safe as the account that synchronises it.
 */
import { concat, lp, randomBytes, wipe } from '../../crypto/bytes.ts'
import { deriveKeyByPlatform } from '../../crypto/platform-hkdf.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import type { PasskeyFault } from '../../errors.ts'
import type { FactorContext, FactorOutcome, Protection } from '../protection.ts'
import { encodePasskeyParameters, parsePasskeyParameters } from './passkey-parameters.ts'
import type { PasskeyParameters } from './passkey-parameters.ts'
import { notePortable } from './portable.ts'

const PRF_INPUT_LENGTH = 32
const TIMEOUT_MS = 120_000
const USER_VERIFIED = 0x04
const FLAGS_AT = 32
/** ES256, EdDSA and RS256, by their COSE numbers: no signature of theirs is used here. */
const ALGORITHMS = [-7, -8, -257]

export interface PasskeyOptions {
  /** What the browser shows as the account: a name or an address that tells the person which vault this is. */
  readonly userName: string
  /** What the browser shows as the site; its domain unless told. */
  readonly siteName?: string
  /** The relying party's id; the page's domain unless told. */
  readonly siteId?: string
  readonly label?: string
  /** Uses this passkey, which the app has made, instead of making one. */
  readonly credentialId?: Uint8Array
  /** How long the person may take, in ms; 120,000 unless told. */
  readonly timeoutMs?: number
  /** Ends a ceremony that is under way, as if the person had declined. Not for vaults in a worker. */
  readonly signal?: AbortSignal
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
  const made = await ask(options, () => makePasskey(options))
  const parameters = { ...made, prfInput: randomBytes(PRF_INPUT_LENGTH) }
  const secret = await ask(options, () => evaluate(options, parameters, context))
  return { parameters: encodePasskeyParameters(parameters), secret }
}

async function open(
  options: PasskeyOptions,
  context: FactorContext & { readonly parameters: Uint8Array },
): Promise<FactorOutcome> {
  const parameters = parsePasskeyParameters(context.parameters)
  try {
    return { status: 'opened', secret: await ask(options, () => evaluate(options, parameters, context)) }
  } catch (error) {
    const cancelled =
      isKeyhavenError(error, 'ERR_PASSKEY_UNAVAILABLE') && error.details.reason === 'cancelled'
    if (cancelled) return { status: 'cancelled' }
    throw error
  }
}

async function makePasskey(options: PasskeyOptions): Promise<Omit<PasskeyParameters, 'prfInput'>> {
  const siteId = options.siteId ?? globalThis.location.hostname
  if (options.credentialId !== undefined) {
    return { siteId, credentialId: options.credentialId.slice(), transports: [] }
  }
  const credential = await navigator.credentials.create({
    ...(options.signal && { signal: options.signal }),
    publicKey: {
      challenge: randomBytes(32),
      rp: { id: siteId, name: options.siteName ?? siteId },
      user: { id: randomBytes(16), name: options.userName, displayName: options.userName },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
      timeout: options.timeoutMs ?? TIMEOUT_MS,
      extensions: { prf: {} },
    },
  })
  if (!(credential instanceof PublicKeyCredential)) throw unavailable('unknown')
  if (credential.getClientExtensionResults().prf?.enabled !== true) throw unavailable('no-prf')
  const { response } = credential
  const transports = response instanceof AuthenticatorAttestationResponse ? response.getTransports() : []
  return { siteId, credentialId: new Uint8Array(credential.rawId), transports }
}

/** Asks the authenticator, and derives the slot's secret from what its PRF answers. */
async function evaluate(
  options: PasskeyOptions,
  parameters: PasskeyParameters,
  context: FactorContext,
): Promise<Uint8Array> {
  const { siteId, credentialId, transports, prfInput } = parameters
  const id = new Uint8Array(credentialId)
  const credential = await navigator.credentials.get({
    ...(options.signal && { signal: options.signal }),
    publicKey: {
      challenge: randomBytes(32),
      rpId: siteId,
      allowCredentials: [{ type: 'public-key', id, transports: transports as AuthenticatorTransport[] }],
      userVerification: 'required',
      timeout: options.timeoutMs ?? TIMEOUT_MS,
      extensions: { prf: { eval: { first: new Uint8Array(prfInput) } } },
    },
  })
  const output = requireOutput(credential)
  const info = concat(lp('keyhaven/vault/passkey/v1'), lp(context.vaultId), lp(context.slotId))
  try {
    return await deriveKeyByPlatform({ secret: output, info })
  } finally {
    wipe(output)
  }
}

/** The PRF's 32 bytes, if the authenticator has verified its user. */
function requireOutput(credential: Credential | null): Uint8Array {
  if (!(credential instanceof PublicKeyCredential)) throw unavailable('unknown')
  const { response } = credential
  if (!(response instanceof AuthenticatorAssertionResponse)) throw unavailable('unknown')
  const flags = new Uint8Array(response.authenticatorData)[FLAGS_AT] ?? 0
  if ((flags & USER_VERIFIED) === 0) throw unavailable('not-verified')
  const first = credential.getClientExtensionResults().prf?.results?.first
  if (first === undefined) throw unavailable('no-prf')
  const output = ArrayBuffer.isView(first)
    ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength)
    : new Uint8Array(first)
  if (output.length !== 32) throw unavailable('no-prf')
  return output
}

/** Runs a WebAuthn ceremony; the browser's errors become reasons. */
async function ask<T>({ signal }: PasskeyOptions, ceremony: () => Promise<T>): Promise<T> {
  if (!globalThis.isSecureContext) throw unavailable('insecure-context')
  if (typeof PublicKeyCredential === 'undefined') throw unavailable('no-webauthn')
  try {
    return await ceremony()
  } catch (error) {
    if (isKeyhavenError(error)) throw error
    // What it rejects with then is whatever the app has aborted it with.
    if (signal?.aborted === true) throw unavailable('cancelled')
    throw unavailable(error instanceof DOMException ? (REASONS[error.name] ?? 'unknown') : 'unknown')
  }
}

/** WebAuthn Level 3, sections 5.1.3 and 5.1.4. Browsers say NotAllowedError for declining and for a timeout alike. */
const REASONS: Readonly<Record<string, PasskeyFault>> = {
  NotAllowedError: 'cancelled',
  AbortError: 'cancelled',
  OperationError: 'pending',
  TimeoutError: 'cancelled',
  SecurityError: 'other-site',
  NotSupportedError: 'no-authenticator',
  ConstraintError: 'no-authenticator',
}

function unavailable(reason: PasskeyFault): KeyhavenError {
  return new KeyhavenError('ERR_PASSKEY_UNAVAILABLE', { reason })
}
