/** What restoring by another way than the PIN comes to. */
import type { WayRestoreOutcome } from 'keyhaven/sync'
import type { Answer } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeConflicts, describeCounts } from '../command-line/words.ts'
import { noBackupAnswer } from './pin-answers.ts'

/** `what` is the way, such as "recovery code". */
export function wayRestoreAnswer(outcome: WayRestoreOutcome, what: string): Answer {
  switch (outcome.status) {
    case 'restored': {
      const text = `Restored ${describeCounts(outcome)}, sealed on this device.\nIf the PIN is forgotten or locked, "keyhaven pin change" sets a new one.`
      return { exit: EXIT.ok, json: outcome, text: text + describeConflicts(outcome.identityConflicts) }
    }
    case 'no-backup':
      return noBackupAnswer('"keyhaven backup" on a device with keys makes the first one.')
    case 'unknown-way':
      return {
        exit: EXIT.refused,
        json: outcome,
        text: `This ${what} does not open this backup: it was removed, or belongs to another account. Nothing was changed.`,
      }
  }
}
