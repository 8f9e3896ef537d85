/** `keyhaven restore`: brings the keys of the backup to this device, with the PIN. */
import type { LogDamage, RestoreOutcome } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { PIN, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { describeConflicts, describeCount, describeCounts } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import {
  REMEMBER_OPTION,
  describeRemains,
  lockedAnswer,
  noBackupAnswer,
  waitingAnswer,
  wrongPinAnswer,
} from './pin-answers.ts'

export const restore: Command = {
  name: 'restore',
  group: 'device',
  summary: 'Bring the keys of the backup to this device, with the PIN',
  details: [
    'Everything is verified before anything on this device is changed. Keys that are here already are kept.',
    'A wrong PIN costs one of the guesses; when they are used up, the PIN opens nothing any more.',
    'A backup that is damaged, or that a server shows only in part, is refused. --allow-damaged brings what is still whole, and says what was left out.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    ...REMEMBER_OPTION,
    ...secretOptions(PIN),
    'allow-damaged': { summary: 'take what is whole of a damaged backup' },
  },
  run: runRestore,
}

async function runRestore(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const pin = await readSecret({ invocation, kind: PIN, questions: ['The PIN of your backup'] })
  const { signal, progress } = invocation
  return describeOutcome(
    await sync.restore({
      pin,
      rememberPin: invocation.flag('remember-pin'),
      allowDamaged: invocation.flag('allow-damaged'),
      signal,
      onProgress: reportProgress(progress, 'Restoring'),
    }),
  )
}

function describeOutcome(outcome: RestoreOutcome): Answer {
  switch (outcome.status) {
    case 'restored': {
      const text = `Restored ${describeCounts(outcome)}, sealed on this device.`
      const left = outcome.skipped === undefined ? '' : describeSkipped(outcome.skipped)
      return {
        exit: EXIT.ok,
        json: outcome,
        text: text + left + describeConflicts(outcome.identityConflicts) + describeRemains(outcome),
      }
    }
    case 'wrong-pin':
      return wrongPinAnswer(outcome.guessesRemaining)
    case 'waiting':
      return waitingAnswer(outcome)
    case 'locked':
      return lockedAnswer()
    case 'no-backup':
      return noBackupAnswer('"keyhaven backup" makes the first one.')
  }
}

function describeSkipped({ unopened, missing }: LogDamage): string {
  const parts = `${describeCount(unopened, 'segment')} that did not open, ${String(missing)} missing`
  return `\nThe backup is damaged, and not all of it came: ${parts}. It is as it was.`
}
