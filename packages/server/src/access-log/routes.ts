/**
 * Routes of "Access log" (docs/protocol.md).
 */
import type { Hono } from 'hono'
import { z } from 'zod'
import { asActor, requireSignIn } from '../auth/signed-in.ts'
import { readJson, readQuery } from '../http/body.ts'
import { addRoute } from '../http/routes.ts'
import type { ApiHandler } from '../http/routes.ts'
import type { ApiEnv, Services } from '../http/services.ts'
import { counterShape } from '../http/shapes.ts'
import { accessLogAnswer } from '../openapi/answers.ts'
import { reportedRestore } from './events.ts'
import { readAccessLog } from './read.ts'

const MOST_ROWS = 200

const pageQuery = z.object({
  before: counterShape.pipe(z.int().min(1)).optional(),
  limit: counterShape.pipe(z.int().min(1).max(MOST_ROWS)).optional(),
})
const keyCount = z.int().min(0).max(1_000_000_000)
const restoredBody = z.object({ success: z.boolean(), identityKeys: keyCount, conversationKeys: keyCount })

/** Adds the routes. */
export function addAccessLogRoutes(app: Hono<ApiEnv>, services: Services): void {
  app.get('/v1/access-log', requireSignIn(services))
  addRoute(app, '/v1/access-log', {
    GET: {
      summary: 'Reads the access log, newest first.',
      admits: 'session',
      query: pageQuery,
      answers: { 200: accessLogAnswer },
      handle: getAccessLog(services),
    },
  })
  app.post('/v1/access-log/restored', requireSignIn(services))
  addRoute(app, '/v1/access-log/restored', {
    POST: {
      summary: 'Reports a restore, for the access log.',
      admits: 'session',
      body: restoredBody,
      answers: { 204: null },
      handle: postRestored(services),
    },
  })
}

function getAccessLog(services: Services): ApiHandler {
  return async (context) => {
    const { before, limit = 50 } = readQuery(context, pageQuery)
    const page = await asActor(services, context, {
      run: (transaction, { accountId }) =>
        readAccessLog(transaction, { accountId, before, limit, chainKey: services.keys.accessLog }),
    })
    return context.json(page)
  }
}

function postRestored(services: Services): ApiHandler {
  return async (context) => {
    const report = await readJson(context, restoredBody)
    await asActor(services, context, { run: (_, actor) => actor.record(reportedRestore(report)) })
    return context.body(null, 204)
  }
}
