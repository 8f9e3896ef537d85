/**
 * Sign-in by a token of an outside issuer, in place of a phone number and a code. The first sign-in of an issuer's subject makes its account.
 */
import { createHmac } from 'node:crypto'
import { concat, lp } from 'keyhaven/crypto'
import type { Device } from '../../devices/devices.ts'
import { addressBlock } from '../../http/origin.ts'
import type { RequestOrigin } from '../../http/origin.ts'
import { rateLimited } from '../../http/refusal.ts'
import type { Services } from '../../http/services.ts'
import { countRequests } from '../rate-limits.ts'
import type { SessionTokens } from '../sessions.ts'
import { countContext, startSession, withIdentity } from '../sign-in.ts'
import type { OutsideIdentity } from './verify.ts'

/** A new session for whom a checked token names; `ERR_RATE_LIMITED` over the address’s tries. */
export async function signInOutside(
  services: Services,
  request: { readonly identity: OutsideIdentity; readonly device: Device; readonly origin: RequestOrigin },
): Promise<SessionTokens> {
  const { identity, device, origin } = request
  const hash = hashIdentity(identity, services.keys.outsideHash)
  const outcome = await withIdentity(services, { hash, origin }, async (transaction, account) => {
    const tries = { name: 'triesPerAddress', whom: addressBlock(origin.address) } as const
    const over = await countRequests(transaction, [tries], countContext(services, account))
    if (over !== undefined) return over
    return startSession(services, transaction, { phone: undefined, device, account })
  })
  if ('retryAfterSeconds' in outcome) throw rateLimited(outcome.retryAfterSeconds)
  return outcome
}

/** 32 bytes: finds the account of an issuer’s subject, in the place of a phone number’s hash. */
function hashIdentity({ issuer, subject }: OutsideIdentity, outsideHashKey: Uint8Array): Uint8Array {
  return createHmac('sha256', outsideHashKey)
    .update(concat(lp(issuer), lp(subject)))
    .digest()
}
