/**
 * Removes rows whose time is over, whosever they are. Which those are is the policies' word: without its setting the sign-in's
 * login sees none of them, and with it only those that are due.
 */
import type { Database } from './db/database.ts'

const BATCH = 1000

/** By what is swept: the setting that shows what is due, and the table with its key. */
const SWEPT = {
  /** Ended, or ran out, 30 days ago: they admit nobody, and only tell when a device was used. */
  sessions: { setting: 'app.session_sweep', table: 'app.sessions', key: 'user_id, session_id' },
  /** What was asked of contacts and is over, with the answers. */
  contactRequests: {
    setting: 'app.contact_sweep',
    table: 'app.contact_requests',
    key: 'user_id, request_id',
  },
  /** Mailboxes for linking a device. */
  links: { setting: 'app.link_sweep', table: 'app.links', key: 'user_id' },
} as const

export type Swept = keyof typeof SWEPT

/** Removes every row that is due, a thousand in each transaction; returns how many. */
export async function sweepDue(database: Pick<Database, 'withAuth'>, what: Swept): Promise<number> {
  const { setting, table, key } = SWEPT[what]
  let removed = 0
  for (;;) {
    const rows = await database.withAuth(async (transaction) => {
      await transaction.query(`SET LOCAL ${setting} = 'on'`)
      const { rowCount } = await transaction.query(
        `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} LIMIT ${String(BATCH)})`,
      )
      return rowCount ?? 0
    })
    removed += rows
    if (rows < BATCH) return removed
  }
}
