/** `keyhaven sync`: brings this device and the backup up to date with one another. */
import type { SyncOutcome } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { describeConflicts, describeCounts } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { describeRemains, noBackupAnswer } from './pin-answers.ts'

export const sync: Command = {
  name: 'sync',
  group: 'device',
  summary: 'Bring this device and the backup up to date, both ways',
  details: [
    'Sends what was added or removed here, fetches what other devices added or removed. Asks for no PIN: a device joins the backup once, with "keyhaven restore" or "keyhaven backup".',
  ],
  options: DEVICE_OPTIONS,
  run: runSync,
}

async function runSync(invocation: Invocation): Promise<Answer> {
  const device = await requireSignedIn(await openDevice(invocation))
  const { signal, progress } = invocation
  return describeOutcome(
    await device.sync.sync({ signal, onProgress: reportProgress(progress, 'Synchronising') }),
  )
}

function describeOutcome(outcome: SyncOutcome): Answer {
  switch (outcome.status) {
    case 'synced': {
      const ways = [
        outcome.received ? 'fetched what was new' : '',
        outcome.uploaded > 0 ? 'sent what was new' : '',
      ]
      const did = ways.filter((way) => way !== '').join(', ')
      const text = `Up to date${did === '' ? ', nothing was new' : `: ${did}`}. ${describeCounts(outcome)} are here and backed up.`
      return {
        exit: EXIT.ok,
        json: outcome,
        text: text + describeRemains(outcome) + describeConflicts(outcome.identityConflicts),
      }
    }
    case 'no-backup':
      return noBackupAnswer('"keyhaven backup" makes the first one.')
    case 'pin-needed':
      return {
        exit: EXIT.secretNeeded,
        json: outcome,
        text: 'This device has no part in the backup; "keyhaven restore" joins it with the PIN.',
      }
  }
}
