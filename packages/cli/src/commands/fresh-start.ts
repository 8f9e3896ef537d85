/** `keyhaven fresh-start`: a new backup in the place of one that nobody can open any more. */
import type { FreshStartOutcome } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { YES_OPTION, requireConfirmation } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { PIN, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { describeBackupOutcome } from './backup.ts'
import { removalWaitingAnswer } from './removal-answers.ts'

export const freshStart: Command = {
  name: 'fresh-start',
  group: 'device',
  summary: 'Replace a backup whose PIN is forgotten and that no device has open',
  details: [
    'The first run starts a wait of seven days (unless the server says otherwise). A run after that deletes the old backup for good and makes a new one of the keys on this device, under a new PIN.',
    'What only the old backup holds is lost. If you remember the PIN meanwhile, restore: that ends the wait.',
    'If a device still has the keys, choose a new PIN there instead; nothing is lost then.',
  ],
  options: { ...DEVICE_OPTIONS, ...YES_OPTION, ...secretOptions(PIN) },
  run: runFreshStart,
}

async function runFreshStart(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const { signal, progress } = invocation
  const onProgress = reportProgress(progress, 'Starting afresh')
  const first = await sync.startFresh({ signal, onProgress })
  if (first.status !== 'pin-needed') return describe(first)
  await requireConfirmation(invocation, 'Delete the old backup for good and make a new one?')
  progress.clear()
  const questions = ['Choose a PIN for the new backup', 'The same PIN again']
  const pin = await readSecret({ invocation, kind: PIN, questions })
  return describe(await sync.startFresh({ pin, signal, onProgress }))
}

function describe(outcome: FreshStartOutcome): Answer {
  if (outcome.status === 'waiting' && 'notBegunOn' in outcome) {
    return removalWaitingAnswer(outcome, 'keyhaven fresh-start')
  }
  if (outcome.status === 'pin-needed') {
    return { exit: EXIT.secretNeeded, json: outcome, text: 'A new PIN is needed.' }
  }
  return describeBackupOutcome(outcome)
}
