/** `keyhaven realm import FILE`: an app's registrations come from another operator. */
import { parseText } from '../device/key-text.ts'
import { readBounded } from '../device/files.ts'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount } from '../command-line/words.ts'
import { REALM_OPTIONS, REALM_SETTINGS, withRealm } from '../realm/with-realm.ts'

const LONGEST_IDENTITY = 16_384

export const realmImport: Command = {
  name: 'realm import',
  group: 'server',
  summary: 'Take an app’s registrations from another operator',
  details: [
    'All of the file is taken or nothing, and once. Guesses that were used stay used. The records are sealed anew under this realm’s own key.',
    'Registrations are bound to their realm’s id, so this realm must have been started with that id (KEYHAVEN_REALM_ID). KEYHAVEN_TENANTS must name the app, so that its tokens are taken.',
    REALM_SETTINGS,
  ],
  positionals: [{ name: 'FILE', summary: 'what "keyhaven realm export" made for you' }],
  options: {
    ...REALM_OPTIONS,
    'identity-file': { value: 'FILE', summary: 'your age key, as "age-keygen" writes it' },
  },
  run: runImport,
}

async function runImport(invocation: Invocation): Promise<Answer> {
  const [file = ''] = invocation.positionals
  const identity = await readIdentity(invocation.option('identity-file'))
  const { importTenant } = await import('@keyhaven/server')
  const outcome = await withRealm(invocation, (realm) => {
    invocation.progress.show('Reading the file …')
    return importTenant(realm, { file, identity })
  })
  if (outcome.status === 'imported') {
    const { records, tenant, digest } = outcome
    return {
      exit: EXIT.ok,
      json: outcome,
      text: `${describeCount(records, 'record')} of ${tenant} are here.\nSHA-256  ${digest}`,
    }
  }
  const text =
    outcome.status === 'other-realm'
      ? `The file’s registrations are bound to realm ${outcome.realmId}; only a realm that was started with KEYHAVEN_REALM_ID=${outcome.realmId} can take them. Nothing was imported.`
      : `Records of ${outcome.tenant} are here already, or this file has been. Nothing was imported.`
  return { exit: EXIT.refused, json: outcome, text }
}

/** The one line of the file that is no comment. */
async function readIdentity(path: string | undefined): Promise<string> {
  if (path === undefined) {
    throw new CommandError('ERR_USAGE', '--identity-file FILE is missing: the age key that opens the file.')
  }
  const lines = parseText(await readBounded(path, LONGEST_IDENTITY)).split(/\r?\n/)
  const [identity, ...others] = lines.filter((line) => line.startsWith('AGE-SECRET-KEY-'))
  if (identity !== undefined && others.length === 0) return identity.trim()
  throw new CommandError('ERR_KEY_FILE_INVALID', 'The file holds no age key, or more than one.')
}
