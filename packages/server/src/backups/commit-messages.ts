/**
 * What a device says to move the pointer, and what the account's authority key signs of it (docs/protocol.md, "Pointer").
 */
import { be4, be8, concat, lp, parseHex, utf8 } from 'keyhaven/crypto'
import { parseUuid } from '../http/uuid.ts'
import type { Pointer } from './state.ts'

/** The body of `POST /v1/pointer/commit`; ids, keys and signature are hex. */
export interface CommitRequest {
  readonly registration: string
  readonly expectedEtag: string | null
  readonly expectedHeads: readonly string[]
  readonly anchor: string
  readonly authority: string
  readonly signature: string
  /** The authority key from then on, if it changes. */
  readonly newAuthority?: string | undefined
  /** The signature of {@link encodePointerStatement} by the authority key from then on; devices take no pointer without it. */
  readonly statement?: string | undefined
  /** The root key of the generation that ends, sealed under the next one's; kept until that generation is dropped. */
  readonly previousRoot?: string | undefined
  /** Hash of what the device put for this change; requests of an earlier try may have come between. */
  readonly content?: string | undefined
  /** The device's word that the PIN is another from then on; the server cannot know it. */
  readonly newPin?: true | undefined
}

/** The bytes that the authority key signs (protocol.md, "Pointer"). */
export function encodeCommitMessage(
  request: CommitRequest,
  context: { readonly accountId: string; readonly generation: number },
): Uint8Array {
  const heads = [...request.expectedHeads].sort().map((head) => lp(parseHex(head, 'expectedHeads', 32)))
  return concat(
    lp('keyhaven/pointer/v1'),
    lp(parseUuid(context.accountId)),
    lp(parseHex(request.registration, 'registration', 16)),
    be4(context.generation),
    lp(utf8(request.expectedEtag ?? '')),
    lp(parseHex(request.anchor, 'anchor', 32)),
    be4(heads.length),
    ...heads,
    ...(request.newAuthority === undefined ? [] : [lp(parseHex(request.newAuthority, 'newAuthority', 32))]),
    ...(request.newPin === undefined ? [] : [lp('new PIN')]),
  )
}

/** The bytes by which the authority key tells the account's devices what the pointer is (protocol.md, "Pointer"). */
export function encodePointerStatement(
  pointer: Pick<Pointer, 'registration' | 'generation' | 'serial' | 'anchor' | 'realms'>,
  accountId: string,
): Uint8Array {
  const realms = [...pointer.realms].sort()
  return concat(
    lp('keyhaven/pointer-statement/v1'),
    lp(parseUuid(accountId)),
    lp(parseHex(pointer.registration, 'registration', 16)),
    be4(pointer.generation),
    be8(pointer.serial),
    lp(parseHex(pointer.anchor, 'anchor', 32)),
    be4(realms.length),
    ...realms.map((realm) => lp(parseHex(realm, 'realms', 16))),
  )
}
