/** `keyhaven realm forget TENANT`: removes the records of an app that another operator has. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { YES_OPTION, requireConfirmation } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount } from '../command-line/words.ts'
import { REALM_OPTIONS, REALM_SETTINGS, withRealm } from '../realm/with-realm.ts'

export const realmForget: Command = {
  name: 'realm forget',
  group: 'server',
  summary: 'Remove the records of an app that was exported',
  details: [
    'When the receiver has said that he imported the file. What backups still hold is gone with the keys of their epochs.',
    REALM_SETTINGS,
  ],
  positionals: [{ name: 'TENANT', summary: 'the app' }],
  options: { ...REALM_OPTIONS, ...YES_OPTION },
  run: runForget,
}

async function runForget(invocation: Invocation): Promise<Answer> {
  const [tenant = ''] = invocation.positionals
  await requireConfirmation(invocation, 'Has the receiver imported the file? Its records are removed here.')
  const { forgetTenant } = await import('@keyhaven/server')
  const removed = await withRealm(invocation, (realm) => forgetTenant(realm, tenant))
  return removed === undefined
    ? {
        exit: EXIT.refused,
        json: { status: 'not-exported' },
        text: 'That app is not exported. Nothing was removed.',
      }
    : {
        exit: EXIT.ok,
        json: { status: 'forgotten', records: removed },
        text: `${describeCount(removed, 'record')} removed.`,
      }
}
