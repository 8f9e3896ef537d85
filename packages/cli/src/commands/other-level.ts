/** `--unlike DIR`: refuses a new PIN that is the one of another level, whose home is on this machine too. */
import { comparePin } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Invocation } from '../command-line/command.ts'
import { openOtherDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

/** For commands that take a new PIN. */
export const UNLIKE_OPTION = {
  unlike: {
    value: 'DIR',
    summary:
      'refuse the PIN of another level, whose home is DIR; costs a guess there, unless that home remembers its PIN',
  },
} as const

/** Refuses the other level's PIN; what is to be said where it could not be compared. */
export async function refuseOthersPin(invocation: Invocation, pin: string): Promise<string> {
  const home = invocation.option('unlike')
  if (home === undefined) return ''
  const { sync } = await requireSignedIn(await openOtherDevice(invocation, home))
  const compared = await comparePin({ level: sync, pin, signal: invocation.signal })
  if (compared === 'same') {
    throw new CommandError(
      'ERR_SECRET_INVALID',
      'This is the PIN of the other level; choose another one. Nothing was changed.',
    )
  }
  return compared === 'other'
    ? ''
    : '\nIt was not compared with the PIN of the other level, which has few guesses left, or waits.'
}
