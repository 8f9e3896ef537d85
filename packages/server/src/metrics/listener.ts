/**
 * `/metrics` on an address of its own: what publishes the API does not publish this, and a scraper needs no way into the API.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { KeyhavenError, isKeyhavenError } from 'keyhaven'
import { readTokenFile } from '../data/key-file.ts'
import type { Listener } from '../server.ts'
import { listen } from '../server.ts'
import type { MetricsSettings } from '../settings/metrics.ts'
import { METRICS_TOKEN_VARIABLE, METRICS_VARIABLE } from '../settings/metrics.ts'
import type { Metrics } from './metrics.ts'

/** Listens; `ERR_SETTING_INVALID` names what cannot be listened on, or a token file that is none. */
export async function listenForScrapes(
  { host, port, tokenFile }: MetricsSettings,
  metrics: Metrics,
): Promise<Listener> {
  const token = tokenFile === undefined ? undefined : readTokenFile(tokenFile, METRICS_TOKEN_VARIABLE)
  try {
    return await listen({ host, port, fetch: (request) => answer(request, { metrics, token }) })
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_SETTING_INVALID')) throw fault
    const expected = 'an address and a port that are free and that this user may listen on'
    throw new KeyhavenError('ERR_SETTING_INVALID', { setting: METRICS_VARIABLE, expected })
  }
}

async function answer(
  request: Request,
  { metrics, token }: { readonly metrics: Metrics; readonly token: string | undefined },
): Promise<Response> {
  if (new URL(request.url).pathname !== '/metrics') return new Response(null, { status: 404 })
  if (request.method !== 'GET') return new Response(null, { status: 405, headers: { Allow: 'GET' } })
  if (token !== undefined && !isBearer(request.headers.get('authorization') ?? '', token)) {
    return new Response(null, { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } })
  }
  return new Response(await metrics.text(), {
    headers: { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' },
  })
}

/** Compares hashes, so that the time tells nothing of the token. */
function isBearer(header: string, token: string): boolean {
  return timingSafeEqual(hash(header), hash(`Bearer ${token}`))
}

function hash(text: string): Uint8Array {
  return createHash('sha256').update(text, 'utf8').digest()
}
