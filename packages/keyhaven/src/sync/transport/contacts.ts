/** Trusted contacts, over HTTP (docs/protocol.md, "Contacts"). */
import { toBase64 } from '../../crypto/index.ts'
import { isUuid } from '../../crypto/text.ts'
import type { OutgoingContacts } from '../format/contact-messages.ts'
import { answerMalformed, fieldsOf, readBase64, readId, readTime } from '../format/fields.ts'
import type { Fields } from '../format/fields.ts'
import { readJson } from './exchange.ts'
import type { Answer } from './exchange.ts'
import type { Requester } from './transport.ts'

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
  /** All of it, the oldest first. */
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
        const answer = fieldsOf(item)
        return { place: answer.integer('place'), answer: readBase64(answer.text('answer')) }
      })
      return { ...readRequest(fields), answers }
    },
    endRequest: async (id, signal) => {
      await send({ method: 'DELETE', path: path(id), signal })
    },
    veto: async ({ id, signature }, signal) => {
      await send({ method: 'POST', path: `${path(id)}/veto`, json: { signature }, signal })
    },
    readAsked: (signal) => readAllAsked(session, signal),
    answer: async ({ ownerId, id, answer }, signal) => {
      const json = { answer: toBase64(answer) }
      await send({ method: 'PUT', path: `/v1/contacts/asked/${ownerId}/${id}`, json, signal })
    },
  }
}

async function readAllAsked(session: Requester, signal: Signal): Promise<readonly ServedAsked[]> {
  const asked: ServedAsked[] = []
  let after = ''
  do {
    const path = `/v1/contacts/asked${after && `?after=${after}`}`
    const page = readJson(await session.request({ method: 'GET', path, signal }))
    asked.push(...page.list('asked').map(readAsked))
    after = readNext(page, after)
  } while (after !== '')
  return asked.sort((one, other) => Date.parse(one.requestedAt) - Date.parse(other.requestedAt))
}

function readContacts(fields: Fields): ServedContacts {
  return {
    set: fields.has('set') ? readSet(fieldsOf(fields.map('set'))) : undefined,
    requests: fields.list('requests').map((item) => {
      const request = fieldsOf(item)
      return { ...readRequest(request), answers: request.integer('answers') }
    }),
  }
}

function readSet(fields: Fields): ServedContacts['set'] {
  return {
    wayId: readId(fields.text('wayId'), 32),
    threshold: fields.integer('threshold'),
    contacts: fields.list('contacts').map((item) => {
      const contact = fieldsOf(item)
      return { place: contact.integer('place'), accountId: readUuid(contact.text('accountId')) }
    }),
  }
}

function readRequest(fields: Fields): ServedContactRequest {
  return {
    id: readId(fields.text('id'), 32),
    device: readId(fields.text('device'), 32),
    label: fields.text('label'),
    requestedAt: readTime(fields.text('requestedAt')),
    dueAt: readTime(fields.text('dueAt')),
    expiresAt: readTime(fields.text('expiresAt')),
  }
}

function readAsked(item: unknown): ServedAsked {
  const fields = fieldsOf(item)
  return {
    ownerId: readUuid(fields.text('ownerId')),
    id: readId(fields.text('id'), 32),
    label: fields.text('label'),
    publicKey: readBase64(fields.text('publicKey')),
    requestedAt: readTime(fields.text('requestedAt')),
    dueAt: readTime(fields.text('dueAt')),
    names: readBase64(fields.text('names')),
    share: fields.has('share') ? readBase64(fields.text('share')) : undefined,
    answered: fields.boolean('answered'),
  }
}

/** The place where the next page begins, behind the last one; empty after the last page. */
function readNext(page: Fields, after: string): string {
  const next = page.has('next') ? page.text('next') : ''
  if (next !== '' && (next <= after || !/^[0-9a-f-]{36}\.[0-9a-f]{32}$/.test(next))) throw answerMalformed()
  return next
}

function readUuid(text: string): string {
  if (!isUuid(text)) throw answerMalformed()
  return text
}
