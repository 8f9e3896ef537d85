/**
 * Routes of "Contacts" (docs/protocol.md).
 */
import type { Hono } from 'hono'
import { z } from 'zod'
import { toBase64 } from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import { recordEvents } from '../access-log/record.ts'
import { asActor, requireSignIn } from '../auth/signed-in.ts'
import { readJson, readParameter, readQuery } from '../http/body.ts'
import { readProof } from '../http/proof-header.ts'
import { Refusal } from '../http/refusal.ts'
import { addRoute } from '../http/routes.ts'
import type { ApiHandler } from '../http/routes.ts'
import type { ApiEnv, Services } from '../http/services.ts'
import { allDifferent, base64Shape, id16, proofHeader, signatureShape } from '../http/shapes.ts'
import { askedAnswer, contactRequestAnswer, contactsAnswer, ownRequestAnswer } from '../openapi/answers.ts'
import { answerAsked, listAsked } from './asked.ts'
import { readContacts, removeContacts, setContacts } from './contact-set.ts'
import { beginRequest, endRequest, listRequests, readOwnRequest, vetoRequest } from './requests.ts'

const accountShape = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
/** The place after which a page of requests begins. */
const askedQuery = z.object({
  after: z
    .string()
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{32}$/)
    .optional(),
})
const setBody = z
  .object({
    etag: z.string().max(64),
    wayId: id16,
    threshold: z.int().min(2).max(10),
    waitDays: z.int().min(0).max(90),
    contacts: z
      .array(z.object({ accountId: accountShape, names: base64Shape(1681), share: base64Shape(67) }))
      .min(2)
      .max(10),
  })
  .refine(
    ({ threshold, contacts }) =>
      threshold <= contacts.length && allDifferent(contacts.map(({ accountId }) => accountId)),
  )
const requestBody = z.object({ publicKey: base64Shape(1216) })
const vetoBody = z.object({ signature: signatureShape })
const answerBody = z.object({ answer: base64Shape(1188) })

/** Adds the routes. */
export function addContactRoutes(app: Hono<ApiEnv>, services: Services): void {
  app.use('/v1/contacts/*', requireSignIn(services))
  addOwnerRoutes(app, services)
  addRequestRoutes(app, services)
  addRoute(app, '/v1/contacts/asked', {
    GET: {
      summary: 'Lists what is asked of this account as a contact.',
      admits: 'session',
      query: askedQuery,
      answers: { 200: askedAnswer },
      handle: getAsked(services),
    },
  })
  addRoute(app, '/v1/contacts/asked/:owner/:id', {
    PUT: {
      summary: 'Gives a share, sealed to the device that asks.',
      admits: 'session',
      path: { owner: accountShape, id: id16 },
      body: answerBody,
      answers: { 204: null },
      handle: putAnswer(services),
    },
  })
}

function addOwnerRoutes(app: Hono<ApiEnv>, services: Services): void {
  addRoute(app, '/v1/contacts', {
    GET: {
      summary: 'Reads the trusted contacts, and what is asked of them.',
      admits: 'session',
      answers: { 200: contactsAnswer },
      handle: getContacts(services),
    },
    PUT: {
      summary: 'Sets the trusted contacts.',
      admits: 'session',
      headers: proofHeader,
      body: setBody,
      answers: { 204: null },
      handle: putContacts(services),
    },
    DELETE: {
      summary: 'Removes the trusted contacts.',
      admits: 'session',
      headers: proofHeader,
      answers: { 204: null },
      handle: deleteContacts(services),
    },
  })
}

function addRequestRoutes(app: Hono<ApiEnv>, services: Services): void {
  addRoute(app, '/v1/contacts/requests/:id', {
    GET: {
      summary: 'Reads what this device asked of the contacts, with their answers.',
      admits: 'session',
      path: { id: id16 },
      answers: { 200: ownRequestAnswer },
      handle: getRequest(services),
    },
    PUT: {
      summary: 'Asks the contacts.',
      admits: 'session',
      path: { id: id16 },
      body: requestBody,
      answers: { 200: contactRequestAnswer },
      handle: putRequest(services),
    },
    DELETE: {
      summary: 'Takes back what this device asked.',
      admits: 'session',
      path: { id: id16 },
      answers: { 204: null },
      handle: deleteRequest(services),
    },
  })
  addRoute(app, '/v1/contacts/requests/:id/veto', {
    POST: {
      summary: 'Stops what a device asked.',
      admits: 'session',
      path: { id: id16 },
      body: vetoBody,
      answers: { 204: null },
      handle: postVeto(services),
    },
  })
}

function getContacts(services: Services): ApiHandler {
  return async (context) =>
    context.json(
      await asActor(services, context, {
        run: async (transaction, actor) => ({
          set: (await readContacts(transaction, actor.accountId)) ?? null,
          requests: await listRequests(transaction, actor),
        }),
      }),
    )
}

function putContacts(services: Services): ApiHandler {
  return async (context) => {
    const proof = readProof(context)
    const { etag, ...set } = await readJson(context, setBody)
    await asActor(services, context, {
      type: 'contacts_changed',
      run: async (transaction, actor) => {
        if (set.contacts.some(({ accountId }) => accountId === actor.accountId)) {
          throw new Refusal('ERR_BODY_MALFORMED')
        }
        await setContacts(transaction, actor, { set, etag, proof })
      },
    })
    return context.body(null, 204)
  }
}

function deleteContacts(services: Services): ApiHandler {
  return async (context) => {
    const proof = readProof(context)
    await asActor(services, context, {
      type: 'contacts_changed',
      run: (transaction, actor) => removeContacts(transaction, actor, proof),
    })
    return context.body(null, 204)
  }
}

function putRequest(services: Services): ApiHandler {
  return async (context) => {
    const id = readParameter(context, 'id')
    const { publicKey } = await readJson(context, requestBody)
    const asked = { id, publicKey, coolingMs: services.coolingMs }
    return context.json(
      await asActor(services, context, {
        type: 'contacts_asked',
        run: (transaction, actor) => beginRequest(transaction, actor, asked),
      }),
    )
  }
}

function getRequest(services: Services): ApiHandler {
  return async (context) => {
    const id = readParameter(context, 'id')
    const { request, answers } = await asActor(services, context, {
      run: (transaction, actor) => readOwnRequest(transaction, actor, id),
    })
    const sealed = answers.map(({ place, answer }) => ({ place, answer: toBase64(answer) }))
    return context.json({ ...request, answers: sealed })
  }
}

function deleteRequest(services: Services): ApiHandler {
  return async (context) => {
    const id = readParameter(context, 'id')
    await asActor(services, context, { run: (transaction, actor) => endRequest(transaction, actor, id) })
    return context.body(null, 204)
  }
}

function postVeto(services: Services): ApiHandler {
  return async (context) => {
    const id = readParameter(context, 'id')
    const { signature } = await readJson(context, vetoBody)
    await asActor(services, context, {
      type: 'contacts_vetoed',
      run: (transaction, actor) => vetoRequest(transaction, actor, { id, signature }),
    })
    return context.body(null, 204)
  }
}

function getAsked(services: Services): ApiHandler {
  return async (context) => {
    const [ownerId, id] = readQuery(context, askedQuery).after?.split('.') ?? []
    const after = ownerId === undefined || id === undefined ? undefined : { ownerId, id }
    return context.json(
      await asActor(services, context, {
        run: (transaction, actor) => listAsked(transaction, actor, after),
      }),
    )
  }
}

function putAnswer(services: Services): ApiHandler {
  return async (context) => {
    const ownerId = readParameter(context, 'owner', accountShape)
    const id = readParameter(context, 'id')
    const { answer } = await readJson(context, answerBody)
    const isNew = await asActor(services, context, {
      run: (transaction, actor) => answerAsked(transaction, actor, { ownerId, id, answer }),
    })
    if (isNew) await tellOwner(services, ownerId)
    return context.body(null, 204)
  }
}

/** The owner's log says that a contact answered, and nothing of where that one is. */
async function tellOwner(services: Services, ownerId: string): Promise<void> {
  const subject = {
    accountId: ownerId,
    device: null,
    origin: { address: null, userAgent: null },
    time: services.now(),
    chainKey: services.keys.accessLog,
    notify: services.notify,
  }
  await services.database.withUser(ownerId, (transaction) =>
    recordEvents(transaction, subject, done('contacts_answered')),
  )
}
