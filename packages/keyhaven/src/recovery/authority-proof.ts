/**
 * The proof by which an account's authority key replaces or deletes a registration, or passes a wait: a signature over
 * one request to one realm about what is stored there now (docs/protocol.md, "Realm").
 *
 * It travels beside the protocol's body, in the header `Keyhaven-Proof`: `<Unix seconds>.<signature, 128 hex digits>`.
 */
import { be8, concat, lp, utf8 } from '../crypto/bytes.ts'
import { signEd25519, verifyEd25519 } from '../crypto/ed25519.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { parseHex, toHex } from '../crypto/text.ts'

/** How far the clocks of client and realm may be apart, in seconds. */
export const PROOF_LEEWAY_SECONDS = 300

/** What a proof is about; nothing of it can be taken for another realm, account, registration, request or time. */
export interface ProofSubject {
  /** 16 bytes. */
  readonly realmId: Uint8Array
  readonly tenant: string
  /** The token's `sub`. */
  readonly subject: string
  /** The version that the realm holds, 16 bytes. */
  readonly storedVersion: Uint8Array
  readonly body: Uint8Array
}

/** A proof as it was received. */
export interface AuthorityProof {
  readonly seconds: number
  readonly signature: Uint8Array
}

/** The signed bytes. */
export function writeProof(about: ProofSubject, seconds: number): Uint8Array {
  return concat(
    lp('keyhaven/proof/v1'),
    lp(about.realmId),
    lp(utf8(about.tenant)),
    lp(utf8(about.subject)),
    lp(about.storedVersion),
    lp(sha256(about.body)),
    be8(seconds),
  )
}

/** Signs with the authority key's seed (32 bytes); the header's text. */
export function signProof(
  about: ProofSubject,
  input: { readonly seed: Uint8Array; readonly now: number },
): string {
  const seconds = Math.floor(input.now / 1000)
  const signature = signEd25519({ seed: input.seed, message: writeProof(about, seconds) })
  return `${String(seconds)}.${toHex(signature)}`
}

/** Reads the header's text; `undefined` when it is malformed. */
export function parseProof(text: string): AuthorityProof | undefined {
  const [, seconds, signature] = /^(\d{1,12})\.([0-9a-f]{128})$/.exec(text) ?? []
  if (seconds === undefined || signature === undefined) return undefined
  return { seconds: Number(seconds), signature: parseHex(signature, 'signature', 64) }
}

/** True when the proof is by this key, about just this, and made within the leeway of `now` (Unix milliseconds). */
export function verifyProof(
  proof: AuthorityProof,
  about: ProofSubject,
  input: { readonly authority: Uint8Array; readonly now: number },
): boolean {
  if (Math.abs(proof.seconds - input.now / 1000) > PROOF_LEEWAY_SECONDS) return false
  const message = writeProof(about, proof.seconds)
  return verifyEd25519({ publicKey: input.authority, message, signature: proof.signature })
}
