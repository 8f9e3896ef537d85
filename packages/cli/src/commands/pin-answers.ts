/** What several commands answer about a PIN, about a backup that is not there, and about what a change left behind. */
import type { LeftBehind, Waiting } from 'keyhaven/sync'
import type { Answer } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeGuesses, describeMoment } from '../command-line/words.ts'

/** For commands that get the PIN; with it they keep a verifier of it, for `keyhaven pin check`. */
export const REMEMBER_OPTION = {
  'remember-pin': { summary: 'keep what "keyhaven pin check" checks a PIN against in this vault' },
} as const

export function wrongPinAnswer(guessesRemaining: number): Answer {
  return {
    exit: EXIT.wrongPin,
    json: { status: 'wrong-pin', guessesRemaining },
    text: `Wrong PIN; ${describeGuesses(guessesRemaining)}. Nothing was changed.`,
  }
}

export function waitingAnswer(outcome: Waiting): Answer {
  return {
    exit: EXIT.waiting,
    json: outcome,
    text: `Too many wrong PINs: the next try is possible ${describeMoment(outcome.until)}. This PIN was not tried, and no guess was used.${describeClock(outcome)}`,
  }
}

export function lockedAnswer(): Answer {
  return {
    exit: EXIT.locked,
    json: { status: 'locked' },
    text: 'Locked: the guesses are used up, and the PIN does not open this backup any more. A device that has it open still can.',
  }
}

/** There is no backup; `advice` is a sentence. */
export function noBackupAnswer(advice: string): Answer {
  return {
    exit: EXIT.noBackup,
    json: { status: 'no-backup' },
    text: `There is no backup for this phone number yet. ${advice}`,
  }
}

/** Why signatures of this device are not taken, where that is so. */
export function describeClock({ clockIsWrong }: Pick<LeftBehind, 'clockIsWrong'>): string {
  return clockIsWrong === true
    ? '\nThe clock of this device is minutes off, so its signatures were not taken: set it first.'
    : ''
}

/** A line for each realm on which an old registration remains. */
export function describeRemains(left: LeftBehind): string {
  const line = (realmId: string): string =>
    `\nA registration that is out of use may still lie on realm ${realmId}; each "keyhaven sync" tries to remove it.`
  return left.oldRegistrationRemainsOn.map(line).join('') + describeClock(left)
}
