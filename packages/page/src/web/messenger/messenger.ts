/**
 * A messenger for two, over the public API of `keyhaven`: keys of conversations are sealed to both members' identities, and kept
 * where key sync backs them up, so that the next device reads the old messages.
 */
import { createContactPins } from 'keyhaven/identity'
import type { KeyStore, Session } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'
import { exportConversations } from './export.ts'
import type { ExportedConversation } from './export.ts'
import { invite, join } from './meet.ts'
import type { Invitation, JoinOutcome } from './meet.ts'
import { readSelf } from './members.ts'
import { MOST_NAME_BYTES, findName, sealName } from './name.ts'
import { contactOf, headRecord, inviteRecord, shownRecord, unsentRecord } from './records.ts'
import { connectMessenger } from './server.ts'
import type { StoredConversation } from './server.ts'
import { countUnread } from './shown.ts'
import { dropUnsent, readUnsent } from './unsent.ts'
import type { Unsent } from './unsent.ts'
import { markCompared, partner, view } from './view.ts'
import type { Partner, Parts, View } from './view.ts'
import { generateMessageId, renew, requireLength, send } from './write.ts'

export interface ListedConversation extends Omit<StoredConversation, 'name'> {
  /** What this person calls the other one. */
  readonly name: string | undefined
  /** Messages of the other one that this device has not shown; 32 at most are counted. */
  readonly unread: number
}

export interface Messenger {
  list(): Promise<readonly ListedConversation[]>
  /** The other one of a conversation that is ready; `undefined` of every other. */
  partner(id: string): Promise<Partner | undefined>
  /** Begins a conversation. */
  invite(): Promise<Invitation>
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
  /** All of it to take along, readable; shows nothing as read. */
  exportAll(): Promise<readonly ExportedConversation[]>
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
    partner: (id) => inTurn(() => partner(parts, id)),
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
    exportAll: () => inTurn(() => exportConversations(parts)),
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

async function list({ vault, keys, server }: Parts): Promise<readonly ListedConversation[]> {
  const stored = await server.list()
  if (stored.length === 0) return []
  const { private: identity } = await readSelf(keys)
  return Promise.all(
    stored.map(async ({ name: sealed, ...rest }) => {
      const name = await findName({ identity, conversation: rest.id }, sealed)
      return { ...rest, name, unread: await countUnread({ vault, server }, rest) }
    }),
  )
}

async function rename({ keys, server }: Parts, id: string, name: string): Promise<void> {
  requireLength({ text: name, field: 'name', most: MOST_NAME_BYTES })
  const { private: identity } = await readSelf(keys)
  await server.keepName(id, await sealName({ identity, conversation: id }, name))
}

async function remove({ vault, keys, server, lists }: Parts, id: string): Promise<void> {
  await server.remove(id)
  await keys.removeConversationKey({ name: id })
  await createContactPins(vault).forget(contactOf(id))
  for (const record of [headRecord(id), inviteRecord(id), unsentRecord(id), shownRecord(id)])
    await vault.delete(record)
  lists.delete(id)
}
