/**
 * Routes by path, so that a known path with another method is a 405 that names the right ones.
 */
import type { Handler, Hono } from 'hono'
import { Refusal } from './refusal.ts'
import type { ApiContext, ApiEnv } from './services.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type ApiHandler = (context: ApiContext) => Response | Promise<Response>

/** Adds one path with its methods. */
export function addRoute(
  app: Hono<ApiEnv>,
  path: string,
  methods: Readonly<Partial<Record<Method, ApiHandler>>>,
): void {
  const entries = Object.entries(methods) as readonly [Method, Handler<ApiEnv>][]
  for (const [method, handler] of entries) app.on(method, path, handler)
  const allow = entries.map(([method]) => method).join(', ')
  app.all(path, () => {
    throw new Refusal('ERR_METHOD_NOT_ALLOWED', { headers: { Allow: allow } })
  })
}
