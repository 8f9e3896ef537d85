/** Two people meet by a link: one invites, the other joins. */
import { equal, utf8 } from 'keyhaven/crypto'
import { deriveProof, generateInvite, parseInvite } from './invite.ts'
import { isProven, readSelf } from './members.ts'
import { inviteRecord } from './records.ts'
import { beginShown } from './shown.ts'
import { isNotThere } from './view.ts'
import type { Parts } from './view.ts'

export interface Invitation {
  readonly id: string
  /** Belongs into a link, behind its `#`. */
  readonly code: string
  readonly expiresAt: string
}

export type JoinOutcome =
  | { readonly status: 'joined'; readonly id: string }
  /** No link of ours, or one that is used, too old, or one's own. */
  | { readonly status: 'not-there' }
  /** The server shows another inviter than the link. */
  | { readonly status: 'forged' }

export async function invite(parts: Parts): Promise<Invitation> {
  const { identity, fingerprint } = await readSelf(parts.keys)
  const { id, address, secret, code } = generateInvite(fingerprint)
  // First here, so that no invitation is out whose answer this person's devices could not check.
  await parts.keys.addConversationKey(id, secret)
  const proof = deriveProof({ secret, id, role: 'host', fingerprint })
  await parts.vault.put(inviteRecord(id), { type: 'messenger/invite', bytes: utf8(code) })
  await beginShown(parts.vault, id)
  const { expiresAt } = await parts.server.begin({ id, invite: address, identity, proof })
  return { id, code, expiresAt }
}

export async function join(parts: Parts, code: string): Promise<JoinOutcome> {
  const found = parseInvite(code)
  if (found === undefined) return { status: 'not-there' }
  const { id, address, secret } = found
  const { identity, fingerprint } = await readSelf(parts.keys)
  try {
    const host = await parts.server.readInvite(address)
    const shown = host.identity.fingerprint
    if (!equal(shown, found.fingerprint) || !isProven(host, { secret, id, role: 'host' }))
      return { status: 'forged' }
    await parts.keys.addConversationKey(id, secret)
    const proof = deriveProof({ secret, id, role: 'guest', fingerprint })
    await beginShown(parts.vault, id)
    await parts.server.join({ invite: address, identity, proof })
    return { status: 'joined', id }
  } catch (fault) {
    if (isNotThere(fault)) return { status: 'not-there' }
    throw fault
  }
}
