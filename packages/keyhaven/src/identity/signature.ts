/**
 * Two signatures over the same bytes, Ed25519 (64) and ML-DSA-65 (3309); both must verify.
 */
import { concat } from '../crypto/bytes.ts'
import { signEd25519, verifyEd25519 } from '../crypto/ed25519.ts'
import type { Identity } from './identity.ts'
import { loadMlDsa } from './load-ml-dsa.ts'
import type { PublicIdentity } from './public-identity.ts'

export const SIGNATURE_LENGTH = 3373
const ED25519_SIGNATURE_LENGTH = 64

/** 3373 bytes. The message begins with its purpose, so that no signature serves two. */
export async function signHybrid(identity: Identity, message: Uint8Array): Promise<Uint8Array> {
  const { signMlDsa65 } = await loadMlDsa()
  return concat(
    signEd25519({ seed: identity.ed25519Seed, message }),
    signMlDsa65({ seed: identity.mlDsa65Seed, message }),
  )
}

/** True when both signatures are good. */
export async function verifyHybrid(input: {
  readonly publicIdentity: PublicIdentity
  readonly message: Uint8Array
  readonly signature: Uint8Array
}): Promise<boolean> {
  const { publicIdentity, message, signature } = input
  if (signature.length !== SIGNATURE_LENGTH) return false
  const classical = signature.subarray(0, ED25519_SIGNATURE_LENGTH)
  if (!verifyEd25519({ publicKey: publicIdentity.ed25519, message, signature: classical })) return false
  const { verifyMlDsa65 } = await loadMlDsa()
  const quantumSafe = signature.subarray(ED25519_SIGNATURE_LENGTH)
  return verifyMlDsa65({ publicKey: publicIdentity.mlDsa65, message, signature: quantumSafe })
}
