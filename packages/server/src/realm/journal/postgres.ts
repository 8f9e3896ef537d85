/**
 * A journal in another PostgreSQL, which servers on several machines share. Its table is made by the operator
 * (docs/operations.md, "The journal"), and refuses by itself to go down.
 */
import pg from 'pg'
import type { Mark } from './mark.ts'
import type { JournalStore } from './store.ts'

const DEADLINE_MS = 5000

export function openPostgresJournal(url: string): JournalStore {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: DEADLINE_MS,
    query_timeout: DEADLINE_MS,
    statement_timeout: DEADLINE_MS,
    allowExitOnIdle: true,
    keepAlive: true,
    application_name: 'keyhaven-journal',
  })
  pool.on('error', () => undefined)
  return {
    read: async (realmId) => {
      const { rows } = await pool.query<{ position: string; mark: Uint8Array }>(
        'SELECT position, mark FROM realm_marks WHERE realm_id = $1',
        [realmId],
      )
      const [row] = rows
      return row && { position: Number(row.position), mark: new Uint8Array(row.mark) }
    },
    write: async (realmId, { position, mark }: Mark) => {
      await pool.query(
        `INSERT INTO realm_marks (realm_id, position, mark) VALUES ($1, $2, $3)
         ON CONFLICT (realm_id) DO UPDATE SET position = excluded.position, mark = excluded.mark, noted_at = now()
         WHERE realm_marks.position < excluded.position`,
        [realmId, position, mark],
      )
    },
    close: () => pool.end(),
  }
}
