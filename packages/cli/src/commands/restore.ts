/** `keyhaven restore`: brings the keys of the backup to this device, with the PIN. */
import type { RestoreOutcome } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { PIN, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { describeConflicts, describeCounts } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { lockedAnswer, waitingAnswer, wrongPinAnswer } from './pin-answers.ts'

export const restore: Command = {
  name: 'restore',
  group: 'device',
  summary: 'Bring the keys of the backup to this device, with the PIN',
  details: [
    'Everything is verified before anything on this device is changed. Keys that are here already are kept.',
    'A wrong PIN costs one of the guesses; when they are used up, the PIN opens nothing any more.',
  ],
  options: { ...DEVICE_OPTIONS, ...secretOptions(PIN) },
  run: runRestore,
}

async function runRestore(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const pin = await readSecret({ invocation, kind: PIN, questions: ['The PIN of your backup'] })
  const { signal, progress } = invocation
  return describeOutcome(
    await sync.restore({ pin, signal, onProgress: reportProgress(progress, 'Restoring') }),
  )
}

function describeOutcome(outcome: RestoreOutcome): Answer {
  switch (outcome.status) {
    case 'restored': {
      const text = `Restored ${describeCounts(outcome)}, sealed on this device.`
      return { exit: EXIT.ok, json: outcome, text: text + describeConflicts(outcome.identityConflicts) }
    }
    case 'wrong-pin':
      return wrongPinAnswer(outcome.guessesRemaining)
    case 'waiting':
      return waitingAnswer(outcome)
    case 'locked':
      return lockedAnswer()
    case 'no-backup':
      return {
        exit: EXIT.noBackup,
        json: { status: 'no-backup' },
        text: 'There is no backup for this phone number yet.',
      }
  }
}
