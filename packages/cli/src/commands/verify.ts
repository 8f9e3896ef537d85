/** `keyhaven verify`: proves that the backup is whole, and writes nothing. */
import type { Verified, VerifyOutcome } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { PIN, readSecret, secretIsNamed, secretOptions } from '../command-line/secret-input.ts'
import { describeCount, describeCounts } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { lockedAnswer, noBackupAnswer, waitingAnswer, wrongPinAnswer } from './pin-answers.ts'

export const verify: Command = {
  name: 'verify',
  group: 'device',
  summary: 'Read and open the whole backup to prove that it is whole',
  details: [
    'Does everything that a restore does, and writes nothing. Says what is still whole when the backup is damaged.',
    'With a PIN (--pin-file or --pin-stdin) it proves also that the PIN opens the backup. A wrong PIN costs one of the guesses.',
  ],
  options: { ...DEVICE_OPTIONS, ...secretOptions(PIN) },
  run: runVerify,
}

async function runVerify(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const { signal, progress } = invocation
  const named = secretIsNamed(invocation, PIN)
  const pin = named ? await readSecret({ invocation, kind: PIN, questions: [] }) : undefined
  const onProgress = reportProgress(progress, 'Verifying')
  return describeOutcome(
    await sync.verifyBackup({ signal, onProgress, ...(pin !== undefined && { pin }) }),
    named,
  )
}

function describeOutcome(outcome: VerifyOutcome, withPin: boolean): Answer {
  switch (outcome.status) {
    case 'whole': {
      const text = `The backup is whole: ${describeContents(outcome)}.${withPin ? ' The PIN opens it.' : ''}`
      return { exit: EXIT.ok, json: outcome, text }
    }
    case 'damaged':
      return { exit: EXIT.distrusted, json: outcome, text: describeDamage(outcome) }
    case 'wrong-pin':
      return wrongPinAnswer(outcome.guessesRemaining)
    case 'locked':
      return lockedAnswer()
    case 'waiting':
      return waitingAnswer(outcome)
    case 'no-backup':
      return noBackupAnswer('"keyhaven backup" makes the first one.')
    case 'pin-needed':
      return {
        exit: EXIT.secretNeeded,
        json: outcome,
        text: 'This device has no part in the backup, so only the PIN opens it here: --pin-file or --pin-stdin.',
      }
  }
}

function describeContents(backup: Verified): string {
  const newest = backup.newest === undefined ? '' : `, the newest written ${backup.newest}`
  return `${describeCounts(backup)} in ${describeCount(backup.segments, 'segment')}${newest}`
}

function describeDamage(backup: Verified): string {
  const { damage } = backup
  const parts = [
    [damage?.unopened ?? 0, 'does not open', 'do not open'],
    [damage?.missing ?? 0, 'is missing', 'are missing'],
  ] as const
  const said = parts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${describeCount(count, 'segment')} ${count === 1 ? one : many}`)
  const what = said.length === 0 ? 'the server shows less than this device has seen' : said.join(', ')
  return `The backup is damaged: ${what}  [${damage?.code ?? ''}]\nStill whole: ${describeContents(backup)}.\n"keyhaven restore --allow-damaged" brings that part here; nothing was changed.`
}
