/**
 * The authority key signs what replaces or destroys. Here: the change of an account's pointer, and what the pointer is, for
 * the account's other devices (docs/protocol.md, "Pointer").
 *
 * A rotation that removes a device hands the authority on to a new key. What the realms hold stays bound to the key that it
 * was registered with, so the log keeps the former ones.
 */
import {
  be4,
  be8,
  concat,
  deriveEd25519PublicKey,
  equal,
  lp,
  parseHex,
  signEd25519,
  toHex,
  verifyEd25519,
} from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import { compareBytes } from './segment.ts'
import type { Pointer } from './pointer.ts'

/** Former keys that are kept at most; what is bound to an older one can be deleted after a wait only. */
export const MOST_FORMER_AUTHORITIES = 32

/** The seeds (32 bytes each) of the authority key in use, and of those before it, newest first. */
export interface Authorities {
  readonly authoritySeed: Uint8Array
  readonly formerAuthorities: readonly Uint8Array[]
}

/** The seed of a public key (64 hex digits): that in use unless it is one of the former. */
export function findAuthoritySeed(known: Authorities, publicKey: string | undefined): Uint8Array {
  const former = known.formerAuthorities.find((seed) => toHex(deriveEd25519PublicKey(seed)) === publicKey)
  return former ?? known.authoritySeed
}

/** The authority must be the one that was known, or one that whoever had that made: else `ERR_LOG_DAMAGED`. */
export function requireHeir(found: Authorities, remembered: Authorities): void {
  const seeds = [found.authoritySeed, ...found.formerAuthorities]
  if (seeds.some((seed) => equal(seed, remembered.authoritySeed))) return
  throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'authority' })
}

/** A change of the pointer. Byte fields: account 16, registration 16, anchor 32, each head 32. */
export interface PointerChange {
  readonly account: Uint8Array
  readonly registration: Uint8Array
  readonly generation: number
  /** The pointer's etag before the change; none before the first. */
  readonly expectedEtag: string | null
  readonly anchor: Uint8Array
  readonly expectedHeads: readonly Uint8Array[]
  /** The public key (32 bytes) that the authority is handed on to, if it is. */
  readonly newAuthority?: Uint8Array | undefined
  /** Says that the PIN is another from then on. */
  readonly newPin?: true | undefined
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
    ...(change.newAuthority === undefined ? [] : [lp(change.newAuthority)]),
    ...(change.newPin === undefined ? [] : [lp('new PIN')]),
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

type Stated = Pick<Pointer, 'registration' | 'generation' | 'serial' | 'anchor' | 'realms'>

/** The signature (hex) that tells the devices of an account (16 bytes) what its pointer is. */
export function signPointerStatement(pointer: Stated, account: Uint8Array, seed: Uint8Array): string {
  return toHex(signEd25519({ seed, message: writePointerStatement(pointer, account) }))
}

/**
 * The pointer must be signed by the authority key in use (`ERR_POINTER_REJECTED`) and be no older than what this device has
 * seen of its generation (`ERR_LOG_ROLLED_BACK`): a server cannot put another registration in the place of it.
 */
export function requireSignedPointer(
  pointer: Pointer,
  known: {
    readonly account: Uint8Array
    readonly authoritySeed: Uint8Array
    readonly remembered?: { readonly generation: number; readonly serial: number } | undefined
  },
): void {
  const { statement } = pointer
  const signed =
    statement !== undefined &&
    verifyEd25519({
      publicKey: deriveEd25519PublicKey(known.authoritySeed),
      message: writePointerStatement(pointer, known.account),
      signature: parseHex(statement, 'statement', 64),
    })
  if (!signed) throw new KeyhavenError('ERR_POINTER_REJECTED', undefined)
  const { remembered } = known
  if (remembered?.generation === pointer.generation && pointer.serial < remembered.serial) {
    throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
  }
}

function writePointerStatement(pointer: Stated, account: Uint8Array): Uint8Array {
  const realms = [...pointer.realms].sort()
  return concat(
    lp('keyhaven/pointer-statement/v1'),
    lp(account),
    lp(parseHex(pointer.registration, 'registration', 16)),
    be4(pointer.generation),
    be8(pointer.serial),
    lp(parseHex(pointer.anchor, 'anchor', 32)),
    be4(realms.length),
    ...realms.map((realm) => lp(parseHex(realm, 'realms', 16))),
  )
}
