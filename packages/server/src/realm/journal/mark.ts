/**
 * The mark that the database and its journal both hold, and what follows from comparing them.
 *
 * Each beat moves the database's mark on by one and then notes it in the journal, so the journal is never ahead of the
 * newest database. A database that is behind its journal is an older copy of itself.
 */
import { equal } from 'keyhaven/crypto'

export interface Mark {
  /** Counts the beats; 0 in a journal that knows of no beat yet. */
  readonly position: number
  /** 16 random bytes: two databases that went on from one copy do not have the same. */
  readonly mark: Uint8Array
}

export const MARK_LENGTH = 16

/**
 * From here the count still goes on for as long as anybody beats: 2^52 more. Beats alone, one a second and server, do not come here; what
 * notes more was written by somebody else.
 */
const FARTHEST_POSITION = 2 ** 52

/** True for a mark that no server's beats have come to. A database that went on from it could not count any more. */
export function isForeign({ position }: Pick<Mark, 'position'>): boolean {
  return position > FARTHEST_POSITION
}

/**
 * `newest`: nothing speaks against the database. `restored`: it lacks what the journal knows of. `lost`: the journal knows
 * nothing, although the database was written beside one.
 */
export type Verdict = 'newest' | 'restored' | 'lost'

/** Compares the database's mark with the journal's, which must have been read before it. */
export function judge({
  held,
  noted,
}: {
  readonly held: Mark | undefined
  readonly noted: Mark | undefined
}): Verdict {
  if (noted === undefined) return held === undefined ? 'newest' : 'lost'
  const position = held?.position ?? 0
  if (position < noted.position) return 'restored'
  const differs = held !== undefined && position === noted.position && !equal(held.mark, noted.mark)
  return differs ? 'restored' : 'newest'
}
