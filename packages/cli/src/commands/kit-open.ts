/** `keyhaven kit open FILE`: brings the keys of the backup to this device, with a recovery kit. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { reportProgress } from '../command-line/progress.ts'
import { PASSWORD, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { readBounded } from '../device/files.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { parseText, rejected } from '../device/key-text.ts'
import { requireSignedIn } from '../device/sync.ts'
import { wayRestoreAnswer } from './way-answers.ts'

const MOST_BYTES = 8192

export const kitOpen: Command = {
  name: 'kit open',
  group: 'device',
  summary: 'Bring the keys of the backup to this device, with a recovery kit',
  details: [
    'Asks for the passphrase of the kit. No PIN is needed and no guess is used; everything is verified before anything on this device is changed.',
    'Afterwards "keyhaven pin change" sets a PIN again.',
  ],
  positionals: [{ name: 'FILE', summary: 'the kit' }],
  options: { ...DEVICE_OPTIONS, ...secretOptions(PASSWORD) },
  run: runOpen,
}

async function runOpen(invocation: Invocation): Promise<Answer> {
  const file = parseText(await readBounded(invocation.positionals[0] ?? '', MOST_BYTES))
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const questions = ['The passphrase of the kit']
  const passphrase = await readSecret({ invocation, kind: PASSWORD, questions })
  const { signal, progress } = invocation
  const onProgress = reportProgress(progress, 'Restoring')
  const outcome = await sync.restoreWithKit({ file, passphrase, signal, onProgress })
  if (outcome.status === 'rejected') throw rejected('kit')
  return wayRestoreAnswer(outcome, 'kit')
}
