/** `keyhaven contacts remove`: takes the trusted contacts out of use. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { requireConfirmation, YES_OPTION } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { describeRemains } from './pin-answers.ts'

export const contactsRemove: Command = {
  name: 'contacts remove',
  group: 'device',
  summary: 'Take your trusted contacts out of use',
  details: [
    'The backup gets a new root key that their shares do not open. An old copy of the backup stays readable to whoever has it and enough shares. To choose others instead: "keyhaven contacts set".',
  ],
  options: { ...DEVICE_OPTIONS, ...YES_OPTION },
  run: runRemove,
}

async function runRemove(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  await requireConfirmation(invocation, 'Remove your trusted contacts? They open the backup no more.')
  const { signal, progress } = invocation
  const outcome = await sync.contacts.remove({ signal, onProgress: reportProgress(progress, 'Removing') })
  const text =
    outcome.status === 'removed'
      ? `Removed: the backup has a new root key that they do not open.${describeRemains(outcome)}`
      : 'There are no trusted contacts.'
  return { exit: EXIT.ok, json: outcome, text }
}
