/** The operator's decision to go on with an older copy of the database, or with a new journal. */
import { KeyhavenError } from 'keyhaven'
import type { Acceptance } from '../journal/beat.ts'
import { acceptRestore } from '../journal/beat.ts'
import type { RealmOperator } from './operator.ts'
import { translateJournalFault } from './operator.ts'

/** `ERR_SETTING_INVALID` without a journal, `ERR_JOURNAL_UNAVAILABLE` where it is out of reach. */
export async function acceptRealmRestore({ database, realmId, journal }: RealmOperator): Promise<Acceptance> {
  if (journal === undefined) {
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting: 'KEYHAVEN_REALM_JOURNAL',
      expected: 'the journal of this realm',
    })
  }
  return acceptRestore({ database, realmId, store: journal }).catch(translateJournalFault)
}
