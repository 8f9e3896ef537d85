/**
 * Destroys, from time to time, registrations whose last attempt's window is over. Requests treat them as destroyed
 * from that moment on; the sweeper is what takes them off the disk when nobody asks any more.
 */
import type { Database } from '../db/database.ts'
import { sweepRecords } from './records.ts'

const EVERY_MS = 60_000

/** Sweeps every minute, one sweep at a time, until the returned function is called. A sweep that fails is left to the next one. */
export function startRealmSweeper(
  database: Pick<Database, 'withRealmRecord'>,
  everyMs: number = EVERY_MS,
): () => Promise<void> {
  let running: Promise<unknown> | undefined
  const timer = setInterval(() => {
    running ??= sweepRecords(database)
      .catch(() => undefined)
      .finally(() => (running = undefined))
  }, everyMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}
