/** `keyhaven realm take-back TENANT`: answer again for an app whose file nobody has imported. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { YES_OPTION, requireConfirmation } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { REALM_OPTIONS, REALM_SETTINGS, withRealm } from '../realm/with-realm.ts'

export const realmTakeBack: Command = {
  name: 'realm take-back',
  group: 'server',
  summary: 'Answer again for an app that was exported',
  details: [
    'Only when the file is gone for good: where somebody imports it later, both realms hand out the guesses that were left.',
    REALM_SETTINGS,
  ],
  positionals: [{ name: 'TENANT', summary: 'the app' }],
  options: { ...REALM_OPTIONS, ...YES_OPTION },
  run: runTakeBack,
}

async function runTakeBack(invocation: Invocation): Promise<Answer> {
  const [tenant = ''] = invocation.positionals
  await requireConfirmation(invocation, 'Is it certain that nobody has imported the file, or will?')
  const { takeTenantBack } = await import('@keyhaven/server')
  const done = await withRealm(invocation, (realm) => takeTenantBack(realm, tenant))
  return done
    ? { exit: EXIT.ok, json: { status: 'taken-back' }, text: 'This realm answers for the app again.' }
    : {
        exit: EXIT.refused,
        json: { status: 'not-exported' },
        text: 'That app is not exported, or its records were removed. Nothing was done.',
      }
}
