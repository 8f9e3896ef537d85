/** Asks before something that cannot be undone; programs say `--yes`. */
import { KeyhavenError } from 'keyhaven'
import { CommandError } from './command-error.ts'
import type { Invocation, OptionDefinition } from './command.ts'
import { EXIT } from './exit-codes.ts'

/** The option that answers the question beforehand. */
export const YES_OPTION: Readonly<Record<string, OptionDefinition>> = {
  yes: { summary: 'do not ask whether it is meant' },
}

/** Returns when the person agrees; `ERR_CONFIRMATION_NEEDED` where nobody can be asked, `ERR_ABORTED` at a no. */
export async function requireConfirmation(invocation: Invocation, question: string): Promise<void> {
  if (invocation.flag('yes')) return
  const unasked = 'This cannot be undone, and nobody can be asked here. If you mean it, add --yes.'
  if (!(await askYesOrNo(invocation, { question, unasked })))
    throw new KeyhavenError('ERR_ABORTED', undefined)
}

/** True for a yes, false for a no and for Ctrl-C; `ERR_CONFIRMATION_NEEDED` with the text `unasked` where nobody can be asked. */
export async function askYesOrNo(
  invocation: Invocation,
  { question, unasked }: { readonly question: string; readonly unasked: string },
): Promise<boolean> {
  if (invocation.stdin.isTTY !== true)
    throw new CommandError('ERR_CONFIRMATION_NEEDED', unasked, EXIT.refused)
  const { confirm } = await import('@clack/prompts')
  const answer = await confirm({
    message: question,
    initialValue: false,
    withGuide: false,
    input: invocation.stdin,
    output: process.stderr,
    signal: invocation.signal,
  })
  return answer === true
}
