/**
 * What the authority key signs before the server lets a device add to a backup: segments, slots, and the beginning of a
 * change of the pointer (docs/protocol.md, "Log" and "Pointer"). So a session alone, without the root key, adds nothing.
 */
import { be4, concat, lp, parseHex, sha256, signEd25519, toHex } from '../../crypto/index.ts'

/** Whose backup it is, and the seed (32 bytes) of its authority key. */
export interface Signer {
  /** 16 bytes. */
  readonly account: Uint8Array
  readonly seed: Uint8Array
}

/** The proof (hex) for a segment of this id (32 bytes). */
export function proveSegment({ account, seed }: Signer, id: Uint8Array): string {
  return sign(seed, concat(lp('keyhaven/append/v1'), lp(account), lp(id)))
}

/** The proof (hex) for a way's slot of a generation. */
export function proveSlot(
  { account, seed }: Signer,
  slot: { readonly wayId: string; readonly generation: number; readonly slot: Uint8Array },
): string {
  const message = concat(
    lp('keyhaven/slot-proof/v1'),
    lp(account),
    lp(parseHex(slot.wayId, 'wayId', 16)),
    be4(slot.generation),
    lp(sha256(slot.slot)),
  )
  return sign(seed, message)
}

/** The proof (hex) for the announcement of a change by this device (16 bytes). */
export function proveAnnouncement(
  { account, seed }: Signer,
  change: {
    readonly device: Uint8Array
    readonly registration: string
    readonly generation: number
    readonly expectedEtag: string | null
    readonly realms: readonly string[]
  },
): string {
  const message = concat(
    lp('keyhaven/announcement/v1'),
    lp(account),
    lp(change.device),
    lp(parseHex(change.registration, 'registration', 16)),
    be4(change.generation),
    lp(change.expectedEtag ?? ''),
    be4(change.realms.length),
    ...change.realms.map((realm) => lp(parseHex(realm, 'realms', 16))),
  )
  return sign(seed, message)
}

function sign(seed: Uint8Array, message: Uint8Array): string {
  return toHex(signEd25519({ seed, message }))
}
