/**
 * Removes sessions that ended, or ran out, 30 days ago: they admit nobody, and only tell when a device was used.
 */
import type { Database } from '../db/database.ts'

const BATCH = 1000

/** Removes every session that is due, which is the policy's word; returns how many. */
export async function sweepSessions(database: Pick<Database, 'withAuth'>): Promise<number> {
  let removed = 0
  for (;;) {
    const rows = await database.withAuth(async (transaction) => {
      await transaction.query("SET LOCAL app.session_sweep = 'on'")
      const { rowCount } = await transaction.query(
        `DELETE FROM app.sessions WHERE (user_id, session_id) IN
           (SELECT user_id, session_id FROM app.sessions LIMIT ${String(BATCH)})`,
      )
      return rowCount ?? 0
    })
    removed += rows
    if (rows < BATCH) return removed
  }
}
