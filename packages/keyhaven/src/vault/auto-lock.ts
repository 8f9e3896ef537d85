/**
 * When an unlocked vault locks by itself: after a time without use, when the page is hidden, and when another tab of
 * the same vault says so. It runs from unlock to lock, and holds timers, listeners and the channel only then.
 *
 * A timer does not fire while the machine sleeps; so each use asks first whether the time is over.
 */
import { KeyhavenError } from '../errors.ts'
import type { AutoLockOptions } from './types.ts'

const SAY_ACTIVE_EVERY_MS = 1000
/** Timers beyond this fire at once. */
const MOST_IDLE_MS = 2_147_483_647

/** Refuses an idle time that is no whole number of ms from 1 to 2,147,483,647 (24 days). */
export function requireAutoLock(options: AutoLockOptions): AutoLockOptions {
  const { idleMs = 1 } = options
  if (Number.isInteger(idleMs) && idleMs >= 1 && idleMs <= MOST_IDLE_MS) return options
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'idleMs', expected: '1 to 2147483647' })
}

export interface AutoLock {
  /** Notes a use. False when the time was over already: then the vault must be locked, not used. */
  touch(): boolean
  /** Tells the other tabs to lock. */
  lockOthers(): void
  stop(): void
}

/** Where the tabs of all vaults of one name talk. The caller closes it, unless `startAutoLock` takes it over. */
export function openTabChannel(vault: string): BroadcastChannel {
  return new BroadcastChannel(`keyhaven/vault/${vault}`)
}

/** Starts to watch; `lock` is called at most once. */
export function startAutoLock(input: {
  readonly options: AutoLockOptions
  /** None outside browsers. */
  readonly channel: BroadcastChannel | undefined
  /** Tells this vault from others of its name, in what tabs say. */
  readonly vaultId: string
  readonly lock: () => void
}): AutoLock {
  const { channel, vaultId } = input
  const idle = createIdleClock(input.options.idleMs, input.lock)
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data === `lock ${vaultId}`) input.lock()
    if (data === `active ${vaultId}`) idle.restart()
  })
  const unwatch = input.options.onPageHide === true ? watchPageHide(input.lock) : undefined
  let saidActive = -Infinity
  return {
    touch: () => {
      if (idle.isOver()) return false
      idle.restart()
      if (channel && input.options.idleMs !== undefined && Date.now() - saidActive > SAY_ACTIVE_EVERY_MS) {
        saidActive = Date.now()
        channel.postMessage(`active ${vaultId}`)
      }
      return true
    },
    lockOthers: () => channel?.postMessage(`lock ${vaultId}`),
    stop: () => {
      idle.stop()
      channel?.close()
      unwatch?.()
    },
  }
}

interface IdleClock {
  isOver(): boolean
  restart(): void
  stop(): void
}

function createIdleClock(idleMs: number | undefined, end: () => void): IdleClock {
  if (idleMs === undefined) return { isOver: () => false, restart: () => undefined, stop: () => undefined }
  let last = Date.now()
  let timer: ReturnType<typeof setTimeout> | undefined
  const isOver = (): boolean => Date.now() - last >= idleMs
  const stop = (): void => {
    clearTimeout(timer)
  }
  const restart = (): void => {
    last = Date.now()
    stop()
    timer = setTimeout(end, idleMs)
    // Node keeps no process alive for this.
    if (typeof timer === 'object') timer.unref()
  }
  restart()
  return { isOver, restart, stop }
}

/** Calls `lock` when the page is hidden; returns the end of that, or nothing where there is no page. */
export function watchPageHide(lock: () => void): (() => void) | undefined {
  if (typeof document === 'undefined') return undefined
  const onChange = (): void => {
    if (document.visibilityState === 'hidden') lock()
  }
  document.addEventListener('visibilitychange', onChange)
  globalThis.addEventListener('pagehide', lock)
  return () => {
    document.removeEventListener('visibilitychange', onChange)
    globalThis.removeEventListener('pagehide', lock)
  }
}
