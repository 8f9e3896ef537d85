/** What every scene of the demo works with. */
import type { Capture } from './capture-proxy.ts'
import type { Person } from './person.ts'
import type { Steps } from './steps.ts'

/** Numbers that belong to nobody (555-01xx is kept for such use). */
export const PHONES = { first: '+12025550143', second: '+12025550178', marker: '+12025550199' } as const

export interface Stage {
  readonly steps: Steps
  readonly signal: AbortSignal
  /** Temporary; everything is in it. */
  readonly folder: string
  readonly dataDirectory: string
  readonly logFile: string
  readonly capture: Capture
  /** The proxy's: all that devices know of the server. */
  readonly origin: string
}

/** What a person kept secret, and how it went. */
export interface Played {
  readonly person: Person
  /** Passphrases, as bytes. */
  readonly bytes: readonly Uint8Array[]
  /** PINs, the wrong one too. */
  readonly digits: readonly string[]
  readonly identical: boolean
}
