/**
 * Removes what was asked of contacts and is over, with the answers.
 */
import type { Database } from '../db/database.ts'

const BATCH = 1000

/** Removes every request whose time is over, which is the policy's word; returns how many. */
export async function sweepContactRequests(database: Pick<Database, 'withAuth'>): Promise<number> {
  let removed = 0
  for (;;) {
    const rows = await database.withAuth(async (transaction) => {
      await transaction.query("SET LOCAL app.contact_sweep = 'on'")
      const { rowCount } = await transaction.query(
        `DELETE FROM app.contact_requests WHERE (user_id, request_id) IN
           (SELECT user_id, request_id FROM app.contact_requests LIMIT ${String(BATCH)})`,
      )
      return rowCount ?? 0
    })
    removed += rows
    if (rows < BATCH) return removed
  }
}
