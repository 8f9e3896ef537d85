/** Trusted contacts, over HTTP (docs/protocol.md, "Contacts"). */
import { parseBase64, toBase64 } from '../../crypto/index.ts'
import type { OutgoingContacts } from '../format/contact-messages.ts'
import { answerMalformed, readFields } from '../format/fields.ts'
import type { Fields } from '../format/fields.ts'
import { readJson } from './exchange.ts'
import type { Answer } from './exchange.ts'
import type { Requester } from './transport.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A request as the server tells it; times are ISO 8601, ids 32 hex digits. */
export interface ServedContactRequest {
  readonly id: string
  readonly device: string
  readonly label: string
  readonly requestedAt: string
  readonly dueAt: string
  readonly expiresAt: string
}

export interface ServedContacts {
  readonly set:
    | {
        readonly wayId: string
        readonly threshold: number
        readonly contacts: readonly { readonly place: number; readonly accountId: string }[]
      }
    | undefined
  readonly requests: readonly (ServedContactRequest & { readonly answers: number })[]
}

/** What is asked of this account. */
export interface ServedAsked {
  /** The account that asks, a UUID. */
  readonly ownerId: string
  readonly id: string
  /** Of the device that asks, its own claim. */
  readonly label: string
  readonly publicKey: Uint8Array
  readonly requestedAt: string
  readonly dueAt: string
  readonly names: Uint8Array
  /** None until the wait is over. */
  readonly share: Uint8Array | undefined
  readonly answered: boolean
}

type Signal = AbortSignal | undefined

export interface ContactTransport {
  read(signal?: Signal): Promise<ServedContacts>
  /** `proof` is the authority key's signature, in hex. */
  set(set: OutgoingContacts & { readonly proof: string }, signal?: Signal): Promise<void>
  remove(proof: string, signal?: Signal): Promise<void>
  ask(
    request: { readonly id: string; readonly publicKey: Uint8Array },
    signal?: Signal,
  ): Promise<ServedContactRequest>
  readRequest(
    id: string,
    signal?: Signal,
  ): Promise<
    ServedContactRequest & {
      readonly answers: readonly { readonly place: number; readonly answer: Uint8Array }[]
    }
  >
  endRequest(id: string, signal?: Signal): Promise<void>
  veto(veto: { readonly id: string; readonly signature: string }, signal?: Signal): Promise<void>
  readAsked(signal?: Signal): Promise<readonly ServedAsked[]>
  answer(
    answer: { readonly ownerId: string; readonly id: string; readonly answer: Uint8Array },
    signal?: Signal,
  ): Promise<void>
}

/** The calls. */
export function contactCalls(session: Requester): ContactTransport {
  const send = (request: Parameters<Requester['request']>[0]): Promise<Answer> => session.request(request)
  const path = (id: string): string => `/v1/contacts/requests/${id}`
  return {
    read: async (signal) =>
      readContacts(readJson(await send({ method: 'GET', path: '/v1/contacts', signal }))),
    set: async ({ proof, contacts, ...set }, signal) => {
      const json = {
        ...set,
        contacts: contacts.map(({ accountId, names, share }) => ({
          accountId,
          names: toBase64(names),
          share: toBase64(share),
        })),
      }
      await send({ method: 'PUT', path: '/v1/contacts', json, headers: { 'Keyhaven-Proof': proof }, signal })
    },
    remove: async (proof, signal) => {
      await send({ method: 'DELETE', path: '/v1/contacts', headers: { 'Keyhaven-Proof': proof }, signal })
    },
    ask: async ({ id, publicKey }, signal) => {
      const json = { publicKey: toBase64(publicKey) }
      return readRequest(readJson(await send({ method: 'PUT', path: path(id), json, signal })))
    },
    readRequest: async (id, signal) => {
      const fields = readJson(await send({ method: 'GET', path: path(id), signal }))
      const answers = fields.list('answers').map((item) => {
        const answer = readFields(item, answerMalformed)
        return { place: answer.integer('place'), answer: readBytes(answer, 'answer') }
      })
      return { ...readRequest(fields), answers }
    },
    endRequest: async (id, signal) => {
      await send({ method: 'DELETE', path: path(id), signal })
    },
    veto: async ({ id, signature }, signal) => {
      await send({ method: 'POST', path: `${path(id)}/veto`, json: { signature }, signal })
    },
    readAsked: async (signal) => {
      const answer = await send({ method: 'GET', path: '/v1/contacts/asked', signal })
      return readJson(answer).list('asked').map(readAsked)
    },
    answer: async ({ ownerId, id, answer }, signal) => {
      const json = { answer: toBase64(answer) }
      await send({ method: 'PUT', path: `/v1/contacts/asked/${ownerId}/${id}`, json, signal })
    },
  }
}

function readContacts(fields: Fields): ServedContacts {
  return {
    set: fields.has('set') ? readSet(readFields(fields.map('set'), answerMalformed)) : undefined,
    requests: fields.list('requests').map((item) => {
      const request = readFields(item, answerMalformed)
      return { ...readRequest(request), answers: request.integer('answers') }
    }),
  }
}

function readSet(fields: Fields): ServedContacts['set'] {
  return {
    wayId: readId(fields, 'wayId'),
    threshold: fields.integer('threshold'),
    contacts: fields.list('contacts').map((item) => {
      const contact = readFields(item, answerMalformed)
      return { place: contact.integer('place'), accountId: readUuid(contact, 'accountId') }
    }),
  }
}

function readRequest(fields: Fields): ServedContactRequest {
  return {
    id: readId(fields, 'id'),
    device: readId(fields, 'device'),
    label: fields.text('label'),
    requestedAt: readTime(fields, 'requestedAt'),
    dueAt: readTime(fields, 'dueAt'),
    expiresAt: readTime(fields, 'expiresAt'),
  }
}

function readAsked(item: unknown): ServedAsked {
  const fields = readFields(item, answerMalformed)
  return {
    ownerId: readUuid(fields, 'ownerId'),
    id: readId(fields, 'id'),
    label: fields.text('label'),
    publicKey: readBytes(fields, 'publicKey'),
    requestedAt: readTime(fields, 'requestedAt'),
    dueAt: readTime(fields, 'dueAt'),
    names: readBytes(fields, 'names'),
    share: fields.has('share') ? readBytes(fields, 'share') : undefined,
    answered: fields.boolean('answered'),
  }
}

function readBytes(fields: Fields, field: string): Uint8Array {
  try {
    return parseBase64(fields.text(field), field)
  } catch {
    throw answerMalformed()
  }
}

function readId(fields: Fields, field: string): string {
  return matching(fields.text(field), /^[0-9a-f]{32}$/)
}

function readUuid(fields: Fields, field: string): string {
  return matching(fields.text(field), UUID)
}

function readTime(fields: Fields, field: string): string {
  return matching(fields.text(field), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
}

function matching(text: string, shape: RegExp): string {
  if (!shape.test(text)) throw answerMalformed()
  return text
}
