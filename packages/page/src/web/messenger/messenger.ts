/**
 * A messenger for two, over the public API of `keyhaven`: keys of conversations are sealed to both members' identities, and kept
 * where key sync backs them up, so that the next device reads the old messages.
 */
import { KeyhavenError, isKeyhavenError } from 'keyhaven'
import { concat, equal, parseUtf8, randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import {
  createContactPins,
  deriveSafetyNumber,
  generateConversationKey,
  sealConversationKey,
} from 'keyhaven/identity'
import type { KeyStore, Session } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'
import { deriveProof, generateInvite, parseInvite } from './invite.ts'
import { emptyList, headOf, readNext } from './list.ts'
import type { Entry, List, Reader } from './list.ts'
import { findSecret, isProven, readSelf } from './members.ts'
import { KEY_KIND, sealText } from './message.ts'
import { MOST_NAME_BYTES, openName, sealName } from './name.ts'
import { connectMessenger } from './server.ts'
import type { Details, StoredConversation } from './server.ts'
import { dropUnsent, keepUnsent, readUnsent, unsentRecord } from './unsent.ts'
import type { Unsent } from './unsent.ts'

/** So many bytes of UTF-8 has a message at most. */
export const MOST_TEXT_BYTES = 8000

/** How a conversation stands, as this device sees it. */
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

export type JoinOutcome =
  | { readonly status: 'joined'; readonly id: string }
  /** No link of ours, or one that is used, too old, or one's own. */
  | { readonly status: 'not-there' }
  /** The server shows another inviter than the link. */
  | { readonly status: 'forged' }

export interface ListedConversation extends Omit<StoredConversation, 'name'> {
  /** What this person calls the other one. */
  readonly name: string | undefined
}

export interface Messenger {
  list(): Promise<readonly ListedConversation[]>
  /** Begins a conversation; `code` belongs into a link, behind its `#`. */
  invite(): Promise<{ readonly id: string; readonly code: string; readonly expiresAt: string }>
  join(code: string): Promise<JoinOutcome>
  read(id: string): Promise<View>
  /**
   * Sends a text where the conversation is ready, and answers how it stands then. Until it has arrived it is among `unsent`, to
   * be sent again under its id. `ERR_INPUT_INVALID` for one that is too long.
   */
  send(id: string, text: string, messageId?: string): Promise<View>
  unsent(id: string): Promise<readonly Unsent[]>
  giveUp(id: string, messageId: string): Promise<void>
  /** A new key for what is written from now on. */
  renew(id: string): Promise<View>
  /** `ERR_INPUT_INVALID` for a name that is empty or too long. */
  rename(id: string, name: string): Promise<void>
  /** The person has compared the number that `read` showed. */
  markCompared(id: string): Promise<void>
  remove(id: string): Promise<void>
}

interface Parts {
  readonly vault: Vault
  readonly keys: KeyStore
  readonly server: ReturnType<typeof connectMessenger>
  readonly lists: Map<string, List>
}

export function openMessenger(device: {
  readonly vault: Vault
  readonly keys: KeyStore
  readonly session: Pick<Session, 'request'>
}): Messenger {
  const { vault, keys, session } = device
  const parts: Parts = { vault, keys, server: connectMessenger(session), lists: new Map() }
  const inTurn = createTurns()
  return {
    list: () => list(parts),
    invite: () => invite(parts),
    join: (code) => join(parts, code),
    read: (id) => inTurn(() => view(parts, id)),
    send: (id, text, messageId = generateMessageId()) => inTurn(() => send(parts, id, { text, messageId })),
    unsent: (id) => inTurn(() => readUnsent(vault, id)),
    giveUp: (id, messageId) => inTurn(() => dropUnsent(vault, id, (one) => one === messageId)),
    rename: (id, name) => rename(parts, id, name),
    renew: (id) => inTurn(() => renew(parts, id)),
    markCompared: (id) => inTurn(() => markCompared(parts, id)),
    remove: (id) => inTurn(() => remove(parts, id)),
  }
}

/** 32 hex digits. */
export function generateMessageId(): string {
  return toHex(randomBytes(16))
}

/** One thing after the other: two at once would read one list twice. */
function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = last.then(work, work)
    last = turn
    return turn
  }
}

async function list({ keys, server }: Parts): Promise<readonly ListedConversation[]> {
  const stored = await server.list()
  if (stored.length === 0) return []
  const { private: identity } = await readSelf(keys)
  return Promise.all(
    stored.map(async ({ name: sealed, ...rest }) => {
      const named = { identity, conversation: rest.id }
      return { ...rest, name: sealed && (await openName(named, sealed).catch(toNothing)) }
    }),
  )
}

/** A name that is not this person's own of this conversation is none. */
function toNothing(fault: unknown): undefined {
  if (!isKeyhavenError(fault, 'ERR_ENVELOPE_REJECTED')) throw fault
}

async function rename({ keys, server }: Parts, id: string, name: string): Promise<void> {
  requireLength({ text: name, field: 'name', most: MOST_NAME_BYTES })
  const { private: identity } = await readSelf(keys)
  await server.keepName(id, await sealName({ identity, conversation: id }, name))
}

function requireLength(input: {
  readonly text: string
  readonly field: string
  readonly most: number
}): void {
  const { length } = utf8(input.text)
  if (length > 0 && length <= input.most) return
  const expected = `1 to ${String(input.most)} bytes of UTF-8`
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: input.field, expected })
}

async function renew(parts: Parts, id: string): Promise<View> {
  const ready = await look(parts, id)
  if ('reader' in ready) await startEpoch(parts, ready)
  return view(parts, id)
}

async function markCompared(parts: Parts, id: string): Promise<void> {
  const ready = await look(parts, id)
  if (!('reader' in ready)) return
  await createContactPins(parts.vault).markVerified(contactOf(id), ready.reader.other.fingerprint)
}

async function invite(parts: Parts): ReturnType<Messenger['invite']> {
  const { identity, fingerprint } = await readSelf(parts.keys)
  const { id, address, secret, code } = generateInvite(fingerprint)
  // First here, so that no invitation is out whose answer this person's devices could not check.
  await parts.keys.addConversationKey(id, secret)
  const proof = deriveProof({ secret, id, role: 'host', fingerprint })
  await parts.vault.put(inviteRecord(id), { type: 'messenger/invite', bytes: utf8(code) })
  const { expiresAt } = await parts.server.begin({ id, invite: address, identity, proof })
  return { id, code, expiresAt }
}

async function join(parts: Parts, code: string): Promise<JoinOutcome> {
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
    await parts.server.join({ invite: address, identity, proof })
    return { status: 'joined', id }
  } catch (fault) {
    if (isNotThere(fault)) return { status: 'not-there' }
    throw fault
  }
}

function isNotThere(fault: unknown): boolean {
  return isKeyhavenError(fault, 'ERR_SERVER_REFUSED') && fault.details.status === 404
}

interface Ready {
  readonly reader: Reader
  readonly compared: boolean
  readonly list: List
}

async function view(parts: Parts, id: string): Promise<View> {
  const ready = await look(parts, id)
  if (!('reader' in ready)) return ready
  const { reader, compared, list } = ready
  await dropUnsent(parts.vault, id, (messageId) => list.ids.has(`true ${messageId}`))
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

/** Checks who is in the conversation before anything of it is read. */
async function look(parts: Parts, id: string): Promise<Ready | Exclude<View, { status: 'ready' }>> {
  try {
    return await lookAt(parts, id, await parts.server.read(id))
  } catch (fault) {
    if (isNotThere(fault)) return { status: 'gone' }
    throw fault
  }
}

async function lookAt(
  parts: Parts,
  id: string,
  details: Details,
): Promise<Ready | Exclude<View, { status: 'ready' }>> {
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
  const record = `messenger/${id}`
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

async function send(parts: Parts, id: string, { text, messageId }: Unsent): Promise<View> {
  requireLength({ text, field: 'text', most: MOST_TEXT_BYTES })
  await keepUnsent(parts.vault, id, { text, messageId })
  let ready = await look(parts, id)
  if ('reader' in ready && ready.list.key === undefined) {
    await startEpoch(parts, ready)
    ready = await look(parts, id)
  }
  if (!('reader' in ready)) return ready
  const { reader, list } = ready
  if (list.key === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  const sender = reader.identity.publicIdentity.fingerprint
  const bound = { conversation: id, sender, id: messageId }
  const { key, epoch } = list
  const body = await sealText(bound, { key, epoch, seen: list.heads.length - 1, head: headOf(list), text })
  await deliver(parts, id, { id: messageId, body })
  return view(parts, id)
}

async function startEpoch(parts: Parts, { reader, list }: Ready): Promise<void> {
  const { id, identity, other } = reader
  const message = await sealConversationKey({
    sender: identity,
    members: [identity.publicIdentity, other],
    conversation: id,
    epoch: list.epoch + 1,
    key: generateConversationKey(),
  })
  await deliver(parts, id, { id: generateMessageId(), body: concat(Uint8Array.of(KEY_KIND), message) })
}

/** Once more when the answer was lost: under its id the server keeps a message once. */
async function deliver(
  parts: Parts,
  id: string,
  message: { readonly id: string; readonly body: Uint8Array },
): Promise<void> {
  try {
    await parts.server.send(id, message)
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_SERVER_UNAVAILABLE')) throw fault
    await parts.server.send(id, message)
  }
}

async function remove(parts: Parts, id: string): Promise<void> {
  await parts.server.remove(id)
  await parts.keys.removeConversationKey({ name: id })
  await createContactPins(parts.vault).forget(contactOf(id))
  for (const record of [`messenger/${id}`, inviteRecord(id), unsentRecord(id)])
    await parts.vault.delete(record)
  parts.lists.delete(id)
}

function inviteRecord(id: string): string {
  return `messenger/${id}/invite`
}

function contactOf(id: string): string {
  return `messenger/${id}`
}
