/**
 * How a password factor stretches its password: stored with the slot, authenticated by it, and bounded both ways, so
 * that a hostile envelope can neither be weak nor eat this machine's memory.
 *
 * Floor: OWASP's least for Argon2id (19 MiB, 2 passes, 1 lane) and for PBKDF2-SHA-256 (600,000). Default: RFC 9106's
 * second choice with one lane (64 MiB, 3 passes). One lane, because WebAssembly has no threads to use more.
 */
import { KeyhavenError } from '../../errors.ts'
import { createCursor } from '../cursor.ts'
import type { Cursor } from '../cursor.ts'

export const ARGON2ID = 1
export const PBKDF2 = 2
export const SALT_LENGTH = 16
const LANES = 1

export const ARGON2ID_FLOOR = { memoryKib: 19_456, iterations: 2 } as const
export const ARGON2ID_DEFAULT = { memoryKib: 65_536, iterations: 3 } as const
export const ARGON2ID_CEILING = { memoryKib: 524_288, iterations: 64 } as const
export const PBKDF2_FLOOR = 600_000
export const PBKDF2_CEILING = 20_000_000

/** How a password is stretched. Memory in KiB. */
export type Stretching =
  | {
      readonly kdf: 'argon2id'
      readonly memoryKib: number
      readonly iterations: number
      readonly parallelism: 1
    }
  | { readonly kdf: 'pbkdf2-sha-256'; readonly iterations: number }

export interface PasswordParameters {
  readonly stretching: Stretching
  readonly salt: Uint8Array
}

/** Reads stored parameters; `ERR_ENVELOPE_MALFORMED` when they are out of bounds. */
export function parsePasswordParameters(bytes: Uint8Array): PasswordParameters {
  const cursor = createCursor(bytes)
  const stretching = parseStretching(cursor)
  const salt = cursor.take(SALT_LENGTH)
  cursor.end()
  if (!withinBounds(stretching)) throw refused('parameters')
  return { stretching, salt }
}

function parseStretching(cursor: Cursor): Stretching {
  const kdf = cursor.integer(1)
  if (kdf === PBKDF2) return { kdf: 'pbkdf2-sha-256', iterations: cursor.integer(4) }
  if (kdf !== ARGON2ID) throw refused('version')
  const memoryKib = cursor.integer(4)
  const iterations = cursor.integer(4)
  if (cursor.integer(1) !== LANES) throw refused('parameters')
  return { kdf: 'argon2id', memoryKib, iterations, parallelism: LANES }
}

/** Whether this is neither too weak nor too expensive. */
export function withinBounds(stretching: Stretching): boolean {
  if (stretching.kdf === 'pbkdf2-sha-256') {
    return isBetween(stretching.iterations, PBKDF2_FLOOR, PBKDF2_CEILING)
  }
  return (
    isBetween(stretching.memoryKib, ARGON2ID_FLOOR.memoryKib, ARGON2ID_CEILING.memoryKib) &&
    isBetween(stretching.iterations, ARGON2ID_FLOOR.iterations, ARGON2ID_CEILING.iterations)
  )
}

function isBetween(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

function refused(problem: 'version' | 'parameters'): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem })
}
