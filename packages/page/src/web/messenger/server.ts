/** The messenger's requests, over the device's session. What comes back is read once and believed by nobody. */
import { KeyhavenError } from 'keyhaven'
import { parseBase64, parseUtf8, toBase64 } from 'keyhaven/crypto'
import { parsePublicIdentity } from 'keyhaven/identity'
import type { PublicIdentity } from 'keyhaven/identity'
import type { Session } from 'keyhaven/sync'
import type { Role } from './invite.ts'

export interface Member {
  readonly identity: PublicIdentity
  readonly proof: Uint8Array
}

export interface StoredConversation {
  readonly id: string
  /** False while the invitation waits. */
  readonly joined: boolean
  readonly expiresAt: string
  readonly messages: number
  /** As it was sealed; `undefined` where none was given. */
  readonly name: Uint8Array | undefined
  /** The other one's account, a UUID, as the server says. */
  readonly other: string | undefined
}

export interface Details {
  readonly mine: Role
  readonly host: Member
  readonly guest: Member | undefined
  readonly expiresAt: string
}

export interface StoredMessage {
  readonly place: number
  readonly mine: boolean
  readonly id: string
  readonly body: Uint8Array
  readonly sentAt: string
}

type Json = Readonly<Record<string, unknown>>

export interface MessengerServer {
  list(): Promise<readonly StoredConversation[]>
  begin(
    started: { readonly id: string; readonly invite: string } & Member,
  ): Promise<{ readonly expiresAt: string }>
  readInvite(invite: string): Promise<Member>
  join(joined: { readonly invite: string } & Member): Promise<void>
  read(id: string): Promise<Details>
  keepName(id: string, name: Uint8Array): Promise<void>
  remove(id: string): Promise<void>
  messages(id: string, after: number): Promise<readonly StoredMessage[]>
  send(id: string, message: { readonly id: string; readonly body: Uint8Array }): Promise<void>
}

export function connectMessenger(session: Pick<Session, 'request'>): MessengerServer {
  const ask = async (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    json?: unknown,
  ): Promise<Json> => {
    const { bytes } = await session.request({
      method,
      path: `/v1/messenger/${path}`,
      ...(json !== undefined && { json }),
    })
    return bytes.length === 0 ? {} : asObject(parse(bytes))
  }
  const at = (id: string): string => `conversations/${id}`
  return {
    list: async () => asList((await ask('GET', 'conversations'))['conversations']).map(readListed),
    begin: async ({ id, invite, ...member }) => ({
      expiresAt: asText((await ask('POST', 'conversations', { id, invite, ...show(member) }))['expiresAt']),
    }),
    readInvite: async (invite) => readMember((await ask('POST', 'invites/read', { invite }))['host']),
    join: async ({ invite, ...member }) =>
      void (await ask('POST', 'invites/join', { invite, ...show(member) })),
    read: async (id) => readDetails(await ask('GET', at(id))),
    keepName: async (id, name) => void (await ask('PUT', `${at(id)}/name`, { name: toBase64(name) })),
    remove: async (id) => void (await ask('DELETE', at(id))),
    messages: async (id, after) =>
      asList((await ask('GET', `${at(id)}/messages?after=${String(after)}`))['messages']).map(readMessage),
    send: async (id, message) =>
      void (await ask('POST', `${at(id)}/messages`, { id: message.id, body: toBase64(message.body) })),
  }
}

function show({ identity, proof }: Member): Json {
  return { identity: toBase64(identity.bytes), proof: toBase64(proof) }
}

function readListed(value: unknown): StoredConversation {
  const { id, joined, expiresAt, messages, name, other } = asObject(value)
  return {
    id: asId(id),
    joined: joined === true,
    expiresAt: asText(expiresAt),
    messages: asCount(messages),
    name: name === null ? undefined : asBytes(name),
    other: other === null ? undefined : asAccount(other),
  }
}

function readDetails({ mine, host, guest, expiresAt }: Json): Details {
  return {
    mine: mine === 'host' ? 'host' : 'guest',
    host: readMember(host),
    guest: guest === null ? undefined : readMember(guest),
    expiresAt: asText(expiresAt),
  }
}

function readMember(value: unknown): Member {
  const { identity, proof } = asObject(value)
  return { identity: parsePublicIdentity(asBytes(identity)), proof: asBytes(proof) }
}

function readMessage(value: unknown): StoredMessage {
  const { place, mine, id, body, sentAt } = asObject(value)
  return {
    place: asCount(place),
    mine: mine === true,
    id: asId(id),
    body: asBytes(body),
    sentAt: asText(sentAt),
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(parseUtf8(bytes))
  } catch {
    throw malformed()
  }
}

function asObject(value: unknown): Json {
  if (typeof value !== 'object' || value === null) throw malformed()
  return value as Json
}

function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed()
  return value
}

function asText(value: unknown): string {
  if (typeof value !== 'string') throw malformed()
  return value
}

function asId(value: unknown): string {
  if (!/^[0-9a-f]{32}$/.test(asText(value))) throw malformed()
  return asText(value)
}

function asAccount(value: unknown): string {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(asText(value))) throw malformed()
  return asText(value)
}

function asCount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed()
  return value
}

function asBytes(value: unknown): Uint8Array {
  return parseBase64(asText(value), 'body')
}

function malformed(): KeyhavenError {
  return new KeyhavenError('ERR_SERVER_UNAVAILABLE', { fault: 'body', retryable: false })
}
