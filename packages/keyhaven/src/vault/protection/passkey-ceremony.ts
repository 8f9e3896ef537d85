/**
 * What a page asks an authenticator: to make a passkey that has a PRF (WebAuthn Level 3, `prf` extension), and what its PRF
 * answers, after it has verified its user by fingerprint, face or PIN.
 *
 * The PRF's output stays in this module: no credential object leaves it, only keys that are derived from it.
 */
import { randomBytes, wipe } from '../../crypto/bytes.ts'
import { deriveKeyByPlatform } from '../../crypto/platform-hkdf.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import type { PasskeyFault } from '../../errors.ts'

const TIMEOUT_MS = 120_000
/** The browser's own limit comes later than ours: it would not say that it was one. */
const GRACE_MS = 30_000
const USER_VERIFIED = 0x04
const FLAGS_AT = 32
/** ES256, EdDSA and RS256, by their COSE numbers: no signature of theirs is used here. */
const ALGORITHMS = [-7, -8, -257]

/** What the person is shown, and for which site. */
export interface CeremonyOptions {
  /** What the browser shows as the account. */
  readonly userName: string
  /** What the browser shows as the site; its domain unless told. */
  readonly siteName?: string
  /** The relying party's id; the page's domain unless told. */
  readonly siteId?: string
  /** Uses this passkey, which the app has made, instead of making one. */
  readonly credentialId?: Uint8Array
  /** How long the person may take, in ms; 120,000 unless told. */
  readonly timeoutMs?: number
  /** Ends a ceremony that is under way, as if the person had declined. */
  readonly signal?: AbortSignal
}

/** A passkey, as far as it is needed to ask for it by name. */
export interface NamedPasskey {
  readonly credentialId: Uint8Array
  /** How to reach the authenticator, as the browser named it: `internal`, `hybrid`, `usb` … */
  readonly transports: readonly string[]
}

/** What ends a ceremony, and when. */
interface During {
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/** The relying party's id. */
export function siteOf({ siteId }: Pick<CeremonyOptions, 'siteId'>): string {
  return siteId ?? globalThis.location.hostname
}

/**
 * Makes a passkey, unless the options name one. A discoverable one can be asked for on another device, where nothing names
 * it. `ERR_PASSKEY_UNAVAILABLE` tells by `reason` why there is none.
 */
export async function makePasskey(
  options: CeremonyOptions,
  { discoverable }: { readonly discoverable: boolean },
): Promise<NamedPasskey> {
  if (options.credentialId !== undefined)
    return { credentialId: options.credentialId.slice(), transports: [] }
  return ask(options, (during) => create(options, during, discoverable ? 'required' : 'preferred'))
}

/**
 * Asks the authenticator about `prfInput`, and derives 32 bytes from its answer under `info`. Without a passkey the person
 * chooses among those of the site. Codes as of {@link makePasskey}; the caller wipes the bytes.
 */
export async function derivePasskeySecret(
  options: Omit<CeremonyOptions, 'userName'>,
  asked: {
    readonly passkey: NamedPasskey | undefined
    readonly prfInput: Uint8Array
    readonly info: Uint8Array
  },
): Promise<Uint8Array> {
  const output = await ask(options, async (during) => requireOutput(await get(options, during, asked)))
  try {
    return await deriveKeyByPlatform({ secret: output, info: asked.info })
  } finally {
    wipe(output)
  }
}

async function create(
  options: CeremonyOptions,
  during: During,
  residentKey: 'required' | 'preferred',
): Promise<NamedPasskey> {
  const siteId = siteOf(options)
  const credential = await navigator.credentials.create({
    signal: during.signal,
    publicKey: {
      challenge: randomBytes(32),
      rp: { id: siteId, name: options.siteName ?? siteId },
      user: { id: randomBytes(16), name: options.userName, displayName: options.userName },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      authenticatorSelection: { residentKey, userVerification: 'required' },
      timeout: during.timeoutMs + GRACE_MS,
      extensions: { prf: {} },
    },
  })
  if (!(credential instanceof PublicKeyCredential)) throw unavailable('unknown')
  if (credential.getClientExtensionResults().prf?.enabled !== true) throw unavailable('no-prf')
  const { response } = credential
  const transports = response instanceof AuthenticatorAttestationResponse ? response.getTransports() : []
  return { credentialId: new Uint8Array(credential.rawId), transports }
}

async function get(
  options: Omit<CeremonyOptions, 'userName'>,
  during: During,
  { passkey, prfInput }: { readonly passkey: NamedPasskey | undefined; readonly prfInput: Uint8Array },
): Promise<Credential | null> {
  return navigator.credentials.get({
    signal: during.signal,
    publicKey: {
      challenge: randomBytes(32),
      rpId: siteOf(options),
      ...(passkey && { allowCredentials: [describe(passkey)] }),
      userVerification: 'required',
      timeout: during.timeoutMs + GRACE_MS,
      extensions: { prf: { eval: { first: new Uint8Array(prfInput) } } },
    },
  })
}

function describe({ credentialId, transports }: NamedPasskey): PublicKeyCredentialDescriptor {
  const id = new Uint8Array(credentialId)
  return { type: 'public-key', id, transports: transports as AuthenticatorTransport[] }
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
async function ask<T>(
  { signal, timeoutMs = TIMEOUT_MS }: Pick<CeremonyOptions, 'signal' | 'timeoutMs'>,
  ceremony: (during: During) => Promise<T>,
): Promise<T> {
  if (!globalThis.isSecureContext) throw unavailable('insecure-context')
  if (typeof PublicKeyCredential === 'undefined') throw unavailable('no-webauthn')
  const deadline = AbortSignal.timeout(timeoutMs)
  try {
    return await ceremony({ timeoutMs, signal: AbortSignal.any(signal ? [signal, deadline] : [deadline]) })
  } catch (error) {
    if (isKeyhavenError(error)) throw error
    // What it rejects with then is whatever the app has aborted it with.
    if (signal?.aborted === true) throw unavailable('cancelled')
    if (deadline.aborted) throw unavailable('timed-out')
    throw unavailable(error instanceof DOMException ? (REASONS[error.name] ?? 'unknown') : 'unknown')
  }
}

/** WebAuthn Level 3, sections 5.1.3 and 5.1.4. Browsers say NotAllowedError for declining and for their own limit alike. */
const REASONS: Readonly<Record<string, PasskeyFault>> = {
  NotAllowedError: 'cancelled',
  AbortError: 'cancelled',
  OperationError: 'pending',
  TimeoutError: 'timed-out',
  SecurityError: 'other-site',
  NotSupportedError: 'no-authenticator',
  ConstraintError: 'no-authenticator',
}

function unavailable(reason: PasskeyFault): KeyhavenError {
  return new KeyhavenError('ERR_PASSKEY_UNAVAILABLE', { reason })
}
