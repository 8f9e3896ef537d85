/**
 * Drops generations of the key log that are out of use. Their root key may be within reach of a PIN as long as a realm
 * may hold a registration of that generation or an earlier one; after that nobody needs them.
 */
import type { Transaction } from '../db/database.ts'

/** Drops the segments of every generation before the one in use of which no registration is listed any more. */
export async function dropOldGenerations(transaction: Transaction, accountId: string): Promise<void> {
  await transaction.query(
    `WITH dropped AS (
       DELETE FROM app.segments WHERE user_id = $1 AND cursor IS NOT NULL AND generation <
         (SELECT least(generation, (SELECT min(generation) FROM app.retired_registrations WHERE user_id = $1))
            FROM app.pointers WHERE user_id = $1)
       RETURNING size)
     UPDATE app.logs SET segments = logs.segments - gone.segments, bytes = logs.bytes - gone.bytes
       FROM (SELECT count(*) AS segments, coalesce(sum(size), 0) AS bytes FROM dropped) gone
      WHERE user_id = $1 AND gone.segments > 0`,
    [accountId],
  )
}
