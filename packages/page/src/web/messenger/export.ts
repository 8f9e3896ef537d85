/**
 * A person's conversations to take along: what the server has of each, sealed, and what this device reads of it. Nothing is
 * marked as shown by that, and no key is in it.
 */
import { isKeyhavenError } from 'keyhaven'
import { toBase64 } from 'keyhaven/crypto'
import { readSelf } from './members.ts'
import { findName } from './name.ts'
import type { Entry } from './list.ts'
import type { Details, Member, MessengerServer, StoredConversation, StoredMessage } from './server.ts'
import { readUnsent } from './unsent.ts'
import type { Unsent } from './unsent.ts'
import { isNotThere, look } from './view.ts'
import type { Parts, View } from './view.ts'

/** JSON can hold it; bytes are standard base64, times ISO 8601. */
export interface ExportedConversation extends Omit<StoredConversation, 'messages' | 'name'> {
  /** As the server has it, sealed; so are the bodies. */
  readonly sealedName: string | undefined
  readonly members: ExportedMembers
  readonly sealedMessages: readonly (Omit<StoredMessage, 'body'> & { readonly body: string })[]
  /** As this device reads it; a fault's code where it cannot. */
  readonly opened: Opened
  readonly unsent: readonly Unsent[]
}

interface ExportedMembers {
  readonly mine: Details['mine']
  readonly host: Readonly<Record<keyof Member, string>>
  readonly guest: Readonly<Record<keyof Member, string>> | undefined
}

type Opened =
  | {
      readonly status: 'ready'
      readonly name: string | undefined
      readonly compared: boolean
      readonly altered: boolean
      readonly entries: readonly Entry[]
    }
  | { readonly status: Exclude<View['status'], 'ready'> }
  | { readonly status: 'fault'; readonly code: string }

/** Every conversation; one that is removed meanwhile is left out. */
export async function exportConversations(parts: Parts): Promise<readonly ExportedConversation[]> {
  const exported: ExportedConversation[] = []
  for (const stored of await parts.server.list()) {
    try {
      exported.push(await exportOne(parts, stored))
    } catch (fault) {
      if (!isNotThere(fault)) throw fault
    }
  }
  return exported
}

async function exportOne(parts: Parts, stored: StoredConversation): Promise<ExportedConversation> {
  const { id, joined, expiresAt, other, name } = stored
  const { mine, host, guest } = await parts.server.read(id)
  const messages = await readAll(parts.server, id)
  return {
    id,
    joined,
    expiresAt,
    other,
    sealedName: name && toBase64(name),
    members: { mine, host: write(host), guest: guest && write(guest) },
    sealedMessages: messages.map((message) => ({ ...message, body: toBase64(message.body) })),
    opened: await open(parts, stored),
    unsent: await readUnsent(parts.vault, id),
  }
}

async function readAll(server: MessengerServer, id: string): Promise<readonly StoredMessage[]> {
  const all: StoredMessage[] = []
  for (let after = 0; ;) {
    // A server that goes on with places that were there would never end.
    const from = after
    const page = (await server.messages(id, from)).filter(({ place }) => place > from)
    if (page.length === 0) return all
    all.push(...page)
    after = Math.max(...page.map(({ place }) => place))
  }
}

/** What is sealed is taken along also where it cannot be opened here. */
async function open(parts: Parts, { id, name: sealed }: StoredConversation): Promise<Opened> {
  try {
    const found = await look(parts, id)
    if (!('reader' in found)) return { status: found.status }
    const { compared, list } = found
    const { private: identity } = await readSelf(parts.keys)
    const name = await findName({ identity, conversation: id }, sealed)
    return { status: 'ready', name, compared, altered: list.altered, entries: [...list.entries] }
  } catch (fault) {
    if (!isKeyhavenError(fault) || isNotThere(fault)) throw fault
    return { status: 'fault', code: fault.code }
  }
}

function write({ identity, proof }: Member): Readonly<Record<keyof Member, string>> {
  return { identity: toBase64(identity.bytes), proof: toBase64(proof) }
}
