/** `keyhaven log`: what was done with the account and its backup, by whom and from where, verified. */
import type { AccessEvent, AccessHistory } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { alignColumns, describeTime, printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

const DEFAULT_LIMIT = 20

export const log: Command = {
  name: 'log',
  group: 'device',
  summary: 'Show what was done with the backup, by which device and from where, verified',
  details: [
    'Newest first. Each row hashes the one before it, and the server signs the newest. Every row that a device of yours has seen must still be there as it was; else this command says so and ends with exit code 10. Rows that no device has seen yet, the server can leave out.',
    'Addresses and user agents are erased after a while, by default 90 days.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    limit: { value: 'N', summary: 'how many rows, 1 to 200', default: String(DEFAULT_LIMIT) },
    before: { value: 'PLACE', summary: 'the rows before a place, which the end of each page names' },
  },
  run: runLog,
}

async function runLog(invocation: Invocation): Promise<Answer> {
  const limit = readLimit(invocation.option('limit'))
  const before = invocation.option('before')
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const { signal } = invocation
  const history = await sync.getAccessHistory({ limit, signal, ...(before !== undefined && { before }) })
  return {
    exit: EXIT.ok,
    json: { status: 'ok', events: history.events, next: history.next ?? null },
    text: describeHistory(history, before === undefined),
  }
}

function readLimit(typed: string | undefined): number {
  if (typed === undefined) return DEFAULT_LIMIT
  if (/^\d{1,3}$/.test(typed) && Number(typed) >= 1 && Number(typed) <= 200) return Number(typed)
  throw new CommandError('ERR_USAGE', '--limit takes a number from 1 to 200.')
}

function describeHistory({ events, next }: AccessHistory, first: boolean): string {
  const [newest] = events
  if (newest === undefined) return 'The access log is empty.'
  const rows = alignColumns(events.map(describeRow))
  const seen = first ? ', and nothing that your devices have seen is missing' : ''
  const verified = `Verified: unbroken up to row ${String(newest.sequence)}${seen}.`
  const more = next === undefined ? [] : [`Older rows: keyhaven log --before ${next}`]
  return [...rows, verified, ...more].join('\n')
}

function describeRow(event: AccessEvent): readonly string[] {
  const { sequence, at, type, success, code, deviceLabel, address, erased } = event
  const reported = code === 'REPORTED_BY_CLIENT' ? ' (says the device)' : ''
  const what = `${type.replaceAll('_', ' ')}${success ? '' : ' refused'}${reported}`
  const device = deviceLabel === undefined ? '' : printable(deviceLabel)
  return [String(sequence), describeTime(at), printable(what), device, address ?? (erased ? '(erased)' : '')]
}
