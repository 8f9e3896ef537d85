/** `keyhaven contacts stop`: ends what is asked of the trusted contacts. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const contactsStop: Command = {
  name: 'contacts stop',
  group: 'device',
  summary: 'Stop everything that is asked of your trusted contacts',
  details: [
    'On a device that has its part in the backup. What contacts have answered already and the other device has not fetched is dropped with it. Whoever can sign in as you can ask again: see "keyhaven devices remove" and "keyhaven phone change".',
  ],
  options: DEVICE_OPTIONS,
  run: runStop,
}

async function runStop(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const outcome = await sync.contacts.stop({ signal: invocation.signal })
  const text =
    outcome.status === 'stopped'
      ? `Stopped ${describeCount(outcome.count, 'request')}: your contacts are asked no more.`
      : 'Nothing is asked of your contacts.'
  return { exit: EXIT.ok, json: outcome, text }
}
