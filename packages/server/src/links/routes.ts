/**
 * Routes of "Links" (docs/protocol.md).
 */
import type { Hono } from 'hono'
import { z } from 'zod'
import { parseBase64, toBase64 } from 'keyhaven/crypto'
import { asActor, requireSignIn } from '../auth/signed-in.ts'
import { parseWith, readJson } from '../http/body.ts'
import { Refusal } from '../http/refusal.ts'
import { addRoute } from '../http/routes.ts'
import type { ApiHandler } from '../http/routes.ts'
import type { ApiContext, ApiEnv, Services } from '../http/services.ts'
import { id16 } from '../http/shapes.ts'
import { linkAnswer } from '../openapi/answers.ts'
import { addLinkMessage, closeLink, offerLink, readLink } from './links.ts'

const MOST_BYTES = 4096
const message = z
  .string()
  .min(4)
  .max(MOST_BYTES * 2)
const offerBody = z.object({ message })
const messageBody = z.object({ index: z.int().min(1).max(3), message })

/** Adds the routes. */
export function addLinkRoutes(app: Hono<ApiEnv>, services: Services): void {
  app.use('/v1/link/*', requireSignIn(services))
  addRoute(app, '/v1/link', {
    GET: {
      summary: 'Reads the account’s mailbox.',
      admits: 'session',
      answers: { 200: linkAnswer },
      handle: getLink(services),
    },
  })
  addRoute(app, '/v1/link/:id', {
    PUT: {
      summary: 'Opens the mailbox with a first message.',
      admits: 'session',
      path: { id: id16 },
      body: offerBody,
      answers: { 204: null },
      handle: putLink(services),
    },
    DELETE: {
      summary: 'Closes the mailbox.',
      admits: 'session',
      path: { id: id16 },
      answers: { 204: null },
      handle: deleteLink(services),
    },
  })
  addRoute(app, '/v1/link/:id/messages', {
    POST: {
      summary: 'Adds the next message.',
      admits: 'session',
      path: { id: id16 },
      body: messageBody,
      answers: { 204: null },
      handle: postMessage(services),
    },
  })
}

function getLink(services: Services): ApiHandler {
  return async (context) => {
    const { messages, ...link } = await asActor(services, context, { run: readLink })
    return context.json({ ...link, messages: messages.map(toBase64) })
  }
}

function putLink(services: Services): ApiHandler {
  return async (context) => {
    const id = readId(context)
    const body = await readJson(context, offerBody)
    const offer = { id, message: readMessage(body.message) }
    await asActor(services, context, { run: (transaction, actor) => offerLink(transaction, actor, offer) })
    return context.body(null, 204)
  }
}

function postMessage(services: Services): ApiHandler {
  return async (context) => {
    const id = readId(context)
    const body = await readJson(context, messageBody)
    const added = { id, index: body.index, message: readMessage(body.message) }
    await asActor(services, context, {
      run: (transaction, actor) => addLinkMessage(transaction, actor, added),
    })
    return context.body(null, 204)
  }
}

function deleteLink(services: Services): ApiHandler {
  return async (context) => {
    const id = readId(context)
    await asActor(services, context, { run: (transaction, actor) => closeLink(transaction, actor, id) })
    return context.body(null, 204)
  }
}

function readId(context: ApiContext): string {
  return parseWith(id16, context.req.param('id'))
}

function readMessage(text: string): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = parseBase64(text, 'message')
  } catch {
    throw new Refusal('ERR_BODY_MALFORMED')
  }
  if (bytes.length > MOST_BYTES) throw new Refusal('ERR_BODY_MALFORMED')
  return bytes
}
