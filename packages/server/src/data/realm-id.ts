/**
 * The realm's id: given by the operator, else made once and kept in the database, so that all servers over one database
 * are one realm. Sealed records are bound to it; a database never changes it.
 */
import { KeyhavenError } from 'keyhaven'
import { equal, randomBytes } from 'keyhaven/crypto'
import type { Installation } from '../db/installation.ts'

const NAME = 'realmId'

/** The id that the database has; `ERR_SETTING_INVALID` where it has none, or another one than given. */
export async function readRealmId(
  installation: Installation,
  given: Uint8Array | undefined,
): Promise<Uint8Array> {
  const kept = await installation.read(NAME)
  if (kept !== undefined && (given === undefined || equal(kept, given))) return kept
  throw new KeyhavenError('ERR_SETTING_INVALID', {
    setting: kept === undefined ? 'DATABASE_URL or --data' : 'KEYHAVEN_REALM_ID',
    expected:
      kept === undefined ? 'a database that a server has used' : 'the id that this database was made with',
  })
}

/** 16 bytes; `ERR_SETTING_INVALID` when the operator's is not the database's. */
export async function loadRealmId(
  installation: Installation,
  given: Uint8Array | undefined,
): Promise<Uint8Array> {
  const kept = await installation.keep(NAME, given ?? randomBytes(16))
  if (given === undefined || equal(kept, given)) return kept
  throw new KeyhavenError('ERR_SETTING_INVALID', {
    setting: 'KEYHAVEN_REALM_ID',
    expected: 'the id that this database was made with, or not to be set',
  })
}
