/**
 * Erases addresses and user agents from access-log rows that are old enough. Their commitments stay, so that the chain
 * still verifies; without the salt a commitment tells nothing of what it was to.
 */
import type { Database } from '../db/database.ts'

const BATCH = 1000
const DAY_MS = 24 * 3600_000

/** Erases what is older than `days`; returns in how many rows. */
export async function eraseOldOrigins(
  database: Pick<Database, 'withAuth'>,
  input: { readonly days: number; readonly now: Date },
): Promise<number> {
  const before = new Date(input.now.getTime() - input.days * DAY_MS).toISOString()
  let erased = 0
  for (;;) {
    const rows = await database.withAuth(async (transaction) => {
      // Its own text, made from a number: SET takes no parameters.
      await transaction.query(`SET LOCAL app.erase_before = '${before}'`)
      const { rowCount } = await transaction.query(
        `UPDATE app.access_log SET address = NULL, address_salt = NULL, user_agent = NULL, user_agent_salt = NULL
          WHERE (user_id, sequence) IN (
            SELECT user_id, sequence FROM app.access_log
             WHERE (address_salt IS NOT NULL OR user_agent_salt IS NOT NULL) AND created_at < $1
             ORDER BY created_at LIMIT ${String(BATCH)} FOR UPDATE SKIP LOCKED)`,
        [before],
      )
      return rowCount ?? 0
    })
    erased += rows
    if (rows < BATCH) return erased
  }
}
