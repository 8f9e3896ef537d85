/** `keyhaven recovery-code use`: brings the keys of the backup to this device, without the PIN. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { reportProgress } from '../command-line/progress.ts'
import { RECOVERY_CODE, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { wayRestoreAnswer } from './way-answers.ts'

export const recoveryCodeUse: Command = {
  name: 'recovery-code use',
  group: 'device',
  summary: 'Bring the keys of the backup to this device, with a recovery code',
  details: [
    'No PIN is needed and no guess is used. Small letters, spaces and hyphens do not matter, and O, I and L are read as 0 and 1. Everything is verified before anything on this device is changed.',
    'Afterwards "keyhaven pin change" sets a PIN again.',
  ],
  options: { ...DEVICE_OPTIONS, ...secretOptions(RECOVERY_CODE) },
  run: runUse,
}

async function runUse(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const code = await readSecret({ invocation, kind: RECOVERY_CODE, questions: ['Your recovery code'] })
  const { signal, progress } = invocation
  const onProgress = reportProgress(progress, 'Restoring')
  return wayRestoreAnswer(await sync.restoreWithCode({ code, signal, onProgress }), 'recovery code')
}
