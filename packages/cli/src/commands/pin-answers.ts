/** What backup and restore answer when the PIN did not open the backup. */
import type { Answer } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeGuesses } from '../command-line/words.ts'

export function wrongPinAnswer(guessesRemaining: number): Answer {
  return {
    exit: EXIT.wrongPin,
    json: { status: 'wrong-pin', guessesRemaining },
    text: `Wrong PIN; ${describeGuesses(guessesRemaining)}. Nothing was changed.`,
  }
}

export function lockedAnswer(): Answer {
  return {
    exit: EXIT.locked,
    json: { status: 'locked' },
    text: 'Locked: the guesses are used up, and the PIN does not open this backup any more. A device that has it open still can.',
  }
}
