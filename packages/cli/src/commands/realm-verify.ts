/** `keyhaven realm verify`: opens every record of the realm and writes nothing. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount } from '../command-line/words.ts'
import { REALM_OPTIONS, REALM_SETTINGS, withRealm } from '../realm/with-realm.ts'

export const realmVerify: Command = {
  name: 'realm verify',
  group: 'server',
  summary: 'Open every record of the realm, and write nothing',
  details: [
    'Ends with exit code 10 when a record was altered, or its key is not here. For a backup: restore it beside the realm and name it with DATABASE_URL; no server need run on it.',
    REALM_SETTINGS,
  ],
  options: REALM_OPTIONS,
  run: runVerify,
}

async function runVerify(invocation: Invocation): Promise<Answer> {
  const { verifyRealm } = await import('@keyhaven/server')
  const { signal } = invocation
  const found = await withRealm(invocation, (realm) => {
    invocation.progress.show('Opening every record …')
    return verifyRealm(realm, { signal })
  })
  const { records, opened, usedUp, damaged, keyMissing } = found
  const whole = damaged + keyMissing === 0
  const lines = [
    `${describeCount(records, 'record')}: ${opened.toLocaleString('en')} open, ${usedUp.toLocaleString('en')} without guesses.`,
    ...(damaged > 0 ? [`${describeCount(damaged, 'record')} were altered and do not open.`] : []),
    ...(keyMissing > 0 ? [`${describeCount(keyMissing, 'record')} need a key that is not here.`] : []),
  ]
  return {
    exit: whole ? EXIT.ok : EXIT.distrusted,
    json: { status: whole ? 'whole' : 'damaged', ...found },
    text: lines.join('\n'),
  }
}
