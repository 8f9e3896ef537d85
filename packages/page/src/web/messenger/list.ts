/**
 * A conversation's list as this device has read it: every message in order, each bound to the ones before it. What the server left
 * out, changed, moved or repeated is found by the next message of somebody who had read it.
 */
import { isKeyhavenError } from 'keyhaven'
import { equal, sha256, toHex } from 'keyhaven/crypto'
import { openConversationKey } from 'keyhaven/identity'
import type { Identity, PublicIdentity } from 'keyhaven/identity'
import type { KeyStore } from 'keyhaven/sync'
import { KEY_KIND, emptyHead, nextHead, openText, readClaims } from './message.ts'
import type { StoredMessage } from './server.ts'

/** What a person is shown of one message. */
export type Entry = { readonly place: number; readonly mine: boolean; readonly sentAt: string } & (
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'new-key' }
  /** Not what its sender sealed, or there before, or without a key here. */
  | { readonly kind: 'unreadable' }
)

export interface List {
  readonly entries: Entry[]
  /** The head after each place; that of the empty list first. */
  readonly heads: Uint8Array[]
  readonly ids: Set<string>
  epoch: number
  /** The key of that epoch. */
  key: Uint8Array | undefined
  /** True once something was left out, changed, moved or repeated. */
  altered: boolean
  /** Up to which place it is noted as shown; `undefined` until it is. */
  shown: number | undefined
}

/** Who reads, and what. */
export interface Reader {
  readonly id: string
  readonly identity: Identity
  readonly other: PublicIdentity
  /** Proves identities and opens nothing. */
  readonly secret: Uint8Array
  readonly keys: KeyStore
}

export function emptyList(id: string): List {
  return {
    entries: [],
    heads: [emptyHead(id)],
    ids: new Set(),
    epoch: 0,
    key: undefined,
    altered: false,
    shown: undefined,
  }
}

export function headOf(list: List): Uint8Array {
  return list.heads.at(-1) ?? new Uint8Array()
}

/** Reads one more message. */
export async function readNext(list: List, reader: Reader, message: StoredMessage): Promise<void> {
  const { place, mine, id, body, sentAt } = message
  const sender = mine ? reader.identity.publicIdentity : reader.other
  const name = `${String(mine)} ${id}`
  const inPlace = place === list.heads.length && !list.ids.has(name)
  const entry = inPlace ? await openEntry(list, { reader, sender, id, body }) : undefined
  list.entries.push({ place, mine, sentAt, ...(entry ?? { kind: 'unreadable' }) })
  if (entry === undefined) list.altered = true
  list.ids.add(name)
  list.heads.push(nextHead(headOf(list), { sender: sender.fingerprint, id }, body))
}

interface Opening {
  readonly reader: Reader
  readonly sender: PublicIdentity
  readonly id: string
  readonly body: Uint8Array
}

type Opened = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'new-key' } | undefined

async function openEntry(list: List, opening: Opening): Promise<Opened> {
  try {
    return await (opening.body[0] === KEY_KIND ? openKey(list, opening) : open(list, opening))
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_ENVELOPE_REJECTED') || isKeyhavenError(fault, 'ERR_ENVELOPE_MALFORMED'))
      return undefined
    throw fault
  }
}

async function openKey(list: List, { reader, sender, body }: Opening): Promise<Opened> {
  const { id: conversation, identity, other, keys } = reader
  const message = body.subarray(1)
  const opened = await openConversationKey({
    identity,
    sender,
    conversation,
    message,
    knownEpoch: list.epoch,
  })
  if (opened.status !== 'opened') return undefined
  const both = [identity.publicIdentity, other]
  const named = both.every(({ fingerprint }) => opened.members.some((member) => equal(member, fingerprint)))
  if (!named || opened.members.length !== 2) return undefined
  if (list.key !== undefined && equal(list.key, opened.key)) return undefined
  await keys.addConversationKey(conversation, opened.key)
  list.epoch = opened.epoch
  list.key = opened.key
  return { kind: 'new-key' }
}

async function open(list: List, { reader, sender, id, body }: Opening): Promise<Opened> {
  const claims = readClaims(body)
  const key = claims && (await findKey(reader, claims.keyId))
  if (key === undefined) return undefined
  const bound = { conversation: reader.id, sender: sender.fingerprint, id }
  const { head, text } = await openText(bound, key, body)
  // The text is its sender's; what he had read is not what was shown here.
  if (!equal(head, list.heads[claims?.seen ?? 0] ?? new Uint8Array())) list.altered = true
  return { kind: 'text', text }
}

/** A key that this device, or another of this person's, opened as a member's; the backup brought it. */
async function findKey({ id, keys, secret }: Reader, keyId: string): Promise<Uint8Array | undefined> {
  if (keyId === toHex(sha256(secret)).slice(0, keyId.length)) return undefined
  return (await keys.getConversationKeys(id)).find((known) => known.keyId === keyId)?.key
}
