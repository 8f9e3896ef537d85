/**
 * What the authority key signs to delete a backup and to end a wait for that (docs/protocol.md, "Removals").
 */
import {
  be4,
  be8,
  concat,
  deriveEd25519PublicKey,
  lp,
  parseHex,
  signEd25519,
  toHex,
  verifyEd25519,
} from '../../crypto/index.ts'

/** What is deleted: the backup, with the account, or to make room for a new one. */
export type RemovalKind = 'backup' | 'account' | 'fresh-start'

/** Which backup is deleted; nothing of it can be taken for another one. */
export interface RemovalSubject {
  /** 16 bytes. */
  readonly account: Uint8Array
  readonly kind: RemovalKind
  readonly generation: number
  /** The pointer's etag. */
  readonly etag: string
}

/** The signature (hex) that deletes a backup. */
export function signRemoval(about: RemovalSubject, authoritySeed: Uint8Array): string {
  return toHex(signEd25519({ seed: authoritySeed, message: writeRemoval(about) }))
}

/** True when the authority key with this seed signed the deletion. */
export function isSignedRemoval(
  about: RemovalSubject,
  signature: string,
  authoritySeed: Uint8Array,
): boolean {
  return verifyEd25519({
    publicKey: deriveEd25519PublicKey(authoritySeed),
    message: writeRemoval(about),
    signature: parseHex(signature, 'signature', 64),
  })
}

/** The signature (hex) that ends the wait which was requested at this time (ISO 8601). */
export function signKeep(
  about: { readonly account: Uint8Array; readonly requestedAt: string },
  authoritySeed: Uint8Array,
): string {
  const message = concat(lp('keyhaven/keep/v1'), lp(about.account), be8(Date.parse(about.requestedAt)))
  return toHex(signEd25519({ seed: authoritySeed, message }))
}

function writeRemoval({ account, kind, generation, etag }: RemovalSubject): Uint8Array {
  return concat(lp('keyhaven/removal/v1'), lp(account), lp(kind), be4(generation), lp(etag))
}
