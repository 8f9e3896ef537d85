/** `keyhaven backup`: brings what is new on this device to the backup. */
import type { BackupOutcome } from 'keyhaven/sync'
import { HOME_OPTION } from '../command-line/command.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { PIN, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { describeCount, describeCounts } from '../command-line/words.ts'
import { openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { lockedAnswer, wrongPinAnswer } from './pin-answers.ts'

export const backup: Command = {
  name: 'backup',
  group: 'device',
  summary: 'Back up the keys of this device',
  details: [
    'The first backup of an account sets its PIN: at least 6 digits, or a passphrase. A device that has no part in the backup yet needs the PIN once to join it. After that a backup asks for none.',
    'A wrong PIN costs one of the guesses; nothing is replaced by it.',
  ],
  options: { ...HOME_OPTION, ...secretOptions(PIN) },
  run: runBackup,
}

async function runBackup(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const { signal, progress } = invocation
  progress.show('Backing up …')
  const outcome = await sync.backup({ signal })
  if (outcome.status !== 'pin-needed') return describeOutcome(outcome)
  const { hasBackup } = await sync.status()
  progress.clear()
  const questions = hasBackup
    ? ['The PIN of your backup']
    : ['Choose a PIN for your backup', 'The same PIN again']
  const pin = await readSecret({ invocation, kind: PIN, questions })
  progress.show('Backing up …')
  return describeOutcome(await sync.backup({ pin, signal }))
}

function describeOutcome(outcome: BackupOutcome): Answer {
  switch (outcome.status) {
    case 'backed-up': {
      const { created, joined, identityKeys, conversationKeys, uploaded, generation } = outcome
      const json = {
        status: 'backed-up',
        created,
        joined,
        identityKeys,
        conversationKeys,
        uploaded,
        generation,
      }
      return { exit: EXIT.ok, json, text: describeBackup(outcome) }
    }
    case 'wrong-pin':
      return wrongPinAnswer(outcome.guessesRemaining)
    case 'locked':
      return lockedAnswer()
    case 'pin-needed':
      return {
        exit: EXIT.pinNeeded,
        json: { status: 'pin-needed' },
        text: 'A PIN is needed for this backup.',
      }
  }
}

function describeBackup(outcome: BackupOutcome & { readonly status: 'backed-up' }): string {
  const counts = describeCounts(outcome)
  if (outcome.created)
    return `Backed up ${counts}, for the first time. Keep the PIN in mind: nobody can bring the keys back without it.`
  const joined = outcome.joined ? 'This device has joined the backup. ' : ''
  if (outcome.uploaded === 0) return `${joined}Nothing new: ${counts} are backed up.`
  return `${joined}Backed up ${counts}; ${describeCount(outcome.uploaded, 'segment')} sent.`
}
