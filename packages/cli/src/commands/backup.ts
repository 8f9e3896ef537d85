/** `keyhaven backup`: brings what is new on this device to the backup. */
import type { BackedUp, BackupOutcome, KeySync } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { PIN, readSecret, secretIsNamed, secretOptions } from '../command-line/secret-input.ts'
import { describeConflicts, describeCounts } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { UNLIKE_OPTION, refuseOthersPin } from './other-level.ts'
import {
  REMEMBER_OPTION,
  describeRemains,
  lockedAnswer,
  waitingAnswer,
  wrongPinAnswer,
} from './pin-answers.ts'

export const backup: Command = {
  name: 'backup',
  group: 'device',
  summary: 'Back up the keys of this device',
  details: [
    'The first backup of an account sets its PIN: at least 6 digits, or a passphrase. A device that has no part in the backup yet needs the PIN once to join it. After that a backup asks for none.',
    'A wrong PIN costs one of the guesses; nothing is replaced by it.',
  ],
  options: { ...DEVICE_OPTIONS, ...REMEMBER_OPTION, ...UNLIKE_OPTION, ...secretOptions(PIN) },
  run: runBackup,
}

async function runBackup(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const { signal, progress } = invocation
  const onProgress = reportProgress(progress, 'Backing up')
  const named = secretIsNamed(invocation, PIN)
  if (!named) {
    const outcome = await sync.backup({ signal, onProgress })
    if (outcome.status !== 'pin-needed') return describeBackupOutcome(outcome)
  }
  const questions = named ? [] : await choosePinQuestions(sync, signal)
  progress.clear()
  const pin = await readSecret({ invocation, kind: PIN, questions })
  const compared = await refuseOthersPin(invocation, pin)
  const answer = describeBackupOutcome(
    await sync.backup({ pin, rememberPin: invocation.flag('remember-pin'), signal, onProgress }),
  )
  return { ...answer, text: answer.text + compared }
}

/** Asks twice for the PIN of a first backup, once for that of a backup which is there. */
async function choosePinQuestions(sync: KeySync, signal: AbortSignal): Promise<readonly string[]> {
  const { hasBackup } = await sync.status({ signal })
  return hasBackup ? ['The PIN of your backup'] : ['Choose a PIN for your backup', 'The same PIN again']
}

/** What backing up comes to, in words. */
export function describeBackupOutcome(outcome: BackupOutcome): Answer {
  switch (outcome.status) {
    case 'backed-up':
      return { exit: EXIT.ok, json: outcome, text: describeBackup(outcome) }
    case 'wrong-pin':
      return wrongPinAnswer(outcome.guessesRemaining)
    case 'waiting':
      return waitingAnswer(outcome)
    case 'locked':
      return lockedAnswer()
    case 'pin-needed':
      return { exit: EXIT.secretNeeded, json: outcome, text: 'A PIN is needed for this backup.' }
  }
}

function describeBackup(outcome: BackedUp): string {
  const counts = describeCounts(outcome)
  const first = `Backed up ${counts}, for the first time.\nKeep the PIN in mind: it is what brings the keys back.`
  const joined = outcome.joined ? 'This device has joined the backup. ' : ''
  const sent = outcome.uploaded === 0 ? `Nothing new: ${counts} are backed up.` : `Backed up ${counts}.`
  const remains = describeRemains(outcome)
  return `${outcome.created ? first : joined + sent}${remains}${describeConflicts(outcome.identityConflicts)}`
}
