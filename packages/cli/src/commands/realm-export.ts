/** `keyhaven realm export TENANT`: an app's registrations leave for another operator. */
import { existsSync } from 'node:fs'
import type { ExportOutcome } from '@keyhaven/server'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { YES_OPTION, requireConfirmation } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount } from '../command-line/words.ts'
import { REALM_OPTIONS, REALM_SETTINGS, withRealm } from '../realm/with-realm.ts'

export const realmExport: Command = {
  name: 'realm export',
  group: 'server',
  summary: 'Hand an app’s registrations to another operator',
  details: [
    'The file is an age file that only the receiver opens. He makes the key ("age-keygen") and tells you its public part, age1….',
    'Before the file is complete this realm stops answering for the app: requests get 503 ERR_TENANT_MOVED, so that no guess is counted at two places. The receiver’s realm must have the id of this one (KEYHAVEN_REALM_ID); the app’s clients need its address, and nothing else.',
    'Afterwards "keyhaven realm forget" removes the records here; "keyhaven realm take-back" answers for them again if nobody has imported the file.',
    REALM_SETTINGS,
  ],
  positionals: [
    { name: 'TENANT', summary: 'the app, as in KEYHAVEN_TENANTS; your own users are "keyhaven"' },
  ],
  options: {
    ...REALM_OPTIONS,
    to: { value: 'RECIPIENT', summary: 'the receiver’s age key, age1…' },
    out: { value: 'FILE', summary: 'where the file goes, made with mode 0600; an existing file is kept' },
    again: { summary: 'make the file of an app that was exported before once more' },
    ...YES_OPTION,
  },
  run: runExport,
}

async function runExport(invocation: Invocation): Promise<Answer> {
  const [tenant = ''] = invocation.positionals
  const recipient = invocation.option('to')
  const file = invocation.option('out')
  if (recipient === undefined)
    throw new CommandError('ERR_USAGE', '--to RECIPIENT is missing: whose file it is.')
  if (file === undefined) throw new CommandError('ERR_USAGE', '--out FILE is missing: where the file goes.')
  if (existsSync(file)) {
    throw new CommandError('ERR_FILE_EXISTS', `${file} is there already and was kept; name a new file.`)
  }
  await requireConfirmation(invocation, 'From now on this realm answers nothing for this app. Go on?')
  const { exportTenant } = await import('@keyhaven/server')
  const { signal } = invocation
  const outcome = await withRealm(invocation, (realm) => {
    invocation.progress.show('Writing the file …')
    return exportTenant(realm, { tenant, recipient, file, again: invocation.flag('again'), signal })
  })
  return answer(outcome, file)
}

function answer(outcome: ExportOutcome, file: string): Answer {
  if (outcome.status === 'exported') {
    const { records, digest } = outcome
    return {
      exit: EXIT.ok,
      json: { ...outcome, file },
      text: `${describeCount(records, 'record')} in ${file}; this realm does not answer for them any more.\nSHA-256  ${digest}\nTell the receiver this number by another way than the file; his import shows the same.`,
    }
  }
  return { exit: EXIT.refused, json: outcome, text: `${REASONS[outcome.status]} Nothing was exported.` }
}

const REASONS: Readonly<Record<Exclude<ExportOutcome['status'], 'exported'>, string>> = {
  damaged: 'Records of this app do not open; "keyhaven realm verify" says how many.',
  unattributed:
    'There are records from an older version of which it is not known whose they are; they get their app when they are next used.',
  'no-records': 'This realm has no records of that app.',
  'exported-before': 'That app was exported before; --again makes its file once more.',
  'not-exported': 'That app was not exported before; leave --again out.',
}
