/**
 * Where a journal is kept: a folder of another disk, or another PostgreSQL. A store only ever goes up, whoever writes to it
 * and in whatever order, so that several servers share one.
 */
import type { Mark } from './mark.ts'

/** Throws whatever its disk or database does when it cannot be reached. */
export interface JournalStore {
  /** The highest mark that was ever written for a realm (16 bytes). */
  read(realmId: Uint8Array): Promise<Mark | undefined>
  /** Returns when the mark lasts; one that is not higher changes nothing. */
  write(realmId: Uint8Array, mark: Mark): Promise<void>
  close(): Promise<void>
}
