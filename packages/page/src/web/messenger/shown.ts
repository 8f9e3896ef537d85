/** How far this device has shown a conversation, so that it can say how many messages of the other one are new. */
import { be4, concat } from 'keyhaven/crypto'
import type { Vault } from 'keyhaven/vault'
import type { List } from './list.ts'
import { KEY_KIND } from './message.ts'
import { shownRecord } from './records.ts'
import type { MessengerServer, StoredConversation } from './server.ts'

interface Shown {
  readonly place: number
  /** Up to there, keys not counted. */
  readonly messages: number
}

/** A conversation that begins on this device: everything in it will be new. */
export async function beginShown(vault: Vault, id: string): Promise<void> {
  await write(vault, id, { place: 0, messages: 0 })
}

/** Written once for what is new. */
export async function keepShown(vault: Vault, id: string, list: List): Promise<void> {
  const place = list.entries.length
  if (list.shown === place) return
  const messages = list.entries.filter(({ kind }) => kind !== 'new-key').length
  await write(vault, id, { place, messages })
  list.shown = place
}

/** Messages of the other one that were not shown here, as many as one page of the server's has at most. */
export async function countUnread(
  { vault, server }: { readonly vault: Vault; readonly server: Pick<MessengerServer, 'messages'> },
  { id, messages }: Pick<StoredConversation, 'id' | 'messages'>,
): Promise<number> {
  const shown = await readShown(vault, id)
  // What was there when its keys came to this device was read on another one.
  if (shown === undefined || messages <= shown.messages) return 0
  const page = await server.messages(id, shown.place)
  return page.filter(({ mine, body }) => !mine && body[0] !== KEY_KIND).length
}

async function write(vault: Vault, id: string, { place, messages }: Shown): Promise<void> {
  await vault.put(shownRecord(id), { type: 'messenger/shown', bytes: concat(be4(place), be4(messages)) })
}

async function readShown(vault: Vault, id: string): Promise<Shown | undefined> {
  const record = await vault.get(shownRecord(id))
  if (record === undefined) return undefined
  // Written by this page alone: the vault lets nothing else in.
  const view = new DataView(record.bytes.slice().buffer)
  return { place: view.getUint32(0), messages: view.getUint32(4) }
}
