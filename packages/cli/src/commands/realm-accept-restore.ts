/** `keyhaven realm accept-restore`: go on with an older copy of the realm's database, or with a new journal. */
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
  const { acceptRealmRestore } = await import('@keyhaven/server')
  const accepted = await withRealm(invocation, acceptRealmRestore)
  return accepted
    ? {
        exit: EXIT.ok,
        json: { status: 'accepted' },
        text: 'The database is taken as it is; waiting servers go on within a second, others may be started.',
      }
    : {
        exit: EXIT.ok,
        json: { status: 'nothing-to-decide' },
        text: 'Database and journal agree; there was nothing to decide.',
      }
}
