/** What linking asks and answers on both sides. */
import type { Answer, Invocation } from '../command-line/command.ts'
import { askYesOrNo } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'

/** Asks on the terminal; there is no option that says yes unseen. */
export async function confirmDigits(invocation: Invocation, question: string): Promise<boolean> {
  invocation.progress.clear()
  const unasked =
    'The digits have to be compared by a person: run this in a terminal, or use the code of the link.'
  return askYesOrNo(invocation, { question, unasked })
}

export function linkEndedAnswer(status: 'refused' | 'expired'): Answer {
  const text =
    status === 'refused'
      ? 'The link was refused on one of the two devices; nothing was changed.'
      : 'The link is over: nobody answered in time, or the other device ended it. Nothing was changed.'
  return { exit: EXIT.refused, json: { status }, text }
}
