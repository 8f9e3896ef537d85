/** What linking asks and answers on both sides. */
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'

/** Asks on the terminal; there is no option that says yes unseen. */
export async function confirmDigits(invocation: Invocation, question: string): Promise<boolean> {
  invocation.progress.clear()
  if (!process.stdin.isTTY) {
    const text =
      'The digits have to be compared by a person: run this in a terminal, or use the code of the link.'
    throw new CommandError('ERR_CONFIRMATION_NEEDED', text, EXIT.refused)
  }
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({
    message: question,
    initialValue: false,
    withGuide: false,
    input: process.stdin,
    output: process.stderr,
    signal: invocation.signal,
  })
  return !isCancel(answer) && answer
}

export function linkEndedAnswer(status: 'refused' | 'expired'): Answer {
  const text =
    status === 'refused'
      ? 'The link was refused on one of the two devices; nothing was changed.'
      : 'The link is over: nobody answered in time, or the other device ended it. Nothing was changed.'
  return { exit: EXIT.refused, json: { status }, text }
}
