/**
 * The realms' name for a registration of an account, as the server's realm tokens have it (docs/protocol.md, "Realm
 * tokens"): a proof by the authority key names the same.
 */
import { concat, lp, parseHex, sha256, toHex } from '../../crypto/index.ts'
import type { Authority } from '../../recovery/index.ts'

/** The tenant of Keyhaven's own tokens. */
const TENANT = 'keyhaven'

/** The authority key (seed, 32 bytes) of an account (16 bytes), for one registration (32 hex digits). */
export function authorityFor(input: {
  readonly account: Uint8Array
  readonly registration: string
  readonly seed: Uint8Array
}): Authority {
  const registration = parseHex(input.registration, 'registration', 16)
  const bytes = concat(lp('keyhaven/subject/v1'), lp(input.account), lp(registration))
  return { seed: input.seed, tenant: TENANT, subject: toHex(sha256(bytes).subarray(0, 16)) }
}
