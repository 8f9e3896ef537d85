/** What linking asks and answers on both sides. */
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Invocation } from '../command-line/command.ts'
import { askYesOrNo } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'

const UNASKED = 'The new device gets every key, and nobody can be asked here. If you mean it, add --yes.'

/** Before anything is begun, since a link has one try: `ERR_CONFIRMATION_NEEDED` where nobody can be asked for a device by code. */
export function requireAnswerable(invocation: Invocation): void {
  if (invocation.flag('yes') || invocation.stdin.isTTY === true) return
  throw new CommandError('ERR_CONFIRMATION_NEEDED', UNASKED, EXIT.refused)
}

/** A code can come from anybody who can sign in: the name is asked for, unless `--yes` said so before. */
export async function confirmDevice(invocation: Invocation, name: string): Promise<boolean> {
  if (invocation.flag('yes')) return true
  invocation.progress.clear()
  return askYesOrNo(invocation, {
    question: `Give every key to the new device, which calls itself ${name}?`,
    unasked: UNASKED,
  })
}

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
