/**
 * What the authority key signs to delete a backup, and to end a wait for that (docs/protocol.md, "Removals").
 */
import { be4, be8, concat, lp } from 'keyhaven/crypto'
import { isProven } from '../backups/authority-proof.ts'
import type { Pointer } from '../backups/state.ts'
import { parseUuid } from '../http/uuid.ts'

export const REMOVAL_KINDS = ['backup', 'account', 'fresh-start'] as const
export type RemovalKind = (typeof REMOVAL_KINDS)[number]

/** True when the account's authority key signed the deletion of just the backup that the pointer names. */
export function isSignedRemoval(
  pointer: Pointer,
  about: { readonly accountId: string; readonly kind: RemovalKind; readonly signature: string },
): boolean {
  const message = concat(
    lp('keyhaven/removal/v1'),
    lp(parseUuid(about.accountId)),
    lp(about.kind),
    be4(pointer.generation),
    lp(pointer.etag),
  )
  return isProven(pointer, message, about.signature)
}

/** True when it signed the end of just the wait that was requested at this time. */
export function isSignedKeep(
  pointer: Pointer,
  about: { readonly accountId: string; readonly requestedAt: Date; readonly signature: string },
): boolean {
  const message = concat(
    lp('keyhaven/keep/v1'),
    lp(parseUuid(about.accountId)),
    be8(about.requestedAt.getTime()),
  )
  return isProven(pointer, message, about.signature)
}
