/** `keyhaven realm status`: how a realm stands, and what its operator has to do. */
import type { RealmAction, RealmStatus } from '@keyhaven/server'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { alignColumns, describeCount, describeTime } from '../command-line/words.ts'
import { REALM_OPTIONS, REALM_SETTINGS, withRealm } from '../realm/with-realm.ts'

export const realmStatus: Command = {
  name: 'realm status',
  group: 'server',
  summary: 'Show how the realm stands and what is to be done',
  details: ['Shows numbers of records, never whose they are, and writes nothing.', REALM_SETTINGS],
  options: REALM_OPTIONS,
  run: runStatus,
}

async function runStatus(invocation: Invocation): Promise<Answer> {
  const { readRealmStatus } = await import('@keyhaven/server')
  const status = await withRealm(invocation, readRealmStatus)
  return { exit: EXIT.ok, json: { status: 'ok', ...status }, text: describe(status) }
}

function describe({ realmId, tenants, epochs, journal, decisions, actions }: RealmStatus): string {
  return [
    `Realm    ${realmId}`,
    `Journal  ${describeJournal(journal)}`,
    '',
    'Apps     registrations, and those whose guesses are used up',
    ...table(
      tenants.map(({ tenant, registered, usedUp }) => [
        registered.toLocaleString('en'),
        usedUp.toLocaleString('en'),
        tenant ?? '(not known before the next request)',
      ]),
    ),
    '',
    'Epochs   key, state, records, begin',
    ...table(
      epochs.map(({ keyId, state, records, began, keyHere }) => [
        keyId,
        state,
        records.toLocaleString('en'),
        describeTime(began.toISOString()),
        keyHere || state === 'destroyed' || state === 'emptied' ? '' : 'key missing',
      ]),
    ),
    '',
    'Decided  newest first',
    ...table(
      decisions.map(({ at, decision, tenant }) => [describeTime(at.toISOString()), decision, tenant ?? '']),
    ),
    '',
    ...(actions.length === 0
      ? ['Nothing has to be done.']
      : actions.map((action) => `To do: ${ACTIONS[action]}`)),
  ].join('\n')
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  return rows.length === 0 ? ['  none'] : alignColumns(rows)
}

function describeJournal(journal: RealmStatus['journal']): string {
  switch (journal.status) {
    case 'none':
      return 'none: an older copy of the database would not be noticed'
    case 'unavailable':
      return 'cannot be read'
    case 'newest':
      return `agrees with the database, ${describeCount(journal.database, 'beat')}`
    case 'restored':
      return `is ahead of the database: ${String(journal.noted ?? 0)} against ${String(journal.database)} beats`
    case 'lost':
      return `is empty, although the database knows of ${describeCount(journal.database, 'beat')}`
  }
}

const ACTIONS: Readonly<Record<RealmAction, string>> = {
  'decide-restore':
    'the database is an older copy of itself. Bring the newest one back, or "keyhaven realm accept-restore".',
  'decide-journal': 'the journal was lost. Bring it back, or "keyhaven realm accept-restore".',
  'remove-mark':
    'the journal’s highest number is none that servers count to, so somebody else wrote it. Find out who can write there, and remove that one file or row.',
  'mend-journal': 'the journal cannot be read; servers answer nothing without it.',
  'name-journal': 'the realm has kept a journal; KEYHAVEN_REALM_JOURNAL must name it, or no server starts.',
  'bring-key': 'bring the missing key back; without it the records under it do not open.',
  'verify-records': 'records do not leave an ended epoch; "keyhaven realm verify" says whether they open.',
  'remove-key': 'remove the keys of emptied epochs; no backup needs them any more.',
}
