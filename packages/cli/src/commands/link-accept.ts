/** `keyhaven link accept`: lets a new device at hand into the backup. */
import type { LinkAcceptOutcome } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { LINK_CODE, readSecret, secretIsNamed, secretOptions } from '../command-line/secret-input.ts'
import { printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { confirmDevice, confirmDigits, linkEndedAnswer, requireAnswerable } from './link-answers.ts'
import { noBackupAnswer } from './pin-answers.ts'

export const linkAccept: Command = {
  name: 'link accept',
  group: 'device',
  summary: 'Let a new device that you have at hand into the backup',
  details: [
    'Run it on a device that has its part in the backup, while "keyhaven link offer" waits on the new one. With the code that the new device shows you are asked whether it is yours, by the name that it gives itself. Without the code both show six digits: say yes only if you see the same on both, for then the backup is opened to that device.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    ...secretOptions(LINK_CODE),
    yes: { summary: 'with a code: do not ask whether the device is meant' },
  },
  run: runAccept,
}

async function runAccept(invocation: Invocation): Promise<Answer> {
  const { signal } = invocation
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const named = secretIsNamed(invocation, LINK_CODE)
  const questions = ['The code that the new device shows']
  if (named) requireAnswerable(invocation)
  const code = named ? await readSecret({ invocation, kind: LINK_CODE, questions }) : undefined
  const outcome = await sync.acceptLink({
    signal,
    ...(code !== undefined && { code }),
    confirm: (digits, label) =>
      digits === undefined
        ? confirmDevice(invocation, printable(label))
        : confirmDigits(
            invocation,
            `The new device, which calls itself ${printable(label)}, must show ${digits}, too. Does it?`,
          ),
  })
  return describeOutcome(outcome)
}

function describeOutcome(outcome: LinkAcceptOutcome): Answer {
  switch (outcome.status) {
    case 'linked':
      return {
        exit: EXIT.ok,
        json: outcome,
        text: `${printable(outcome.label)} opens the backup now; "keyhaven devices remove" would take that back.`,
      }
    case 'no-backup':
      return noBackupAnswer('"keyhaven backup" makes the first one.')
    case 'no-offer':
      throw new CommandError(
        'ERR_LINK_CODE_NEEDED',
        'No device offers itself now; run "keyhaven link offer" on it first.',
      )
    default:
      return linkEndedAnswer(outcome.status)
  }
}
