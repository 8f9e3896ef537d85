/**
 * A messenger for two, over the public API of `keyhaven`: keys of conversations are sealed to both members' identities, and kept
 * where key sync backs them up, so that the next device reads the old messages.
 */
import { KeyhavenError, isKeyhavenError } from 'keyhaven'
import { concat, equal, equalConstantTime, randomBytes, toHex } from 'keyhaven/crypto'
import {
  createContactPins,
  deriveSafetyNumber,
  generateConversationKey,
  parseIdentity,
  sealConversationKey,
} from 'keyhaven/identity'
import type { Identity } from 'keyhaven/identity'
import type { KeyStore, Session } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'
import { deriveProof, generateInvite, parseInvite } from './invite.ts'
import type { Role } from './invite.ts'
import { emptyList, headOf, readNext } from './list.ts'
import type { Entry, List, Reader } from './list.ts'
import { KEY_KIND, sealText } from './message.ts'
import { connectMessenger } from './server.ts'
import type { Details, ListedConversation, Member } from './server.ts'

const IDENTITY = 'identity'
/** So many bytes of UTF-8 has a message at most. */
export const MOST_TEXT_BYTES = 8000

/** How a conversation stands, as this device sees it. */
export type View =
  /** Nobody has joined yet. */
  | { readonly status: 'waiting'; readonly expiresAt: string }
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

export interface Messenger {
  list(): Promise<readonly ListedConversation[]>
  /** Begins a conversation; `code` belongs into a link, behind its `#`. */
  invite(): Promise<{ readonly id: string; readonly code: string; readonly expiresAt: string }>
  join(code: string): Promise<JoinOutcome>
  read(id: string): Promise<View>
  /** Sends a text where the conversation is ready, and answers how it stands then. `ERR_INPUT_INVALID` for one that is too long. */
  send(id: string, text: string): Promise<View>
  /** A new key for what is written from now on. */
  renew(id: string): Promise<View>
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
    list: () => parts.server.list(),
    invite: () => invite(parts),
    join: (code) => join(parts, code),
    read: (id) => inTurn(() => view(parts, id)),
    send: (id, text) => inTurn(() => send(parts, id, text)),
    renew: (id) => inTurn(() => renew(parts, id)),
    markCompared: (id) => inTurn(() => markCompared(parts, id)),
    remove: (id) => inTurn(() => remove(parts, id)),
  }
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
    if (isKeyhavenError(fault, 'ERR_SERVER_REFUSED') && fault.details.status === 404)
      return { status: 'not-there' }
    throw fault
  }
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
  const self = await readSelf(parts.keys)
  const details = await parts.server.read(id)
  const secret = await findSecret(parts.keys, { id, details, fingerprint: self.fingerprint })
  if (secret === undefined) return { status: 'forged' }
  const other = details.mine === 'host' ? details.guest : details.host
  if (other === undefined) return { status: 'waiting', expiresAt: details.expiresAt }
  const role = details.mine === 'host' ? 'guest' : 'host'
  if (!isProven(other, { secret, id, role })) return { status: 'forged' }
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
  for (;;) {
    const page = await parts.server.messages(id, list.heads.length - 1)
    for (const message of page) await readNext(list, reader, message)
    if (page.length === 0) break
  }
  const record = `messenger/${id}`
  const seen = await parts.vault.get(record)
  if (seen !== undefined && !list.heads.some((head) => equal(head, seen.bytes))) list.altered = true
  else await parts.vault.put(record, { type: 'messenger/head', bytes: headOf(list) })
  parts.lists.set(id, list)
  return list
}

async function send(parts: Parts, id: string, text: string): Promise<View> {
  const { length } = new TextEncoder().encode(text)
  if (length < 1 || length > MOST_TEXT_BYTES)
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'text', expected: '1 to 8000 bytes of UTF-8' })
  let ready = await look(parts, id)
  if ('reader' in ready && ready.list.key === undefined) {
    await startEpoch(parts, ready)
    ready = await look(parts, id)
  }
  if (!('reader' in ready)) return ready
  const { reader, list } = ready
  if (list.key === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  const sender = reader.identity.publicIdentity.fingerprint
  const bound = { conversation: id, sender, id: toHex(randomBytes(16)) }
  const { key, epoch } = list
  const body = await sealText(bound, { key, epoch, seen: list.heads.length - 1, head: headOf(list), text })
  await deliver(parts, id, { id: bound.id, body })
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
  await deliver(parts, id, { id: toHex(randomBytes(16)), body: concat(Uint8Array.of(KEY_KIND), message) })
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
  await parts.vault.delete(`messenger/${id}`)
  parts.lists.delete(id)
}

interface Self {
  readonly private: Identity
  readonly identity: Identity['publicIdentity']
  readonly fingerprint: Uint8Array
}

async function readSelf(keys: KeyStore): Promise<Self> {
  const bytes = (await keys.exportKeys()).identityKeys[IDENTITY]
  if (bytes === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  const identity = await parseIdentity(bytes)
  return {
    private: identity,
    identity: identity.publicIdentity,
    fingerprint: identity.publicIdentity.fingerprint,
  }
}

/** The link's secret: the key by which one's own place in the conversation is proven. */
async function findSecret(
  keys: KeyStore,
  known: { readonly id: string; readonly details: Details; readonly fingerprint: Uint8Array },
): Promise<Uint8Array | undefined> {
  const { id, details, fingerprint } = known
  const { mine } = details
  const own = details[mine]
  if (own === undefined || !equal(own.identity.fingerprint, fingerprint)) return undefined
  const stored = await keys.getConversationKeys(id)
  return stored.find(({ key }) => isProven(own, { secret: key, id, role: mine }))?.key
}

function isProven(
  { identity, proof }: Member,
  by: { readonly secret: Uint8Array; readonly id: string; readonly role: Role },
): boolean {
  return equalConstantTime(proof, deriveProof({ ...by, fingerprint: identity.fingerprint }))
}

function contactOf(id: string): string {
  return `messenger/${id}`
}
