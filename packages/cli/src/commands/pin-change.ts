/** `keyhaven pin change`: another PIN for the backup. */
import type { ChangeOutcome } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { PIN, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { UNLIKE_OPTION, refuseOthersPin } from './other-level.ts'
import {
  REMEMBER_OPTION,
  describeRemains,
  lockedAnswer,
  noBackupAnswer,
  waitingAnswer,
  wrongPinAnswer,
} from './pin-answers.ts'

export const pinChange: Command = {
  name: 'pin change',
  group: 'device',
  summary: 'Give the backup another PIN',
  details: [
    'Works on a device that has its part in the backup; the old PIN is not asked for, and opens nothing any more afterwards. Other devices follow by themselves.',
    'When it fails, the old PIN is still the one.',
  ],
  options: { ...DEVICE_OPTIONS, ...REMEMBER_OPTION, ...UNLIKE_OPTION, ...secretOptions(PIN) },
  run: runPinChange,
}

async function runPinChange(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const questions = ['The new PIN', 'The same PIN again']
  const pin = await readSecret({ invocation, kind: PIN, questions })
  const compared = await refuseOthersPin(invocation, pin)
  const { signal, progress } = invocation
  const onProgress = reportProgress(progress, 'Changing the PIN')
  const answer = describeChange(
    await sync.changePin({ pin, rememberPin: invocation.flag('remember-pin'), signal, onProgress }),
  )
  return { ...answer, text: answer.text + compared }
}

/** What a changed PIN or a rotation comes to. */
export function describeChange(outcome: ChangeOutcome): Answer {
  if (outcome.status === 'wrong-pin') return wrongPinAnswer(outcome.guessesRemaining)
  if (outcome.status === 'locked') return lockedAnswer()
  if (outcome.status === 'waiting') return waitingAnswer(outcome)
  if (outcome.status === 'no-backup') return noBackupAnswer('"keyhaven backup" makes the first one.')
  const text =
    outcome.status === 'pin-changed'
      ? 'The PIN is changed: only the new one opens the backup now. Keep it in mind.'
      : 'The backup has a new root key; the PIN is the same.'
  return { exit: EXIT.ok, json: outcome, text: text + describeRemains(outcome) }
}
