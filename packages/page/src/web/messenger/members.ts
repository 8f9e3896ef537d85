/** Who is in a conversation: this person, by the identity among his keys, and the other one, by the link's secret. */
import { KeyhavenError } from 'keyhaven'
import { equal, equalConstantTime } from 'keyhaven/crypto'
import { parseIdentity } from 'keyhaven/identity'
import type { Identity } from 'keyhaven/identity'
import type { KeyStore } from 'keyhaven/sync'
import { deriveProof } from './invite.ts'
import type { Role } from './invite.ts'
import type { Details, Member } from './server.ts'

const IDENTITY = 'identity'

export interface Self {
  readonly private: Identity
  readonly identity: Identity['publicIdentity']
  readonly fingerprint: Uint8Array
}

/** This person, from the identity among his keys. `ERR_RECORD_MISSING` without one. */
export async function readSelf(keys: KeyStore): Promise<Self> {
  const bytes = (await keys.exportKeys()).identityKeys[IDENTITY]
  if (bytes === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  const identity = await parseIdentity(bytes)
  return {
    private: identity,
    identity: identity.publicIdentity,
    fingerprint: identity.publicIdentity.fingerprint,
  }
}

/** The link's secret: the key by which one's own place in the conversation is proven. */
export async function findSecret(
  keys: KeyStore,
  known: { readonly id: string; readonly details: Details; readonly fingerprint: Uint8Array },
): Promise<Uint8Array | undefined> {
  const { id, details, fingerprint } = known
  const { mine } = details
  const own = details[mine]
  if (own === undefined || !equal(own.identity.fingerprint, fingerprint)) return undefined
  const stored = await keys.getConversationKeys(id)
  return stored.find(({ key }) => isProven(own, { secret: key, id, role: mine }))?.key
}

/** Whether who has the secret vouches for a member's identity. */
export function isProven(
  { identity, proof }: Member,
  by: { readonly secret: Uint8Array; readonly id: string; readonly role: Role },
): boolean {
  return equalConstantTime(proof, deriveProof({ ...by, fingerprint: identity.fingerprint }))
}
