/**
 * Routes of "Account" and "Removals" (docs/protocol.md).
 */
import type { Hono } from 'hono'
import { z } from 'zod'
import { asActor, requireSignIn } from '../auth/signed-in.ts'
import type { Actor } from '../auth/signed-in.ts'
import type { Transaction } from '../db/database.ts'
import { readJson } from '../http/body.ts'
import { Refusal } from '../http/refusal.ts'
import { addRoute } from '../http/routes.ts'
import type { ApiContext, ApiEnv, Services } from '../http/services.ts'
import type { ApiHandler } from '../http/routes.ts'
import { signatureShape } from '../http/shapes.ts'
import { accountAnswer, removedAnswer, waitingAnswer } from '../openapi/answers.ts'
import { describeAccount } from './account.ts'
import { closeAccount, dropBelongings } from './close-account.ts'
import { REMOVAL_KINDS } from './messages.ts'
import { keepBackup, removeBackup } from './remove.ts'
import type { RemovalOutcome } from './remove.ts'

const removalBody = z.object({
  kind: z.enum(REMOVAL_KINDS),
  etag: z.string().max(64).nullable(),
  signature: signatureShape.optional(),
  leaveRegistrations: z.boolean().optional(),
})
const keepBody = z.object({ signature: signatureShape })

/** Adds the routes. */
export function addRemovalRoutes(app: Hono<ApiEnv>, services: Services): void {
  app.use('/v1/removals/*', requireSignIn(services))
  app.use('/v1/account', requireSignIn(services))
  addRoute(app, '/v1/account', {
    GET: {
      summary: 'Tells what the server holds of the account beside log, pointer and access log.',
      admits: 'session',
      answers: { 200: accountAnswer },
      handle: getAccount(services),
    },
  })
  addRoute(app, '/v1/removals', {
    POST: {
      summary: 'Deletes the backup or closes the account, at once or after a wait.',
      admits: 'session',
      body: removalBody,
      answers: { 200: removedAnswer, 202: waitingAnswer },
      handle: postRemoval(services),
    },
  })
  addRoute(app, '/v1/removals/keep', {
    POST: {
      summary: 'Ends the wait before a deletion.',
      admits: 'session',
      body: keepBody,
      answers: { 204: null },
      handle: postKeep(services),
    },
  })
}

function getAccount(services: Services): ApiHandler {
  return async (context) =>
    context.json(
      await asActor(services, context, {
        run: describeAccount,
      }),
    )
}

function postRemoval(services: Services): ApiHandler {
  return async (context) => {
    const { kind, etag, signature, leaveRegistrations } = await readJson(context, removalBody)
    const input = { kind, etag, signature, coolingMs: services.coolingMs }
    let subject: { readonly actor: Actor } | undefined
    const outcome = await asActor(services, context, {
      type: 'backup_deleted',
      run: async (transaction, actor): Promise<RemovalOutcome | { readonly status: 'closable' }> => {
        subject = { actor }
        if (kind === 'account' && (await hasNoBackup(transaction, actor))) {
          if (leaveRegistrations !== true) await requireNoRegistrations(transaction, actor)
          await dropBelongings(transaction, actor.accountId)
          return { status: 'closable' }
        }
        return removeBackup(transaction, actor, input)
      },
    })
    if (outcome.status === 'closable' && subject !== undefined) await close(services, context, subject.actor)
    return describe(context, outcome)
  }
}

async function close(services: Services, context: ApiContext, actor: Actor): Promise<void> {
  const { accountId, device, time } = actor
  const subject = {
    accountId,
    device,
    origin: context.get('origin'),
    time,
    chainKey: services.keys.accessLog,
    notify: services.notify,
  }
  await services.database.withAuth((transaction) => closeAccount(transaction, subject), { userId: accountId })
}

function describe(context: ApiContext, outcome: RemovalOutcome | { readonly status: 'closable' }): Response {
  if (outcome.status === 'closable') return context.json({ status: 'closed' })
  if (outcome.status === 'removed') return context.json({ status: 'removed' })
  const { kind, requestedAt, dueAt } = outcome.request
  const times = { requestedAt: requestedAt.toISOString(), dueAt: dueAt.toISOString() }
  return context.json({ status: 'waiting', kind, ...times }, 202)
}

async function hasNoBackup(transaction: Transaction, actor: Actor): Promise<boolean> {
  const { rowCount } = await transaction.query('SELECT FROM app.pointers WHERE user_id = $1', [
    actor.accountId,
  ])
  return rowCount === 0
}

/** Without tokens nobody could delete at the realms what is still there: `ERR_REGISTRATION_REMAINS`. */
async function requireNoRegistrations(transaction: Transaction, actor: Actor): Promise<void> {
  const { rowCount } = await transaction.query(
    `SELECT FROM app.retired_registrations WHERE user_id = $1
     UNION ALL SELECT FROM app.pending_changes WHERE user_id = $1`,
    [actor.accountId],
  )
  if ((rowCount ?? 0) > 0) throw new Refusal('ERR_REGISTRATION_REMAINS')
}

function postKeep(services: Services): ApiHandler {
  return async (context) => {
    const { signature } = await readJson(context, keepBody)
    await asActor(services, context, {
      type: 'removal_cancelled',
      run: (transaction, actor) => keepBackup(transaction, actor, signature),
    })
    return context.body(null, 204)
  }
}
