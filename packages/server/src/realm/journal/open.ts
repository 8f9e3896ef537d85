/** The store of the journal that settings name. */
import type { JournalSettings } from '../../settings/journal.ts'
import { openFolderJournal } from './folder.ts'
import { openPostgresJournal } from './postgres.ts'
import type { JournalStore } from './store.ts'

export function openJournalStore(settings: Exclude<JournalSettings, { readonly kind: 'off' }>): JournalStore {
  return settings.kind === 'folder' ? openFolderJournal(settings.path) : openPostgresJournal(settings.url)
}
