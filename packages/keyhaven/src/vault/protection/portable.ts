/**
 * How a protection is made again in a worker: the options that it was made with, known only to this module. A protection
 * shows none of them: they may hold a password.
 */
import type { Protection } from '../protection.ts'

/** What goes over to a worker in place of a protection's functions. */
export interface Portable {
  readonly type: 'device' | 'password' | 'passkey' | 'all'
  readonly options: unknown
}

const portables = new WeakMap<Protection, Portable>()

export function notePortable(protection: Protection, portable: Portable): void {
  portables.set(protection, portable)
}

/** The description of a protection that came from one of our factories. */
export function portableOf(protection: Protection): Portable | undefined {
  return portables.get(protection)
}
