/** What deleting and starting afresh answer while they wait, and about realms that could not be reached. */
import type { RemovalWaiting, StillThere } from 'keyhaven/sync'
import type { Answer } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeMoment } from '../command-line/words.ts'
import { describeClock } from './pin-answers.ts'

/** `again` is the command that carries it out after the wait. */
export function removalWaitingAnswer(outcome: RemovalWaiting, again: string): Answer {
  const open = outcome.notBegunOn.map(
    (realmId) =>
      `\nRealm ${realmId} could not be asked; run the command again soon, or it waits longer there.`,
  )
  return {
    exit: EXIT.waiting,
    json: outcome,
    text: `This device does not have the backup open, so this has to wait: run "${again}" again ${describeMoment(outcome.until)} or later.\nUntil then each of your other devices, and a restore with the PIN, can end the wait.${open.join('')}`,
  }
}

/** A line for each realm that still holds something. */
export function describeRemaining(left: StillThere, again: string): string {
  const line = (realmId: string): string =>
    `\nRealm ${realmId} could not be reached, or waits, and still holds its share; "${again}" tries again.`
  return left.remainsOn.map(line).join('') + describeClock(left)
}
