/**
 * The account's authority key at work in one operation: every call names the key, and each call to a realm that has
 * told which version it holds is signed (authority-proof.ts).
 */
import { deriveEd25519PublicKey } from '../crypto/ed25519.ts'
import { toHex } from '../crypto/text.ts'
import { signProof } from './authority-proof.ts'
import type { Realm } from './configuration.ts'

/** Whose key signs, for which record. */
export interface Authority {
  /** The Ed25519 seed, 32 bytes; stays the caller's. */
  readonly seed: Uint8Array
  /** `iss` and `sub` of the realm tokens that the transport uses. */
  readonly tenant: string
  readonly subject: string
}

/** The key during one operation. */
export interface LineAuthority extends Authority {
  readonly publicKey: Uint8Array
  /** By realm id in hex; filled in as realms answer Register1. */
  readonly storedVersions: Map<string, Uint8Array>
}

/** The values of the headers `Keyhaven-Authority` and `Keyhaven-Proof`. */
export interface SignedHeaders {
  readonly authority: string
  readonly proof: string | undefined
}

/** The key, ready to sign; no realm's version is known yet. */
export function openLineAuthority(authority: Authority): LineAuthority {
  const publicKey = deriveEd25519PublicKey(authority.seed)
  return { ...authority, publicKey, storedVersions: new Map() }
}

/** The headers of one call; without a proof where nothing is stored, or nothing is known of it. */
export function signCall(authority: LineAuthority, realm: Realm, body: Uint8Array): SignedHeaders {
  const { seed, tenant, subject } = authority
  const storedVersion = authority.storedVersions.get(toHex(realm.id))
  const about = storedVersion && { realmId: realm.id, tenant, subject, storedVersion, body }
  return {
    authority: toHex(authority.publicKey),
    proof: about && signProof(about, { seed, now: Date.now() }),
  }
}
