/**
 * The messenger's routes, behind the device's session: an app's own module beside Keyhaven's server (docs/page.md).
 * An invitation is named by its address, which its link gives and which does not give the link.
 */
import { z } from 'zod'
import { toBase64, toHex } from 'keyhaven/crypto'
import {
  addRoute,
  asActor,
  base64Shape,
  counterShape,
  id16,
  id32,
  readJson,
  readParameter,
  readQuery,
  requireSignIn,
} from '@keyhaven/server/routes'
import type { AddRoutes, ApiHandler, Services } from '@keyhaven/server/routes'
import { begin, find, join, list, readInvite, remove } from './conversations.ts'
import type { Row } from './conversations.ts'
import { add, read } from './messages.ts'
import {
  addedAnswer,
  begunAnswer,
  conversationAnswer,
  inviteAnswer,
  listAnswer,
  messagesAnswer,
} from './answers.ts'
import { NAME_BYTES, keepName } from './names.ts'

const IDENTITY_BYTES = 3201
const PROOF_BYTES = 32
const MOST_BODY_BYTES = 16_384

const memberShape = z.object({ identity: base64Shape(IDENTITY_BYTES), proof: base64Shape(PROOF_BYTES) })
const beginBody = memberShape.extend({ id: id16, invite: id32 })
const inviteBody = z.object({ invite: id32 })
const joinBody = memberShape.extend({ invite: id32 })
const messageBody = z.object({ id: id16, body: base64Shape(MOST_BODY_BYTES, 1) })
const nameBody = z.object({ name: base64Shape(NAME_BYTES) })
const readFrom = z.object({ after: counterShape })
const conversation = { admits: 'session', path: { id: id16 } } as const

/** Pass it to `startServer` as `routes`. */
export const addMessengerRoutes: AddRoutes = (app, services) => {
  app.use('/v1/messenger/*', requireSignIn(services))
  addRoute(app, '/v1/messenger/conversations', {
    GET: {
      summary: 'Lists the account’s conversations.',
      admits: 'session',
      answers: { 200: listAnswer },
      handle: getList(services),
    },
    POST: {
      summary: 'Begins a conversation with an invitation.',
      admits: 'session',
      body: beginBody,
      answers: { 201: begunAnswer },
      handle: postBegin(services),
    },
  })
  addRoute(app, '/v1/messenger/invites/read', {
    POST: {
      summary: 'Shows who invites.',
      admits: 'session',
      body: inviteBody,
      answers: { 200: inviteAnswer },
      handle: postReadInvite(services),
    },
  })
  addRoute(app, '/v1/messenger/invites/join', {
    POST: {
      summary: 'Joins by an invitation.',
      admits: 'session',
      body: joinBody,
      answers: { 204: null },
      handle: postJoin(services),
    },
  })
  addConversationRoutes(app, services)
}

const addConversationRoutes: AddRoutes = (app, services) => {
  addRoute(app, '/v1/messenger/conversations/:id', {
    GET: {
      ...conversation,
      summary: 'Shows a conversation’s members.',
      answers: { 200: conversationAnswer },
      handle: getOne(services),
    },
    DELETE: {
      ...conversation,
      summary: 'Deletes a conversation for both members.',
      answers: { 204: null },
      handle: deleteOne(services),
    },
  })
  addRoute(app, '/v1/messenger/conversations/:id/name', {
    PUT: {
      ...conversation,
      summary: 'Keeps the name that the account gives a conversation.',
      body: nameBody,
      answers: { 204: null },
      handle: putName(services),
    },
  })
  addRoute(app, '/v1/messenger/conversations/:id/messages', {
    GET: {
      ...conversation,
      summary: 'Reads messages after a place.',
      query: readFrom,
      answers: { 200: messagesAnswer },
      handle: getMessages(services),
    },
    POST: {
      ...conversation,
      summary: 'Adds a message.',
      body: messageBody,
      answers: { 200: addedAnswer },
      handle: postMessage(services),
    },
  })
}

function getList(services: Services): ApiHandler {
  return async (context) => context.json({ conversations: await asActor(services, context, { run: list }) })
}

function postBegin(services: Services): ApiHandler {
  return async (context) => {
    const { id, invite, ...member } = await readJson(context, beginBody)
    const started = { id, invite, member }
    const answer = await asActor(services, context, { run: (t, actor) => begin(t, actor, started) })
    return context.json(answer, 201)
  }
}

function postReadInvite(services: Services): ApiHandler {
  return async (context) => {
    const { invite } = await readJson(context, inviteBody)
    const row = await asActor(services, context, { run: (t, actor) => readInvite(t, actor, invite) })
    return context.json({ id: toHex(row.conversation_id), host: showHost(row) })
  }
}

function postJoin(services: Services): ApiHandler {
  return async (context) => {
    const { invite, ...member } = await readJson(context, joinBody)
    const joined = { invite, member }
    await asActor(services, context, { run: (t, actor) => join(t, actor, joined) })
    return context.body(null, 204)
  }
}

function getOne(services: Services): ApiHandler {
  return async (context) => {
    const id = readParameter(context, 'id')
    const row = await asActor(services, context, { run: (t, actor) => find(t, actor, id) })
    const { guest_identity: identity, guest_proof: proof } = row
    return context.json({
      mine: row.user_id === context.get('claims').accountId ? 'host' : 'guest',
      host: showHost(row),
      guest: identity && proof && { identity: toBase64(identity), proof: toBase64(proof) },
      expiresAt: row.expires_at.toISOString(),
    })
  }
}

function deleteOne(services: Services): ApiHandler {
  return async (context) => {
    const id = readParameter(context, 'id')
    await asActor(services, context, { run: (t, actor) => remove(t, actor, id) })
    return context.body(null, 204)
  }
}

function putName(services: Services): ApiHandler {
  return async (context) => {
    const named = { conversation: readParameter(context, 'id'), ...(await readJson(context, nameBody)) }
    await asActor(services, context, { run: (t, actor) => keepName(t, actor, named) })
    return context.body(null, 204)
  }
}

function getMessages(services: Services): ApiHandler {
  return async (context) => {
    const from = { conversation: readParameter(context, 'id'), ...readQuery(context, readFrom) }
    const messages = await asActor(services, context, { run: (t, actor) => read(t, actor, from) })
    return context.json({ messages })
  }
}

function postMessage(services: Services): ApiHandler {
  return async (context) => {
    const conversation = readParameter(context, 'id')
    const added = { conversation, ...(await readJson(context, messageBody)) }
    return context.json(await asActor(services, context, { run: (t, actor) => add(t, actor, added) }))
  }
}

function showHost(row: Row): { readonly identity: string; readonly proof: string } {
  return { identity: toBase64(row.identity), proof: toBase64(row.proof) }
}
