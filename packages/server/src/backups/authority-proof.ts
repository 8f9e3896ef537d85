/**
 * What the account's authority key signs before a device may add to a backup (docs/protocol.md, "Log" and "Pointer"). Only
 * devices that have the backup open have that key: who holds no more than a session can add nothing, and so wreck nothing.
 *
 * An account without a pointer has no authority key yet; its first backup needs no proof.
 */
import { be4, concat, lp, parseHex, sha256, utf8, verifyEd25519 } from 'keyhaven/crypto'
import { Refusal } from '../http/refusal.ts'
import { parseUuid } from '../http/uuid.ts'
import type { Pointer } from './state.ts'

/** True when `signature` (128 hex digits) is the authority key's of `message`. */
export function isProven(
  { authority }: Pick<Pointer, 'authority'>,
  message: Uint8Array,
  signature: string | undefined,
): boolean {
  if (signature === undefined) return false
  return verifyEd25519({
    publicKey: parseHex(authority, 'authority', 32),
    message,
    signature: parseHex(signature, 'signature', 64),
  })
}

/** `ERR_PROOF_REJECTED` unless the authority key signed, or there is no backup yet. */
export function requireProof(
  pointer: Pick<Pointer, 'authority'> | null,
  message: Uint8Array,
  proof: string | undefined,
): void {
  if (pointer !== null && !isProven(pointer, message, proof)) throw new Refusal('ERR_PROOF_REJECTED')
}

/** What is signed to add a segment (32 bytes, its id). */
export function encodeAppendMessage(accountId: string, segmentId: Uint8Array): Uint8Array {
  return concat(lp('keyhaven/append/v1'), lp(parseUuid(accountId)), lp(segmentId))
}

/** What is signed to add or replace a slot. */
export function encodeSlotMessage(
  accountId: string,
  upload: { readonly wayId: string; readonly generation: number; readonly slot: Uint8Array },
): Uint8Array {
  return concat(
    lp('keyhaven/slot-proof/v1'),
    lp(parseUuid(accountId)),
    lp(parseHex(upload.wayId, 'wayId', 16)),
    be4(upload.generation),
    lp(sha256(upload.slot)),
  )
}

/** What is signed to begin a change of the pointer. */
export function encodeAnnouncementMessage(announced: {
  readonly accountId: string
  /** 32 hex digits. */
  readonly deviceId: string
  readonly registration: string
  readonly generation: number
  readonly expectedEtag: string | null
  readonly realms: readonly string[]
}): Uint8Array {
  return concat(
    lp('keyhaven/announcement/v1'),
    lp(parseUuid(announced.accountId)),
    lp(parseHex(announced.deviceId, 'device', 16)),
    lp(parseHex(announced.registration, 'registration', 16)),
    be4(announced.generation),
    lp(utf8(announced.expectedEtag ?? '')),
    be4(announced.realms.length),
    ...announced.realms.map((realm) => lp(parseHex(realm, 'realms', 16))),
  )
}
