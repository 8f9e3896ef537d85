/**
 * Work that is done from time to time beside the requests. What fails is logged and left to the next time.
 */
import type { Log } from './log/log.ts'
import { describeFault } from './log/log.ts'

const HOUR_MS = 3600_000

/** Sweeps at once and then every hour unless told, one sweep at a time, until the returned function is called. */
export function startSweeping(
  sweep: () => Promise<unknown>,
  log: Log,
  everyMs: number = HOUR_MS,
): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  const begin = (): void => {
    running = running.then(async () => {
      try {
        await sweep()
      } catch (fault) {
        log.error({ event: 'sweep_failed', fault: describeFault(fault) })
      }
    })
  }
  begin()
  const timer = setInterval(begin, everyMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}
