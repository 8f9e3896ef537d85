/**
 * Routes by path, so that a known path with another method is a 405 that names the right ones. What a route takes and answers is said
 * beside its handler, by the schemas that the handler reads with; `/openapi.json` is made of that.
 */
import type { Env, Handler, Hono } from 'hono'
import type { z } from 'zod'
import { Refusal } from './refusal.ts'
import type { ApiContext, ApiEnv } from './services.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type ApiHandler = (context: ApiContext) => Response | Promise<Response>

/** Bytes: `application/octet-stream`. */
export const BYTES = 'bytes'

/** What a request's token must be. */
export type Admission = 'session' | 'realmToken' | 'auditToken'

/** What a route takes and answers. */
export interface Operation {
  /** One sentence. */
  readonly summary: string
  /** None: anybody. */
  readonly admits?: Admission
  readonly path?: Readonly<Record<string, z.ZodType>>
  readonly query?: z.ZodObject
  readonly headers?: Readonly<Record<string, z.ZodType>>
  readonly body?: z.ZodType | typeof BYTES
  /** By status; `null` without a body. Refusals are the same for all routes. */
  readonly answers: Readonly<Record<number, z.ZodType | typeof BYTES | null>>
}

/** An operation with its handler. */
export interface Route<E extends Env> extends Operation {
  readonly handle: Handler<E>
}

/** One method of one path, as `/openapi.json` tells it. */
export interface DescribedRoute extends Operation {
  readonly method: Method
  /** As Hono writes it: `/v1/devices/:id`. */
  readonly at: string
}

const described = new WeakMap<object, DescribedRoute[]>()

/** The operations that were added to an app. */
export function describedRoutes(app: object): readonly DescribedRoute[] {
  return described.get(app) ?? []
}

/** Adds one path with its methods. */
export function addRoute<E extends Env = ApiEnv>(
  app: Hono<E>,
  path: string,
  methods: Readonly<Partial<Record<Method, Route<E>>>>,
): void {
  const entries = Object.entries(methods) as readonly [Method, Route<E>][]
  for (const [method, { handle, ...operation }] of entries) {
    app.on(method, path, handle)
    described.set(app, [...describedRoutes(app), { ...operation, method, at: path }])
  }
  const allow = entries.map(([method]) => method).join(', ')
  app.all(path, () => {
    throw new Refusal('ERR_METHOD_NOT_ALLOWED', { headers: { Allow: allow } })
  })
}
