/**
 * Counts every request that the app answers.
 */
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { isKeyhavenError } from 'keyhaven'
import { Refusal } from '../http/refusal.ts'
import type { ApiEnv } from '../http/services.ts'
import { RealmRefusal } from '../realm/refusal.ts'
import type { Metrics } from './metrics.ts'

/** Before all other handlers, so that what they refuse is counted as well. */
export function measureRequests(metrics: Metrics): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const began = performance.now()
    await next()
    metrics.request({
      method: METHODS.has(context.req.method) ? context.req.method : 'other',
      route: routePath(context, -1),
      status: context.res.status,
      code: codeOf(context.error),
      seconds: (performance.now() - began) / 1000,
    })
  }
}

/** A client may send any method that Node knows; each would be a series of its own. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function codeOf(fault: Error | undefined): string | undefined {
  if (fault === undefined) return undefined
  if (fault instanceof Refusal || fault instanceof RealmRefusal) return fault.code
  return isKeyhavenError(fault, 'ERR_DATABASE_UNAVAILABLE') ? fault.code : 'ERR_INTERNAL'
}
