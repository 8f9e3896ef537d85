/** `keyhaven contacts list`: who the trusted contacts are, and what is asked of them. */
import type { ContactRequest, TrustedContacts } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { alignColumns, describeTime, printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const contactsList: Command = {
  name: 'contacts list',
  group: 'device',
  summary: 'List your trusted contacts, and who asks them to open your backup',
  options: DEVICE_OPTIONS,
  run: runList,
}

async function runList(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const { set, requests } = await sync.contacts.list({ signal: invocation.signal })
  return {
    exit: EXIT.ok,
    json: { status: 'ok', set: set ?? null, requests },
    text: [describeSet(set), ...describeRequests(requests)].join('\n'),
  }
}

function describeSet(set: TrustedContacts | undefined): string {
  if (set === undefined) return 'There are no trusted contacts; "keyhaven contacts set" chooses some.'
  const rows = set.members.map(({ name, present }) => [
    printable(name),
    present ? '' : 'has closed the account; set your contacts anew',
  ])
  return [`${String(set.threshold)} of these are needed:`, ...alignColumns(rows)].join('\n')
}

function describeRequests(requests: readonly ContactRequest[]): readonly string[] {
  if (requests.length === 0) return ['Nothing is asked of them.']
  const rows = requests.map(({ id, label, dueAt, answers }) => [
    id.slice(0, 8),
    printable(label),
    `they can answer from ${describeTime(dueAt)}`,
    `${String(answers)} did`,
  ])
  return ['Asked of them:', ...alignColumns(rows), 'If that is not you: "keyhaven contacts stop".']
}
