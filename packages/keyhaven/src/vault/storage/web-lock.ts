/**
 * One writer at a time over all tabs and workers of an origin, by the Web Locks API. The browser frees the lock of a tab
 * that is closed or crashes.
 */
import { KeyhavenError } from '../../errors.ts'

const PATIENCE_MS = 10_000

/** Runs `work` under the lock of this name; `ERR_VAULT_BUSY` when it is not free in time. */
export async function withWebLock<T>(
  name: string,
  patienceMs: number | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const patience = new AbortController()
  const timer = setTimeout(() => {
    patience.abort()
  }, patienceMs ?? PATIENCE_MS)
  try {
    return await navigator.locks.request(name, { signal: patience.signal }, () => {
      clearTimeout(timer)
      return work()
    })
  } catch (error) {
    if (!patience.signal.aborted) throw error
    throw new KeyhavenError('ERR_VAULT_BUSY', undefined)
  } finally {
    clearTimeout(timer)
  }
}
