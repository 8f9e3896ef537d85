/**
 * Routes of "Links" (docs/protocol.md).
 */
import type { Hono } from 'hono'
import { z } from 'zod'
import { toBase64 } from 'keyhaven/crypto'
import { asActor, requireSignIn } from '../auth/signed-in.ts'
import { readJson, readParameter } from '../http/body.ts'
import { addRoute } from '../http/routes.ts'
import type { ApiHandler } from '../http/routes.ts'
import type { ApiEnv, Services } from '../http/services.ts'
import { base64Shape, id16 } from '../http/shapes.ts'
import { linkAnswer } from '../openapi/answers.ts'
import { addLinkMessage, closeLink, offerLink, readLink } from './links.ts'

const MOST_BYTES = 4096
const message = base64Shape(MOST_BYTES, 1)
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
    const id = readParameter(context, 'id')
    const offer = { id, ...(await readJson(context, offerBody)) }
    await asActor(services, context, { run: (transaction, actor) => offerLink(transaction, actor, offer) })
    return context.body(null, 204)
  }
}

function postMessage(services: Services): ApiHandler {
  return async (context) => {
    const id = readParameter(context, 'id')
    const added = { id, ...(await readJson(context, messageBody)) }
    await asActor(services, context, {
      run: (transaction, actor) => addLinkMessage(transaction, actor, added),
    })
    return context.body(null, 204)
  }
}

function deleteLink(services: Services): ApiHandler {
  return async (context) => {
    const id = readParameter(context, 'id')
    await asActor(services, context, { run: (transaction, actor) => closeLink(transaction, actor, id) })
    return context.body(null, 204)
  }
}
