/**
 * What a passkey factor needs to ask for its secret again: the site, the credential, and the input of the PRF.
 */
import { concat, lp, parseUtf8 } from '../../crypto/bytes.ts'
import { KeyhavenError } from '../../errors.ts'
import { createCursor } from '../cursor.ts'

const FORMAT = 1
const INPUT_LENGTH = 32

export interface PasskeyParameters {
  /** The relying party's id: the site's domain. */
  readonly siteId: string
  readonly credentialId: Uint8Array
  /** How to reach the authenticator, as the browser named it: `internal`, `hybrid`, `usb` … */
  readonly transports: readonly string[]
  /** 32 random bytes: what the PRF is asked about. */
  readonly prfInput: Uint8Array
}

export function encodePasskeyParameters(parameters: PasskeyParameters): Uint8Array {
  const { siteId, credentialId, transports, prfInput } = parameters
  return concat(Uint8Array.of(FORMAT), lp(siteId), lp(credentialId), lp(transports.join(',')), prfInput)
}

/** Reads stored parameters; `ERR_ENVELOPE_MALFORMED` for what is none. */
export function parsePasskeyParameters(bytes: Uint8Array): PasskeyParameters {
  const cursor = createCursor(bytes)
  if (cursor.integer(1) !== FORMAT) throw new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'version' })
  const siteId = parseUtf8(cursor.prefixed())
  const credentialId = cursor.prefixed()
  const transports = parseUtf8(cursor.prefixed())
    .split(',')
    .filter((transport) => transport !== '')
  const prfInput = cursor.take(INPUT_LENGTH)
  cursor.end()
  return { siteId, credentialId, transports, prfInput }
}
