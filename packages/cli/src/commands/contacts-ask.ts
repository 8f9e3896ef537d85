/** `keyhaven contacts ask`: asks the trusted contacts from a new device, and shows how that stands. */
import type { AskedContacts } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeTime } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const contactsAsk: Command = {
  name: 'contacts ask',
  group: 'device',
  summary: 'Ask your trusted contacts to open the backup for this device',
  details: [
    'They can answer after a wait, in which your other devices are told and can stop it. Then call each of them and read out the digits: he gives his share only if he sees the same. Run it again to see how it stands; "keyhaven contacts restore" comes last.',
  ],
  options: { ...DEVICE_OPTIONS, end: { summary: 'take back what this device asked' } },
  run: runAsk,
}

async function runAsk(invocation: Invocation): Promise<Answer> {
  const { signal } = invocation
  const { sync } = await requireSignedIn(await openDevice(invocation))
  if (invocation.flag('end')) {
    const ended = await sync.contacts.endAsking({ signal })
    const text = ended.status === 'ended' ? 'Your contacts are asked no more.' : 'This device has not asked.'
    return { exit: EXIT.ok, json: ended, text }
  }
  const outcome = await sync.contacts.ask({ signal })
  if (outcome.status === 'asked') return { exit: EXIT.ok, json: outcome, text: describeAsked(outcome) }
  const text = 'This account has no trusted contacts, or no backup. Nothing was asked.'
  return { exit: EXIT.refused, json: outcome, text }
}

function describeAsked({ digits, dueAt, expiresAt, answers, threshold, contacts }: AskedContacts): string {
  return `Asked ${String(contacts)} people, of whom ${String(threshold)} are needed; ${String(answers)} answered so far.\nFrom ${describeTime(dueAt)} to ${describeTime(expiresAt)}, call them and read out:\n\n  ${digits}\n\nThen "keyhaven contacts restore".`
}
