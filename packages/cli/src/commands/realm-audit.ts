/** `keyhaven realm audit`: what another operator's realm did about the users of this server. */
import type { AuditPage } from '@keyhaven/server'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { alignColumns, describeTime } from '../command-line/words.ts'
import { REALM_OPTIONS } from '../realm/with-realm.ts'

const DEFAULT_LIMIT = 100
const MOST = 1000

export const realmAudit: Command = {
  name: 'realm audit',
  group: 'server',
  summary: 'Read what another operator’s realm did about this server’s users',
  details: [
    'Registered, guess used, share recovered, deleted: each with its time and the record, SHA-256 of lp("keyhaven") ‖ lp(subject). Oldest first, a page at a time; keep the cursor and go on from it. Of this server’s own realm the access logs have the same.',
    'Signs with the token key of "keyhaven serve" (its data directory and environment), and needs neither its database nor that it runs. The token goes to that realm alone.',
  ],
  options: {
    ...REALM_OPTIONS,
    address: { value: 'URL', summary: 'the realm’s address, as in your configuration; needed' },
    realm: { value: 'ID', summary: 'the realm’s id, as in your configuration; needed' },
    after: { value: 'CURSOR', summary: 'go on where an earlier answer ended' },
    limit: { value: 'N', summary: 'how many, 1 to 1000', default: String(DEFAULT_LIMIT) },
  },
  run: runAudit,
}

async function runAudit(invocation: Invocation): Promise<Answer> {
  const address = readOption(invocation, 'address', /^https?:\/\/.+\/$/, 'an address that ends in /')
  const realmId = readOption(invocation, 'realm', /^[0-9a-f]{32}$/, 'an id of 32 hex digits')
  if (address === undefined) throw new CommandError('ERR_USAGE', '--address URL is missing.')
  if (realmId === undefined) throw new CommandError('ERR_USAGE', '--realm ID is missing.')
  const after = readOption(invocation, 'after', /^000[0-9a-f]{45}$/, 'a cursor of an earlier answer')
  const limit = Number(readOption(invocation, 'limit', /^\d{1,4}$/, 'a number') ?? DEFAULT_LIMIT)
  if (limit < 1 || limit > MOST) throw new CommandError('ERR_USAGE', '--limit takes a number from 1 to 1000.')
  const { parseRealmSettings, readAuditElsewhere } = await import('@keyhaven/server')
  const { environment: env, signal } = invocation
  const settings = parseRealmSettings({ options: { data: invocation.option('data') }, env })
  invocation.progress.show('Asking the realm …')
  const page = await readAuditElsewhere({ settings, address, realmId, after, limit, signal })
  return { exit: EXIT.ok, json: { status: 'ok', ...page }, text: describe(page) }
}

function readOption(
  invocation: Invocation,
  name: string,
  shape: RegExp,
  expected: string,
): string | undefined {
  const value = invocation.option(name)
  if (value === undefined || shape.test(value)) return value
  throw new CommandError('ERR_USAGE', `--${name} takes ${expected}.`)
}

function describe({ events, cursor, more }: AuditPage): string {
  const rows = events.map(({ at, type, record }) => [describeTime(at), type.replaceAll('_', ' '), record])
  const next = cursor === null ? [] : [`${more ? 'More' : 'Later ones'}: --after ${cursor}`]
  return [...(rows.length === 0 ? ['Nothing new.'] : alignColumns(rows)), ...next].join('\n')
}
