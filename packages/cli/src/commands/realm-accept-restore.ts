/** `keyhaven realm accept-restore`: go on with an older copy of the realm's database, or with a new journal. */
import type { acceptRealmRestore } from '@keyhaven/server'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { YES_OPTION, requireConfirmation } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { REALM_OPTIONS, REALM_SETTINGS, withRealm } from '../realm/with-realm.ts'

export const realmAcceptRestore: Command = {
  name: 'realm accept-restore',
  group: 'server',
  summary: 'Go on with a database that is older than its journal',
  details: [
    'When an older copy of the database was brought back, or the journal was lost, the servers answer nothing until you decide. If the newest copy can still be brought back, do that instead.',
    'Guesses that were counted after the copy was made are given back by this, to their users and to whoever attacks them. The decision is written into realm.decisions, and waiting servers go on by themselves.',
    REALM_SETTINGS,
  ],
  options: { ...REALM_OPTIONS, ...YES_OPTION },
  run: runAccept,
}

async function runAccept(invocation: Invocation): Promise<Answer> {
  await requireConfirmation(
    invocation,
    'Guesses since that copy are given back. Go on with this database as it is?',
  )
  const server = await import('@keyhaven/server')
  const status = await withRealm(invocation, server.acceptRealmRestore)
  return {
    exit: status === 'foreign-mark' ? EXIT.distrusted : EXIT.ok,
    json: { status },
    text: TEXTS[status],
  }
}

const TEXTS: Readonly<Record<Awaited<ReturnType<typeof acceptRealmRestore>>, string>> = {
  accepted: 'The database is taken as it is; waiting servers go on within a second, others may be started.',
  'nothing-to-decide': 'Database and journal agree; there was nothing to decide.',
  'foreign-mark':
    'Nothing was done. The journal’s highest number is none that servers count to, so somebody else wrote it. Find out who can write there, remove that one file or row, and look at "keyhaven realm status".',
}
