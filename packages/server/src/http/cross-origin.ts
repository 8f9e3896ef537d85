/**
 * What lets a browser's page on any origin call: who is signed in is said by a bearer token alone, never by a cookie.
 *
 * Headers are set on the answer that there is. To set one through Hono's context after that makes the answer, and a stream for its
 * body, anew each time.
 */
import type { MiddlewareHandler } from 'hono'

const PREFLIGHT_SECONDS = 86_400

/** Answers preflights, and names in every other answer what a page may read of it. */
export function allowAnyOrigin(allowed: {
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  /** Headers of the answer. */
  readonly exposed: readonly string[]
}): MiddlewareHandler {
  const always = {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Expose-Headers': allowed.exposed.join(','),
  }
  const preflight = {
    ...always,
    'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
    'Access-Control-Allow-Methods': allowed.methods.join(','),
    'Access-Control-Allow-Headers': allowed.headers.join(','),
    Vary: 'Access-Control-Request-Headers',
  }
  return async (context, next) => {
    if (context.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: preflight })
    await next()
    for (const [name, value] of Object.entries(always)) context.res.headers.set(name, value)
    return undefined
  }
}
