/**
 * What a request says beside the protocol's body: the authority key that a registration is to be bound to, and a proof by
 * the key that a record is bound to. A header that is malformed is refused, never ignored.
 */
import { parseHex } from 'keyhaven/crypto'
import type { RealmTerms } from 'keyhaven/recovery/realm'
import { PROOF_LEEWAY_SECONDS, parseProof, verifyProof } from 'keyhaven/recovery/realm'
import { Refusal } from '../http/refusal.ts'
import type { RealmIdentity } from './token.ts'

/** Reads `Keyhaven-Authority` (64 hex digits) and `Keyhaven-Proof`; `ERR_BODY_MALFORMED` for either when it is none. */
export function readGuardHeaders(
  request: { header(name: string): string | undefined },
  about: {
    readonly realmId: Uint8Array
    readonly identity: RealmIdentity
    readonly body: Uint8Array
    readonly now: Date
  },
): { readonly terms: Pick<RealmTerms, 'authority' | 'isProven'>; readonly clockIsWrong: boolean } {
  const { realmId, body } = about
  const now = about.now.getTime()
  const { tenant, subject } = about.identity
  const authority = request.header('keyhaven-authority')
  const text = request.header('keyhaven-proof')
  const proof = text === undefined ? undefined : parseProof(text)
  const malformed = authority !== undefined && !/^[0-9a-f]{64}$/.test(authority)
  if (malformed || (text !== undefined && proof === undefined)) throw new Refusal('ERR_BODY_MALFORMED')
  const terms = {
    ...(authority !== undefined && { authority: parseHex(authority, 'authority', 32) }),
    ...(proof !== undefined && {
      isProven: (record: Parameters<NonNullable<RealmTerms['isProven']>>[0]) =>
        verifyProof(
          proof,
          { realmId, tenant, subject, storedVersion: record.version, body },
          { authority: record.authority, now },
        ),
    }),
  }
  const clockIsWrong = proof !== undefined && Math.abs(proof.seconds - now / 1000) > PROOF_LEEWAY_SECONDS
  return { terms, clockIsWrong }
}
