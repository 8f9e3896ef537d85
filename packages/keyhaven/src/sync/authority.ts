/**
 * The authority key signs what replaces or destroys. Here: the change of an account's pointer (docs/protocol.md).
 */
import { be4, concat, deriveEd25519PublicKey, lp, signEd25519 } from '../crypto/index.ts'
import { compareBytes } from './segment.ts'

/** A change of the pointer. Byte fields: account 16, registration 16, anchor 32, each head 32. */
export interface PointerChange {
  readonly account: Uint8Array
  readonly registration: Uint8Array
  readonly generation: number
  /** The pointer's etag before the change; none before the first. */
  readonly expectedEtag: string | null
  readonly anchor: Uint8Array
  readonly expectedHeads: readonly Uint8Array[]
}

/** The bytes that are signed. */
export function writePointerChange(change: PointerChange): Uint8Array {
  const heads = [...change.expectedHeads].sort(compareBytes)
  return concat(
    lp('keyhaven/pointer/v1'),
    lp(change.account),
    lp(change.registration),
    be4(change.generation),
    lp(change.expectedEtag ?? ''),
    lp(change.anchor),
    be4(heads.length),
    ...heads.map((head) => lp(head)),
  )
}

/** The account's authority key (32 bytes) and its signature (64 bytes) of a change. */
export function signPointerChange(
  change: PointerChange,
  authoritySeed: Uint8Array,
): { readonly authority: Uint8Array; readonly signature: Uint8Array } {
  const message = writePointerChange(change)
  return {
    authority: deriveEd25519PublicKey(authoritySeed),
    signature: signEd25519({ seed: authoritySeed, message }),
  }
}
