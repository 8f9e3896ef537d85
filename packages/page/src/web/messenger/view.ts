/**
 * A conversation as this device sees it. Who is in it is checked before anything of it is read.
 */
import { isKeyhavenError } from 'keyhaven'
import { equal, parseUtf8 } from 'keyhaven/crypto'
import { createContactPins, deriveSafetyNumber } from 'keyhaven/identity'
import type { PublicIdentity } from 'keyhaven/identity'
import type { KeyStore } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'
import { emptyList, headOf, readNext } from './list.ts'
import type { Entry, List, Reader } from './list.ts'
import { findSecret, isProven, readSelf } from './members.ts'
import { contactOf, headRecord, inviteRecord } from './records.ts'
import type { Details, MessengerServer } from './server.ts'
import { keepShown } from './shown.ts'
import { dropUnsent } from './unsent.ts'

/** How a conversation stands. */
export type View =
  /** Nobody has joined yet. `code` is there on the device that made the invitation. */
  | { readonly status: 'waiting'; readonly expiresAt: string; readonly code: string | undefined }
  /** It is not there, or not there any more. */
  | { readonly status: 'gone' }
  /** Its keys have not come to this device. */
  | { readonly status: 'no-key' }
  /** The server shows an identity that the link does not prove. Write nothing. */
  | { readonly status: 'forged' }
  /** The other one has another identity than before. Nothing is read or written; a new link begins anew. */
  | { readonly status: 'changed'; readonly before: string; readonly now: string }
  | {
      readonly status: 'ready'
      /** Sixty digits that both see alike. */
      readonly safetyNumber: string
      /** Whether the person has compared them. */
      readonly compared: boolean
      readonly epoch: number
      readonly entries: readonly Entry[]
      /** True when the list is not what its writers saw. */
      readonly altered: boolean
    }

/** Whom this person writes to in a conversation, by its link. */
export interface Partner {
  readonly identity: PublicIdentity
  /** Whether the person has compared the sixty digits. */
  readonly compared: boolean
}

/** What a messenger works with. */
export interface Parts {
  readonly vault: Vault
  readonly keys: KeyStore
  readonly server: MessengerServer
  /** What was read since the page was opened, by conversation. */
  readonly lists: Map<string, List>
}

export interface Ready {
  readonly reader: Reader
  readonly compared: boolean
  readonly list: List
}

type NotReady = Exclude<View, { status: 'ready' }>

/** What a person is shown; the messages of the other one count as shown from then on. */
export async function view(parts: Parts, id: string): Promise<View> {
  const ready = await look(parts, id)
  if (!('reader' in ready)) return ready
  const { reader, compared, list } = ready
  await dropUnsent(parts.vault, id, (messageId) => list.ids.has(`true ${messageId}`))
  await keepShown(parts.vault, id, list)
  const safetyNumber = deriveSafetyNumber(
    reader.identity.publicIdentity.fingerprint,
    reader.other.fingerprint,
  )
  return {
    status: 'ready',
    safetyNumber,
    compared,
    epoch: list.epoch,
    entries: [...list.entries],
    altered: list.altered,
  }
}

/** Who is in the conversation, and its list as far as the server shows it. */
export async function look(parts: Parts, id: string): Promise<Ready | NotReady> {
  try {
    return await lookAt(parts, id, await parts.server.read(id))
  } catch (fault) {
    if (isNotThere(fault)) return { status: 'gone' }
    throw fault
  }
}

export function isNotThere(fault: unknown): boolean {
  return isKeyhavenError(fault, 'ERR_SERVER_REFUSED') && fault.details.status === 404
}

/** The person has compared the number. */
export async function markCompared(parts: Parts, id: string): Promise<void> {
  const ready = await look(parts, id)
  if (!('reader' in ready)) return
  await createContactPins(parts.vault).markVerified(contactOf(id), ready.reader.other.fingerprint)
}

/** The other one of a conversation that is ready; `undefined` of every other. */
export async function partner(parts: Parts, id: string): Promise<Partner | undefined> {
  const ready = await look(parts, id)
  return 'reader' in ready ? { identity: ready.reader.other, compared: ready.compared } : undefined
}

async function lookAt(parts: Parts, id: string, details: Details): Promise<Ready | NotReady> {
  const self = await readSelf(parts.keys)
  if ((await parts.keys.getConversationKeys(id)).length === 0) return { status: 'no-key' }
  const secret = await findSecret(parts.keys, { id, details, fingerprint: self.fingerprint })
  if (secret === undefined) return { status: 'forged' }
  const other = details.mine === 'host' ? details.guest : details.host
  const invitation = await parts.vault.get(inviteRecord(id))
  if (other === undefined) {
    const code = invitation && parseUtf8(invitation.bytes)
    return { status: 'waiting', expiresAt: details.expiresAt, code }
  }
  const role = details.mine === 'host' ? 'guest' : 'host'
  if (!isProven(other, { secret, id, role })) return { status: 'forged' }
  if (invitation !== undefined) await parts.vault.delete(inviteRecord(id))
  const check = await createContactPins(parts.vault).check(contactOf(id), other.identity.fingerprint)
  if (check.status === 'changed') {
    const [before, now] = [check.pin.fingerprint, check.presented].map((theirs) =>
      deriveSafetyNumber(self.fingerprint, theirs),
    )
    return { status: 'changed', before: before ?? '', now: now ?? '' }
  }
  const reader: Reader = { id, identity: self.private, other: other.identity, secret, keys: parts.keys }
  return { reader, compared: check.pin.verified, list: await readOn(parts, reader) }
}

/** Reads what is new; a list that ends before, or differs from, what this device saw is altered. */
async function readOn(parts: Parts, reader: Reader): Promise<List> {
  const { id } = reader
  const list = parts.lists.get(id) ?? emptyList(id)
  parts.lists.set(id, list)
  await readPages(parts, reader, list)
  const record = headRecord(id)
  const seen = (await parts.vault.get(record))?.bytes
  const knows = (head: Uint8Array): boolean => list.heads.some((one) => equal(one, head))
  // Another tab may have read further meanwhile.
  if (seen !== undefined && !knows(seen)) await readPages(parts, reader, list)
  if (seen !== undefined && !knows(seen)) list.altered = true
  else if (seen === undefined || !equal(seen, headOf(list)))
    await parts.vault.put(record, { type: 'messenger/head', bytes: headOf(list) })
  return list
}

async function readPages({ server }: Parts, reader: Reader, list: List): Promise<void> {
  for (;;) {
    const page = await server.messages(reader.id, list.heads.length - 1)
    for (const message of page) await readNext(list, reader, message)
    if (page.length === 0) break
  }
}
