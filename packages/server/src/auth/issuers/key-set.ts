/**
 * The public keys of an issuer (RFC 7517): fetched when a token needs them, kept for ten minutes, and asked for again no oftener than a
 * bound says, whatever tokens come. What an issuer took out of its set is good for ten minutes more; when it cannot be reached for longer,
 * nobody signs in by it.
 */
import { createLocalJWKSet, errors } from 'jose'
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import { KeyhavenError } from 'keyhaven'
import { parseUtf8 } from 'keyhaven/crypto'
import { readAnswer } from '../../http/read-answer.ts'

/** How long a set is used without asking again. */
const FRESH_MS = 600_000
/** Between two questions: because of a key that is not in the set, and after a failure. */
const COOLDOWN_MS = 30_000
const RETRY_MS = 5_000
const DEADLINE_MS = 5_000
const MOST_BYTES = 64 * 1024

interface Loaded {
  readonly find: JWTVerifyGetKey
  readonly at: number
}

/** Finds a token's key; `ERR_SERVER_UNAVAILABLE` while the issuer gives no usable set, jose's errors for a key that is none. */
export function createKeySet(url: string, now: () => Date): JWTVerifyGetKey {
  let loaded: Loaded | undefined
  let failedAt: number | undefined
  let loading: Promise<Loaded> | undefined
  const load = async (): Promise<Loaded> => {
    if (isWithin(failedAt, RETRY_MS, now())) throw unavailable()
    loading ??= fetchSet(url)
      .then((find) => (loaded = { find, at: now().getTime() }))
      .catch(() => {
        failedAt = now().getTime()
        throw unavailable()
      })
      .finally(() => {
        loading = undefined
      })
    return loading
  }
  return async (header, token) => {
    const known = loaded !== undefined && isWithin(loaded.at, FRESH_MS, now()) ? loaded : await load()
    try {
      return await known.find(header, token)
    } catch (fault) {
      if (!(fault instanceof errors.JWKSNoMatchingKey) || isWithin(known.at, COOLDOWN_MS, now())) throw fault
      return (await load()).find(header, token)
    }
  }
}

/** A clock that was put back makes nothing last longer. */
function isWithin(since: number | undefined, span: number, now: Date): boolean {
  const passed = now.getTime() - (since ?? -Infinity)
  return passed >= 0 && passed < span
}

function unavailable(): KeyhavenError {
  return new KeyhavenError('ERR_SERVER_UNAVAILABLE', { fault: 'network', retryable: true })
}

async function fetchSet(url: string): Promise<JWTVerifyGetKey> {
  const signal = AbortSignal.timeout(DEADLINE_MS)
  // Whoever makes the issuer redirect would else choose the keys.
  const answer = await fetch(url, { redirect: 'error', signal, headers: { Accept: 'application/json' } })
  if (answer.status !== 200) {
    await answer.body?.cancel()
    throw unavailable()
  }
  return createLocalJWKSet(JSON.parse(parseUtf8(await readAnswer(answer, MOST_BYTES))) as JSONWebKeySet)
}
