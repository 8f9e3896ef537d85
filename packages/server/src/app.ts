/**
 * The server's HTTP app: all routes of docs/protocol.md over one set of services, with one way to answer errors.
 *
 * Browsers on any origin may call it: who is signed in is said by a bearer token alone, never by a cookie. What bounds
 * a request is the listener (arrival), the body reader, and the database (every statement); no timer answers while work
 * is still going on.
 */
import type { BlockList } from 'node:net'
import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono } from 'hono'
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { isKeyhavenError } from 'keyhaven'
import { recordRealmEvent } from './access-log/realm-events.ts'
import { addAccessLogRoutes } from './access-log/routes.ts'
import type { CodeSender } from './auth/code-sender.ts'
import { createOutsideVerifier } from './auth/issuers/verify.ts'
import { deriveAuthKeys } from './auth/keys.ts'
import { DEFAULT_LIMITS } from './auth/rate-limits.ts'
import type { SignInLimits } from './auth/rate-limits.ts'
import { REALM_TOKEN_KEY_NAME } from './auth/realm-token.ts'
import { addAuthRoutes } from './auth/routes.ts'
import { addDeviceRoutes } from './devices/routes.ts'
import { addBackupRoutes } from './backups/routes.ts'
import { DEFAULT_QUOTA } from './backups/segments.ts'
import type { Quota } from './backups/segments.ts'
import type { ServerKeys } from './data/keys.ts'
import type { Database } from './db/database.ts'
import { allowAnyOrigin } from './http/cross-origin.ts'
import { cleanUserAgent, clientAddress } from './http/origin.ts'
import { Refusal, refusalResponse } from './http/refusal.ts'
import { addRoute, describedRoutes } from './http/routes.ts'
import type { ApiContext, ApiEnv, Services } from './http/services.ts'
import { ACCOUNT_LIMITS, REFRESH_LIMITS, SIGN_IN_LIMITS, createTraffic } from './http/traffic.ts'
import type { TrafficLimits } from './http/traffic.ts'
import { describeFault } from './log/log.ts'
import type { Log } from './log/log.ts'
import { addContactRoutes } from './contacts/routes.ts'
import { addLinkRoutes } from './links/routes.ts'
import { measureRequests } from './metrics/measure.ts'
import type { Metrics } from './metrics/metrics.ts'
import { documentAnswer, healthAnswer, readyAnswer } from './openapi/answers.ts'
import { createDocument } from './openapi/document.ts'
import { addRemovalRoutes } from './removals/routes.ts'
import type { CurvePool } from './realm/curve-pool.ts'
import type { RealmJournal } from './realm/journal/journal.ts'
import { NO_JOURNAL } from './realm/journal/journal.ts'
import { createRealmRoutes } from './realm/routes.ts'
import type { RealmSeals } from './realm/seals.ts'
import type { Issuers } from './settings/issuers.ts'
import { DEFAULT_REALM_LIMITS } from './settings/realm-limits.ts'
import type { RealmLimits } from './settings/realm-limits.ts'
import { OWN_TENANT } from './settings/tenants.ts'
import type { TenantKeys } from './settings/tenants.ts'

/** What the app works with. */
export interface AppInput {
  readonly database: Database
  /** Public origin of the server; the issuer of access tokens. */
  readonly origin: string
  /** None: the realm and nothing else. */
  readonly keys?: ServerKeys | undefined
  readonly realmId: Uint8Array
  readonly tenants: TenantKeys
  readonly seals: RealmSeals
  readonly realmLimits?: RealmLimits
  readonly curve: CurvePool
  /** None unless given. */
  readonly journal?: RealmJournal
  readonly trustedProxies: BlockList
  readonly codeSender: CodeSender
  /** By whose tokens people sign in as well; none unless given. */
  readonly issuers?: Issuers | undefined
  readonly log: Log
  /** None: nothing is counted. */
  readonly metrics?: Metrics | undefined
  /** The time; the system's unless given. */
  readonly now?: () => Date
  readonly limits?: Partial<SignInLimits>
  readonly accountLimits?: TrafficLimits
  readonly signInLimits?: TrafficLimits
  readonly quota?: Quota
  /** True: events for the operator's webhook are kept for a sender; not unless given. */
  readonly notify?: boolean
  /** True once the server is to end: it still answers, and keeps no connection. */
  readonly stopping?: () => boolean
  /** Answers what no route does, such as an app's own page. */
  readonly site?: Site
  /** Adds an app's own routes below `/v1/`, where there are accounts. */
  readonly routes?: AddRoutes
}

/** Adds routes that a signed-in device calls; what they are made of is in `@keyhaven/server/routes`. */
export type AddRoutes = (app: Hono<ApiEnv>, services: Services) => void

/** An app's own answers beside the routes; `undefined` where it has none. */
export type Site = (request: Request) => Response | undefined | Promise<Response | undefined>

export function createApp(input: AppInput): Hono<ApiEnv> {
  const services = input.keys && createServices(input, input.keys)
  const app = new Hono<ApiEnv>()
  app.onError((fault, context) => answerFault(input.log, fault, context))
  app.notFound(
    async ({ req }) => (await input.site?.(req.raw)) ?? refusalResponse(new Refusal('ERR_NOT_FOUND')),
  )
  if (input.metrics !== undefined) app.use(measureRequests(input.metrics))
  app.use(noStore)
  app.use(keepNoConnection(input))
  app.use('/v1/*', crossOrigin, noteOrigin(input.trustedProxies))
  app.use('/realm/*', noteOrigin(input.trustedProxies))
  addHealthRoutes(app, input)
  if (services !== undefined) {
    addAccountRoutes(app, services)
    input.routes?.(app, services)
  }
  const realm = createRealm(input, services)
  app.route('/', realm)
  addDocumentRoute(app, realm)
  return app
}

function addAccountRoutes(app: Hono<ApiEnv>, services: Services): void {
  addAuthRoutes(app, services)
  addAccessLogRoutes(app, services)
  addBackupRoutes(app, services)
  addDeviceRoutes(app, services)
  addRemovalRoutes(app, services)
  addLinkRoutes(app, services)
  addContactRoutes(app, services)
}

function createServices(input: AppInput, keys: ServerKeys): Services {
  const { now = () => new Date() } = input
  return {
    database: input.database,
    keys: deriveAuthKeys(keys),
    codeSender: async (message) => {
      try {
        await input.codeSender(message)
      } catch (fault) {
        input.log.error({ event: 'code_not_sent', fault: describeFault(fault) })
        throw new Refusal('ERR_SENDER_UNAVAILABLE')
      }
    },
    verifyOutsideToken: input.issuers && createOutsideVerifier(input.issuers, now),
    origin: input.origin,
    now,
    limits: { ...DEFAULT_LIMITS, ...input.limits },
    traffic: createTraffic(input.accountLimits ?? ACCOUNT_LIMITS),
    signInTraffic: createTraffic(input.signInLimits ?? SIGN_IN_LIMITS),
    refreshTraffic: createTraffic(REFRESH_LIMITS),
    quota: input.quota ?? DEFAULT_QUOTA,
    coolingMs: (input.realmLimits ?? DEFAULT_REALM_LIMITS).coolingMs,
    notify: input.notify ?? false,
  }
}

/** This server's realm: where there are accounts it knows our tenant beside the configured ones, and tells the access log what it did. */
function createRealm(input: AppInput, services: Services | undefined): ReturnType<typeof createRealmRoutes> {
  return createRealmRoutes({
    database: input.database,
    realmId: input.realmId,
    seals: input.seals,
    tenants: services === undefined ? input.tenants : withOwnTenant(input.tenants, services),
    curve: input.curve,
    ...(input.journal !== undefined && { journal: input.journal }),
    ...(input.now !== undefined && { now: input.now }),
    limits: input.realmLimits ?? DEFAULT_REALM_LIMITS,
    ...(input.metrics !== undefined && { count: input.metrics.realmEvent }),
    ...(services !== undefined && {
      ownTenant: OWN_TENANT,
      onEvent: (report) => recordRealmEvent(services, report),
    }),
  })
}

function withOwnTenant(tenants: TenantKeys, { keys }: Services): TenantKeys {
  return new Map([
    ...tenants,
    [REALM_TOKEN_KEY_NAME, { algorithm: 'EdDSA', data: keys.realmToken.publicKeySpki }],
  ])
}

function addHealthRoutes(app: Hono<ApiEnv>, input: AppInput): void {
  const { database, journal = NO_JOURNAL, stopping = () => false } = input
  addRoute(app, '/healthz', {
    GET: {
      summary: 'Answers while the process lives.',
      answers: { 200: healthAnswer },
      handle: (context) => context.json({ status: 'ok' }),
    },
  })
  addRoute(app, '/readyz', {
    GET: {
      summary: 'Answers while requests can be carried out.',
      answers: { 200: readyAnswer },
      handle: async (context) => {
        if (stopping()) throw new Refusal('ERR_STOPPING')
        if (!(await database.ready())) throw new Refusal('ERR_DATABASE_UNAVAILABLE')
        journal.require()
        return context.json({ status: 'ready' })
      },
    },
  })
}

/** Made at the first request, of the routes that there are then. */
function addDocumentRoute(app: Hono<ApiEnv>, realm: object): void {
  let document: string | undefined
  app.use('/openapi.json', crossOrigin)
  addRoute(app, '/openapi.json', {
    GET: {
      summary: 'This document.',
      answers: { 200: documentAnswer },
      handle: (context) => {
        document ??= JSON.stringify(createDocument([...describedRoutes(app), ...describedRoutes(realm)]))
        return context.body(document, 200, { 'Content-Type': 'application/json' })
      },
    },
  })
}

const crossOrigin = allowAnyOrigin({
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  headers: ['Authorization', 'Content-Type', 'Keyhaven-Proof'],
  exposed: ['Keyhaven-Cursor', 'Retry-After'],
})

const noStore: MiddlewareHandler<ApiEnv> = async (context, next) => {
  await next()
  const { headers } = context.res
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store')
  headers.set('X-Content-Type-Options', 'nosniff')
}

/** A proxy that hears so takes another server for its next request, and loses none on a connection that is being closed. */
function keepNoConnection({ stopping = () => false }: AppInput): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    await next()
    if (stopping()) context.res.headers.set('Connection', 'close')
  }
}

function noteOrigin(trustedProxies: BlockList): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const address = clientAddress({
      peer: getConnInfo(context).remote.address,
      forwardedFor: context.req.header('x-forwarded-for'),
      trustedProxies,
    })
    context.set('origin', { address, userAgent: cleanUserAgent(context.req.header('user-agent')) })
    await next()
  }
}

/** Refusals as they are; an outage as 503; all else is a fault of ours, logged without what came in. */
function answerFault(log: Log, fault: Error, context: ApiContext): Response {
  if (fault instanceof Refusal) return refusalResponse(fault)
  const { method } = context.req
  if (isKeyhavenError(fault, 'ERR_DATABASE_UNAVAILABLE')) {
    log.error({ event: 'database_unavailable', method })
    return refusalResponse(new Refusal('ERR_DATABASE_UNAVAILABLE'))
  }
  log.error({ event: 'request_failed', method, route: routePath(context, -1), fault: describeFault(fault) })
  return refusalResponse(new Refusal('ERR_INTERNAL'))
}
