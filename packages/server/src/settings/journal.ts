/**
 * Where the realm's journal is kept: `KEYHAVEN_REALM_JOURNAL`, a folder or another PostgreSQL.
 */
import { isAbsolute, relative, resolve } from 'node:path'
import { statSync } from 'node:fs'
import { KeyhavenError } from 'keyhaven'

export const JOURNAL_VARIABLE = 'KEYHAVEN_REALM_JOURNAL'

export type JournalSettings =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }
  /** The operator's word that he does without. */
  | { readonly kind: 'off' }

/** `ERR_SETTING_INVALID` for a folder that is missing or goes with the data, and for the realm's own database. */
export function parseJournal(
  text: string,
  {
    dataDirectory,
    databaseUrl,
  }: { readonly dataDirectory: string; readonly databaseUrl: string | undefined },
): JournalSettings {
  if (text === 'off') return { kind: 'off' }
  if (/^postgres(?:ql)?:\/\//.test(text)) {
    if (text === databaseUrl) refuse('another database than the realm’s own')
    return { kind: 'postgres', url: text }
  }
  const path = resolve(text)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    refuse('a folder that is there, the URL of another PostgreSQL, or off')
  }
  if (isWithin(dataDirectory, path))
    refuse('a folder outside the data directory, which is restored as a whole')
  return { kind: 'folder', path }
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return !way.startsWith('..') && !isAbsolute(way)
}

function refuse(expected: string): never {
  throw new KeyhavenError('ERR_SETTING_INVALID', { setting: JOURNAL_VARIABLE, expected })
}
