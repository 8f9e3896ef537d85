/**
 * Routes of "Log" and "Pointer" (docs/protocol.md).
 */
import type { Hono } from 'hono'
import { z } from 'zod'
import { done } from '../access-log/events.ts'
import { asActor, requireSignIn } from '../auth/signed-in.ts'
import { readBytes, readJson, readParameter, readQuery } from '../http/body.ts'
import { readProof } from '../http/proof-header.ts'
import { BYTES, addRoute } from '../http/routes.ts'
import type { ApiHandler } from '../http/routes.ts'
import type { ApiEnv, Services } from '../http/services.ts'
import {
  allDifferent,
  base64Shape,
  counterShape,
  generationShape,
  id16,
  id32,
  proofHeader,
  realmIdsShape,
  sealedRootShape,
  signatureShape,
} from '../http/shapes.ts'
import {
  announcedAnswer,
  committedAnswer,
  headsAnswer,
  pointerAnswer,
  slotsAnswer,
} from '../openapi/answers.ts'
import { commitChange } from './commit.ts'
import { abandonChange, announceChange, describePointer, forgetRetired } from './pointer.ts'
import { readHeads, readStretch } from './read-log.ts'
import { SEGMENT_LIMIT } from './segment-header.ts'
import { parseUpload, storeSegment } from './segments.ts'
import { SLOT_LENGTH, readSlots, storeSlot } from './slots.ts'

const registrationQuery = z.object({ registration: id16.optional() })
const stretchQuery = z.object({ after: counterShape.optional() })
const slotBody = z.object({ slot: base64Shape(SLOT_LENGTH), generation: generationShape.optional() })
const etag = z.string().max(64).nullable()
const announcementBody = z.object({
  expectedEtag: etag,
  registration: id16,
  generation: generationShape,
  realms: realmIdsShape,
})
const abandonBody = z.object({ registration: id16 })
const commitBody = z.object({
  registration: id16,
  expectedEtag: etag,
  expectedHeads: z.array(id32).refine(allDifferent).meta({ uniqueItems: true }),
  anchor: id32,
  authority: id32,
  signature: signatureShape,
  newAuthority: id32.optional(),
  statement: signatureShape.optional(),
  previousRoot: sealedRootShape.optional(),
  content: id32.optional(),
  newPin: z.literal(true).optional(),
})

/** Adds the routes. */
export function addBackupRoutes(app: Hono<ApiEnv>, services: Services): void {
  addLogRoutes(app, services)
  addPointerRoutes(app, services)
}

function addLogRoutes(app: Hono<ApiEnv>, services: Services): void {
  app.use('/v1/log/*', requireSignIn(services))
  addSegmentRoutes(app, services)
  addRoute(app, '/v1/log/heads', {
    GET: {
      summary: 'Tells which segments nothing follows, and how much there is.',
      admits: 'session',
      answers: { 200: headsAnswer },
      handle: getHeads(services),
    },
  })
  addRoute(app, '/v1/log/slots', {
    GET: {
      summary: 'Reads the slots of the generation in use.',
      admits: 'session',
      answers: { 200: slotsAnswer },
      handle: getSlots(services),
    },
  })
  addRoute(app, '/v1/log/slots/:wayId', {
    PUT: {
      summary: 'Stores a slot, in use or for a change under way.',
      admits: 'session',
      path: { wayId: id16 },
      query: registrationQuery,
      headers: proofHeader,
      body: slotBody,
      answers: { 204: null },
      handle: putSlot(services),
    },
  })
}

function addSegmentRoutes(app: Hono<ApiEnv>, services: Services): void {
  addRoute(app, '/v1/log/segments/:id', {
    PUT: {
      summary: 'Stores a segment under its SHA-256, visible or for a change under way.',
      admits: 'session',
      path: { id: id32 },
      query: registrationQuery,
      headers: proofHeader,
      body: BYTES,
      answers: { 200: null, 201: null },
      handle: putSegment(services),
    },
  })
  addRoute(app, '/v1/log/segments', {
    GET: {
      summary: 'Reads the visible segments after a cursor.',
      admits: 'session',
      query: stretchQuery,
      answers: { 200: BYTES },
      handle: getSegments(services),
    },
  })
}

function addPointerRoutes(app: Hono<ApiEnv>, services: Services): void {
  app.use('/v1/pointer/*', requireSignIn(services))
  addRoute(app, '/v1/pointer', {
    GET: {
      summary: 'Reads the pointer, what is under way, and what is to be deleted.',
      admits: 'session',
      answers: { 200: pointerAnswer },
      handle: getPointer(services),
    },
  })
  addRoute(app, '/v1/pointer/pending', {
    POST: {
      summary: 'Begins a change of the pointer.',
      admits: 'session',
      headers: proofHeader,
      body: announcementBody,
      answers: { 200: announcedAnswer },
      handle: postPending(services),
    },
  })
  addRoute(app, '/v1/pointer/abandon', {
    POST: {
      summary: 'Gives a change up.',
      admits: 'session',
      body: abandonBody,
      answers: { 204: null },
      handle: postAbandon(services),
    },
  })
  addRoute(app, '/v1/pointer/commit', {
    POST: {
      summary: 'Carries a change out.',
      admits: 'session',
      body: commitBody,
      answers: { 200: committedAnswer },
      handle: postCommit(services),
    },
  })
  addRoute(app, '/v1/pointer/retired/:registration', {
    DELETE: {
      summary: 'Says that every realm has deleted an old registration.',
      admits: 'session',
      path: { registration: id16 },
      answers: { 204: null },
      handle: deleteRetired(services),
    },
  })
}

function putSegment(services: Services): ApiHandler {
  return async (context) => {
    const id = readParameter(context, 'id', id32)
    const { registration } = readQuery(context, registrationQuery)
    const bytes = await readBytes(context, { contentType: 'application/octet-stream', limit: SEGMENT_LIMIT })
    const { accountId, deviceId } = context.get('claims')
    const proof = readProof(context)
    const upload = parseUpload({ id, bytes, registration, proof, accountId, deviceId })
    const stored = await asActor(services, context, {
      type: 'backup_updated',
      run: (transaction, actor) => storeSegment(transaction, actor, { upload, quota: services.quota }),
    })
    return context.body(null, stored ? 201 : 200)
  }
}

function getSegments(services: Services): ApiHandler {
  return async (context) => {
    const { after = 0 } = readQuery(context, stretchQuery)
    const { frames, cursor } = await asActor(services, context, {
      run: async (transaction, actor) => {
        const stretch = await readStretch(transaction, { accountId: actor.accountId, after })
        if (stretch.frames.length > 0) await actor.record(done('keys_accessed'))
        return stretch
      },
    })
    return new Response(frames, {
      headers: { 'Content-Type': 'application/octet-stream', 'Keyhaven-Cursor': String(cursor) },
    })
  }
}

function getHeads(services: Services): ApiHandler {
  return async (context) =>
    context.json(
      await asActor(services, context, {
        run: (transaction, { accountId }) => readHeads(transaction, accountId),
      }),
    )
}

function getSlots(services: Services): ApiHandler {
  return async (context) =>
    context.json(
      await asActor(services, context, {
        run: (transaction, { accountId }) => readSlots(transaction, accountId),
      }),
    )
}

function putSlot(services: Services): ApiHandler {
  return async (context) => {
    const wayId = readParameter(context, 'wayId')
    const { registration } = readQuery(context, registrationQuery)
    const upload = { wayId, registration, ...(await readJson(context, slotBody)), proof: readProof(context) }
    await asActor(services, context, {
      type: 'backup_updated',
      run: (transaction, actor) => storeSlot(transaction, actor, upload),
    })
    return context.body(null, 204)
  }
}

function getPointer(services: Services): ApiHandler {
  return async (context) =>
    context.json(
      await asActor(services, context, { run: (transaction, actor) => describePointer(transaction, actor) }),
    )
}

function postPending(services: Services): ApiHandler {
  return async (context) => {
    const announcement = { ...(await readJson(context, announcementBody)), proof: readProof(context) }
    const expiresAt = await asActor(services, context, {
      type: 'registration_started',
      run: (transaction, actor) => announceChange(transaction, actor, announcement),
    })
    return context.json({ expiresAt: expiresAt.toISOString() })
  }
}

function postAbandon(services: Services): ApiHandler {
  return async (context) => {
    const { registration } = await readJson(context, abandonBody)
    await asActor(services, context, {
      type: 'registration_abandoned',
      run: (transaction, actor) => abandonChange(transaction, actor, registration),
    })
    return context.body(null, 204)
  }
}

function postCommit(services: Services): ApiHandler {
  return async (context) => {
    const request = await readJson(context, commitBody)
    const newEtag = await asActor(services, context, {
      type: 'pointer_moved',
      run: (transaction, actor) => commitChange(transaction, actor, request),
    })
    return context.json({ etag: newEtag })
  }
}

function deleteRetired(services: Services): ApiHandler {
  return async (context) => {
    const registration = readParameter(context, 'registration')
    await asActor(services, context, {
      run: (transaction, actor) => forgetRetired(transaction, actor, registration),
    })
    return context.body(null, 204)
  }
}
