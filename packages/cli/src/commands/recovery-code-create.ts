/** `keyhaven recovery-code create`: another way into the backup, on a piece of paper. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { noBackupAnswer } from './pin-answers.ts'

export const recoveryCodeCreate: Command = {
  name: 'recovery-code create',
  group: 'device',
  summary: 'Make a recovery code, which restores without the PIN',
  details: [
    'The code is shown once and kept nowhere: write it down. Whoever has it, and your phone number to sign in with, opens the backup; no guess is counted. "keyhaven ways remove" takes it out of use.',
    'Works on a device that has its part in the backup. A backup may have several codes.',
  ],
  options: DEVICE_OPTIONS,
  run: runCreate,
}

async function runCreate(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const outcome = await sync.addRecoveryCode({ signal: invocation.signal })
  if (outcome.status === 'no-backup') return noBackupAnswer('"keyhaven backup" makes the first one.')
  return {
    exit: EXIT.ok,
    json: outcome,
    text: `Your recovery code, shown this once:\n\n    ${outcome.code}\n\nWrite it down and keep it apart from your devices. It has no I, L, O or U.\n"keyhaven recovery-code use" restores with it; "keyhaven ways remove ${outcome.wayId.slice(0, 8)}" takes it out of use.`,
  }
}
