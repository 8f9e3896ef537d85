/** `keyhaven contacts asked`: who asks this person for a share. */
import type { AskedOfMe } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { alignColumns, describeTime, printable } from '../command-line/words.ts'
import { readContactIdentity } from '../device/contact-identity.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const contactsAsked: Command = {
  name: 'contacts asked',
  group: 'device',
  summary: 'Show who asks you, as a trusted contact, to open a backup',
  details: [
    'Call the person at once, on a number that you know: if it is somebody else who asks, a device of his can still stop it. The label is what the device that asks calls itself.',
  ],
  options: DEVICE_OPTIONS,
  run: runAsked,
}

async function runAsked(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const identity = await readContactIdentity(sync)
  const asked = identity ? await sync.contacts.asked({ identity, signal: invocation.signal }) : []
  const text =
    asked.length === 0
      ? 'Nobody asks you.'
      : [
          ...alignColumns(asked.map(describeRow)),
          'To give a share: "keyhaven contacts answer REQUEST".',
        ].join('\n')
  return { exit: EXIT.ok, json: { status: 'ok', asked }, text }
}

function describeRow({ requestId, ownerName, label, due, dueAt, answered }: AskedOfMe): readonly string[] {
  const name = ownerName === undefined ? 'sealed for another key than yours' : printable(ownerName)
  const when = due ? 'can be answered' : `can be answered from ${describeTime(dueAt)}`
  return [requestId.slice(0, 8), name, `on ${printable(label)}`, answered ? 'answered' : when]
}
