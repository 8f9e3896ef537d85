/**
 * What a database knows about the servers over it: the realm's id and the fingerprints of their keys. Each is written
 * once, by the server that comes first, and never changed.
 */
import { KeyhavenError } from 'keyhaven'
import type { Database } from './database.ts'

export interface Installation {
  /** The value of a name, where there is one. */
  read(name: string): Promise<Uint8Array | undefined>
  /** Writes the value unless there is one, and returns the one that is there now. */
  keep(name: string, value: Uint8Array): Promise<Uint8Array>
}

/** No user is behind it: the nil UUID sees no user's rows. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Reads and writes as `keyhaven_app`, which may add a row but not change one. */
export function openInstallation(database: Database): Installation {
  const read = (name: string): Promise<Uint8Array | undefined> =>
    database.withUser(NOBODY, async (transaction) => {
      const { rows } = await transaction.query<{ value: Buffer }>(
        'SELECT value FROM app.installation WHERE name = $1',
        [name],
      )
      return rows[0] === undefined ? undefined : new Uint8Array(rows[0].value)
    })
  return {
    read,
    keep: async (name, value) => {
      await database.withUser(NOBODY, (transaction) =>
        transaction.query(
          'INSERT INTO app.installation (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING',
          [name, value],
        ),
      )
      const kept = await read(name)
      if (kept === undefined) throw new KeyhavenError('ERR_DATABASE_UNAVAILABLE', undefined)
      return kept
    },
  }
}
