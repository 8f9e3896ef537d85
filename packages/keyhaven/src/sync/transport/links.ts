/** The mailbox for linking a device, over HTTP (docs/protocol.md, "Links"). */
import { toBase64 } from '../../crypto/index.ts'
import { answerMalformed, readBase64 } from '../format/fields.ts'
import { readJson } from './exchange.ts'
import type { KeySyncTransport, Requester } from './transport.ts'

const MOST_MESSAGES = 4

/** The calls. */
export function linkCalls(
  session: Requester,
): Pick<KeySyncTransport, 'offerLink' | 'readLink' | 'addLinkMessage' | 'closeLink'> {
  return {
    offerLink: async ({ id, message }, signal) => {
      const json = { message: toBase64(message) }
      await session.request({ method: 'PUT', path: `/v1/link/${id}`, json, signal })
    },
    readLink: async (signal) => {
      const fields = readJson(await session.request({ method: 'GET', path: '/v1/link', signal }))
      const messages = fields.list('messages')
      if (messages.length > MOST_MESSAGES) throw answerMalformed()
      return { id: fields.text('id'), messages: messages.map(readMessage) }
    },
    addLinkMessage: async ({ id, index, message }, signal) => {
      const json = { index, message: toBase64(message) }
      await session.request({ method: 'POST', path: `/v1/link/${id}/messages`, json, signal })
    },
    closeLink: async (id, signal) => {
      await session.request({ method: 'DELETE', path: `/v1/link/${id}`, signal })
    },
  }
}

function readMessage(text: unknown): Uint8Array {
  if (typeof text !== 'string') throw answerMalformed()
  return readBase64(text)
}
