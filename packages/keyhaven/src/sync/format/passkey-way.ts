/**
 * The way in of a passkey (docs/formats.md, "Passkey, format 1"). What its PRF is asked follows from the account, so a device
 * that knows nothing asks the same; both that and the derivation are apart from those of a vault's passkey.
 */
import { concat, lp, sha256 } from '../../crypto/index.ts'

/** The PRF's input for one account (16 bytes): 32 bytes, no secret. */
export function derivePasskeyInput(account: Uint8Array): Uint8Array {
  return sha256(concat(lp('keyhaven/passkey-way-input/v1'), lp(account)))
}

/** The info under which HKDF makes the way's seed of the PRF's output. */
export function describePasskeySeed(account: Uint8Array): Uint8Array {
  return concat(lp('keyhaven/passkey-way/v1'), lp(account))
}
