/**
 * The realm over HTTP, as the Juicebox Protocol has it: `POST /realm/req` and `GET /realm/`.
 *
 * Any origin may call it from a browser: who may use a record is said by the bearer token alone.
 */
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { z } from 'zod'
import { isKeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import type { RealmEvent, RealmRequest } from 'keyhaven/recovery/realm'
import { REQUEST_LIMIT, encodeResponse, parseRequest } from 'keyhaven/recovery/realm'
import { DEFAULT_REALM_LIMITS } from '../settings/realm-limits.ts'
import type { RealmLimits } from '../settings/realm-limits.ts'
import type { Database } from '../db/database.ts'
import { readBytes } from '../http/body.ts'
import { allowAnyOrigin } from '../http/cross-origin.ts'
import { addressBlock } from '../http/origin.ts'
import type { RequestOrigin } from '../http/origin.ts'
import { Refusal, overloaded, rateLimited, refusalResponse } from '../http/refusal.ts'
import type { RefusalCode } from '../http/refusal.ts'
import { BYTES, addRoute } from '../http/routes.ts'
import { id32 } from '../http/shapes.ts'
import { auditAnswer, realmAnswer } from '../openapi/answers.ts'
import type { TenantKeys } from '../settings/tenants.ts'
import { OWN_TENANT } from '../settings/tenants.ts'
import { auditQuery, createAuditHandler } from './audit/route.ts'
import type { CurvePool } from './curve-pool.ts'
import type { RealmJournal } from './journal/journal.ts'
import { NO_JOURNAL } from './journal/journal.ts'
import { readGuardHeaders } from './guard-headers.ts'
import { loadGroupLibsodium } from './group-libsodium.ts'
import { RealmRefusal } from './refusal.ts'
import type { RealmSeals } from './seals.ts'
import type { RealmResult, Refused } from './service.ts'
import { handleRealmRequest } from './service.ts'
import type { RealmIdentity, TokenScope } from './token.ts'
import { createTokenVerifier, deriveRecordId } from './token.ts'
import { createRealmTraffic } from './traffic.ts'

/** What the realm tells the server that it is part of, after the commit and before the answer. */
export interface RealmReport {
  readonly kind: RealmEvent['type']
  /** The record's subject within its tenant. */
  readonly subject: string
  /** Set for what was refused with a code of its own. */
  readonly refusal: RefusalCode | undefined
  /** Who issued the token: a context of another tenant is not ours, whatever it holds. */
  readonly tenant: string
  /** The token's `keyhaven_context` claim, if it has one. */
  readonly context: string | undefined
  readonly origin: RequestOrigin
}

export interface RealmRoutesInput {
  readonly database: Pick<Database, 'withRealmRecord'>
  /** 16 bytes. */
  readonly realmId: Uint8Array
  readonly seals: RealmSeals
  /** Keys of all tenants, our own `keyhaven:1` among them. */
  readonly tenants: TenantKeys
  readonly curve: CurvePool
  readonly journal?: RealmJournal
  readonly now?: () => Date
  readonly limits?: RealmLimits
  /** Writes the access log. Where it fails, the request does: nothing is handed out that is not written down. */
  readonly onEvent?: (report: RealmReport) => Promise<void>
  /** The tenant whose events go into access logs; all others' go into their audit feeds. */
  readonly ownTenant?: string
  /** Counts what was done. */
  readonly count?: (event: RealmEvent, tenant: string) => void
}

interface RealmEnv {
  Bindings: HttpBindings
  Variables: { origin: RequestOrigin | undefined }
}

/** The realm's routes, with their full paths: mount them at the root. */
export function createRealmRoutes(input: RealmRoutesInput): Hono<RealmEnv> {
  const app = new Hono<RealmEnv>()
  app.onError((fault) => answerFault(fault))
  app.use('/realm/*', crossOrigin)
  addRoute(app, '/realm/', {
    GET: {
      summary: 'Tells the realm’s id, and that it knows authority keys.',
      answers: { 200: realmAnswer },
      handle: (context) => context.json({ realmID: toHex(input.realmId), keyhaven: 1 }),
    },
  })
  addRoute(app, '/realm/req', {
    POST: {
      summary: 'Carries out a request of the Juicebox Protocol.',
      admits: 'realmToken',
      headers: REQUEST_HEADERS,
      body: BYTES,
      answers: { 200: BYTES },
      handle: createHandler(input),
    },
  })
  addRoute(app, '/realm/audit', {
    GET: {
      summary: 'Reads what the realm did about the tenant’s records.',
      admits: 'auditToken',
      query: auditQuery,
      answers: { 200: auditAnswer },
      handle: createAuditRoute(input),
    },
  })
  return app
}

const REQUEST_HEADERS = {
  'X-Juicebox-Version': z.string().regex(/^\d{1,6}\.\d{1,6}\.\d/),
  'Keyhaven-Authority': id32.optional(),
  'Keyhaven-Proof': z
    .string()
    .regex(/^\d{1,12}\.[0-9a-f]{128}$/)
    .optional(),
}

/** Tells the client what the realm holds, so that it can sign about it. */
const VERSION_HEADER = 'Keyhaven-Version'

const crossOrigin = allowAnyOrigin({
  methods: ['GET', 'POST'],
  headers: ['Authorization', 'Content-Type', 'X-Juicebox-Version', 'Keyhaven-Authority', 'Keyhaven-Proof'],
  exposed: ['Retry-After', VERSION_HEADER],
})

function createHandler(input: RealmRoutesInput): (context: Context<RealmEnv>) => Promise<Response> {
  const { database, realmId, seals, curve, journal = NO_JOURNAL, limits = DEFAULT_REALM_LIMITS } = input
  const { now = () => new Date() } = input
  const group = loadGroupLibsodium()
  const traffic = createRealmTraffic(limits)
  const identify = createIdentifier(input)
  const serve = async (context: Context<RealmEnv>, leave: Leave): Promise<Response> => {
    const identity = identify(context)
    const recordId = deriveRecordId(identity)
    const record = toHex(recordId)
    // What is still on its way takes its address's places alone, or a few slow clients would take all of a tenant's.
    const body = await readBytes(context, BODY)
    leave(traffic.ofTenants.enter(identity.tenant, now()))
    leave(traffic.ofRecords.enter(record, now()))
    const request = readRequest(body, await group)
    const time = now()
    const guard = readGuardHeaders(context.req, { realmId, identity, body, now: time })
    const terms = { ...limits, ...guard.terms, waits: identity.tenant === OWN_TENANT }
    const result = await traffic.ofRecords.takeTurn(record, () => {
      if (request.kind === 'recover2') leave(takePlace(curve))
      return handleRealmRequest(
        { database, seals, curve, journal },
        {
          recordId,
          tenant: identity.tenant,
          audited: identity.tenant !== input.ownTenant,
          request,
          now: time,
          terms,
        },
      )
    })
    await report(input, context, { identity, result, clockIsWrong: guard.clockIsWrong })
    const version = request.kind === 'register1' ? result.storedVersion : undefined
    return answerBytes(encodeResponse(await result.answer()), version)
  }
  return async (context) => {
    requireClientVersion(context.req.header('x-juicebox-version'))
    const left: (() => void)[] = []
    try {
      left.push(traffic.ofAddresses.enter(addressBlock(originOf(context).address), now()))
      return await serve(context, (end) => left.push(end))
    } finally {
      for (const end of left) end()
    }
  }
}

/** Keeps what is to be done when the request has been answered. */
type Leave = (end: () => void) => void

function createAuditRoute(input: RealmRoutesInput): (context: Context<RealmEnv>) => Promise<Response> {
  const { database, limits = DEFAULT_REALM_LIMITS, now = () => new Date() } = input
  const { ofAddresses } = createRealmTraffic(limits)
  const identify = createIdentifier(input, 'audit')
  const readTenant = (context: Context<RealmEnv>): string => identify(context).tenant
  const handle = createAuditHandler({ database, now, readTenant })
  return async (context) => {
    // Before the token is looked at: bad ones count.
    const leave = ofAddresses.enter(addressBlock(originOf(context).address), now())
    try {
      return await handle(context)
    } finally {
      leave()
    }
  }
}

/** Who a request's token is for. */
function createIdentifier(
  input: RealmRoutesInput,
  scope: TokenScope = 'user',
): (context: Context<RealmEnv>) => RealmIdentity {
  const verifyToken = createTokenVerifier(input)
  const { now = () => new Date() } = input
  return (context) => {
    const [, token] = /^Bearer ([\x21-\x7e]+)$/i.exec(context.req.header('authorization') ?? '') ?? []
    const identity = token === undefined ? undefined : verifyToken(token, now(), scope)
    if (identity === undefined) throw new RealmRefusal('ERR_TOKEN_REJECTED')
    return identity
  }
}

/** Before the guess is counted: what cannot be evaluated soon is not counted either. */
function takePlace(curve: CurvePool): () => void {
  const leave = curve.enter()
  if (leave === undefined) throw overloaded()
  return leave
}

/** Tells the server what was done, then throws what the request is refused with. */
async function report(
  input: RealmRoutesInput,
  context: Context<RealmEnv>,
  done: { readonly identity: RealmIdentity; readonly result: RealmResult; readonly clockIsWrong: boolean },
): Promise<void> {
  const { event, refused } = done.result
  const refusal = refused && refusalFor(refused, done.clockIsWrong)
  if (event !== undefined) {
    const { tenant, subject, context: sealed } = done.identity
    input.count?.(event, tenant)
    const about = { kind: event.type, tenant, subject, context: sealed, origin: originOf(context) }
    await input.onEvent?.({ ...about, refusal: refusal?.code })
  }
  if (refusal !== undefined) throw refusal
}

function originOf(context: Context<RealmEnv>): RequestOrigin {
  return context.get('origin') ?? NO_ORIGIN
}

/** The npm package `juicebox-sdk` names no content type. */
const BODY = {
  contentType: 'application/octet-stream',
  limit: REQUEST_LIMIT,
  typeMayBeMissing: true,
} as const

const NO_ORIGIN: RequestOrigin = { address: null, userAgent: null }

/** Versions of the protocol's clients from 0.2 on are spoken here. */
function requireClientVersion(header: string | undefined): void {
  const [, major, minor] = /^(\d{1,6})\.(\d{1,6})\.\d/.exec(header ?? '') ?? []
  if (major === undefined || minor === undefined) throw new RealmRefusal('ERR_CLIENT_TOO_OLD')
  if (Number(major) === 0 && Number(minor) < 2) throw new RealmRefusal('ERR_CLIENT_TOO_OLD')
}

function readRequest(body: Uint8Array, group: Parameters<typeof parseRequest>[1]): RealmRequest {
  try {
    return parseRequest(body, group)
  } catch (fault) {
    throw isKeyhavenError(fault, 'ERR_MESSAGE_MALFORMED') ? new Refusal('ERR_BODY_MALFORMED') : fault
  }
}

function answerBytes(bytes: Uint8Array, storedVersion: Uint8Array | undefined): Response {
  return new Response(new Uint8Array(bytes), {
    headers: {
      'Content-Type': 'application/octet-stream',
      'Cache-Control': 'no-store',
      ...(storedVersion !== undefined && { [VERSION_HEADER]: toHex(storedVersion) }),
    },
  })
}

function refusalFor({ reason, milliseconds }: Refused, clockIsWrong: boolean): Refusal {
  // A proof would end the wait after wrong PINs, too: its time is what there is to be told.
  if (clockIsWrong && (reason === 'proof' || reason === 'waiting')) return new Refusal('ERR_CLOCK_WRONG')
  if (reason === 'proof') return new Refusal('ERR_PROOF_REJECTED')
  const later = rateLimited(milliseconds / 1000)
  return reason === 'cooling' ? new Refusal('ERR_COOLING_PERIOD', later.extras) : later
}

/** Refusals here; faults go on to the server's own handler. */
function answerFault(fault: Error): Response {
  if (fault instanceof Refusal) return refusalResponse(fault)
  if (fault instanceof RealmRefusal) return fault.response()
  throw fault
}
