/**
 * One beat of the journal: the database is held against what the journal notes, its mark moves on, and the journal notes the
 * new one. What was committed before a beat can not be taken back unseen after it.
 */
import { randomBytes } from 'keyhaven/crypto'
import type { Transaction } from '../../db/database.ts'
import { writeDecision } from '../decisions.ts'
import type { RealmDatabase } from '../epochs.ts'
import type { Mark, Verdict } from './mark.ts'
import { MARK_LENGTH, isForeign, judge } from './mark.ts'
import type { JournalStore } from './store.ts'

export interface JournalInput {
  readonly database: RealmDatabase
  readonly store: JournalStore
  /** 16 bytes. */
  readonly realmId: Uint8Array
}

/** No record has the hash of nothing that is known. */
const NO_RECORD = new Uint8Array(32)

/** `position`: what the database must have reached from now on. */
export interface Beat {
  readonly verdict: Verdict
  readonly position: number
}

/** Changes nothing unless the verdict is `newest`. */
export async function beat(input: JournalInput): Promise<Beat> {
  const { database, store, realmId } = input
  const noted = await readNoted(input)
  const { verdict, next } = await database.withRealmRecord(NO_RECORD, async (transaction) => {
    const held = await readMark(transaction)
    const found = judge({ held, noted })
    return { verdict: found, next: found === 'newest' ? await moveOn(transaction, held) : undefined }
  })
  if (next !== undefined) await store.write(realmId, next)
  return { verdict, position: next?.position ?? noted?.position ?? 0 }
}

/** The same comparison without a beat; for looking. */
export async function compareMarks({ database, store, realmId }: JournalInput): Promise<{
  readonly held: Mark | undefined
  readonly noted: Mark | undefined
  readonly verdict: Verdict
}> {
  const noted = await store.read(realmId)
  const held = await database.withRealmRecord(NO_RECORD, readMark)
  return { held, noted, verdict: judge({ held, noted }) }
}

/** The database's mark alone. */
export async function readHeldMark(database: RealmDatabase): Promise<Mark | undefined> {
  return database.withRealmRecord(NO_RECORD, readMark)
}

/** `foreign-mark`: nothing was changed, for the journal notes what no server has counted to, and has to be rid of that first. */
export type Acceptance = 'accepted' | 'nothing-to-decide' | 'foreign-mark'

/**
 * The operator takes the database as it is: its mark goes beyond what the journal notes, and the decision is written down.
 * Servers that wait go on by themselves.
 */
export async function acceptRestore(input: JournalInput): Promise<Acceptance> {
  const { database, store, realmId } = input
  const noted = await store.read(realmId)
  if (noted !== undefined && isForeign(noted)) return 'foreign-mark'
  const next = await database.withRealmRecord(NO_RECORD, async (transaction) => {
    const held = await readMark(transaction)
    const verdict = judge({ held, noted })
    if (verdict === 'newest') return undefined
    const details = { verdict, database: held?.position ?? 0, journal: noted?.position ?? null }
    await writeDecision(transaction, { decision: 'restore-accepted', details })
    return moveOn(transaction, { position: Math.max(details.database, details.journal ?? 0) })
  })
  if (next === undefined) return 'nothing-to-decide'
  await store.write(realmId, next)
  return 'accepted'
}

/**
 * What the journal notes. One that is new gets a mark of its own before the database's first one, so that a crash between the two
 * does not look like a journal that was lost.
 */
async function readNoted({ database, store, realmId }: JournalInput): Promise<Mark | undefined> {
  const noted = await store.read(realmId)
  if (noted !== undefined) return noted
  if ((await readHeldMark(database)) === undefined) {
    await store.write(realmId, { position: 0, mark: randomBytes(MARK_LENGTH) })
  }
  return store.read(realmId)
}

async function readMark(transaction: Transaction): Promise<Mark | undefined> {
  const { rows } = await transaction.query<{ position: number; mark: Uint8Array }>(
    'SELECT position, mark FROM realm.marks FOR UPDATE',
  )
  const [row] = rows
  return row && { position: row.position, mark: new Uint8Array(row.mark) }
}

/** Of two first marks at once the second counts on from the first. */
async function moveOn(transaction: Transaction, from: Pick<Mark, 'position'> | undefined): Promise<Mark> {
  const mark = randomBytes(MARK_LENGTH)
  const { rows } = await transaction.query<{ position: number }>(
    `INSERT INTO realm.marks (position, mark) VALUES ($1, $2)
     ON CONFLICT (only_one) DO UPDATE
       SET position = greatest(realm.marks.position + 1, excluded.position), mark = excluded.mark
     RETURNING position`,
    [(from?.position ?? 0) + 1, mark],
  )
  return { position: rows[0]?.position ?? 0, mark }
}
