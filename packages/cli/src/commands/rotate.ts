/** `keyhaven rotate`: a new root key for the backup. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { reportProgress } from '../command-line/progress.ts'
import { PIN, readSecret, secretIsNamed, secretOptions } from '../command-line/secret-input.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { describeChange } from './pin-change.ts'

export const rotate: Command = {
  name: 'rotate',
  group: 'device',
  summary: 'Put the backup under a new root key',
  details: [
    'Whatever opened the old root key, such as a stolen copy of a device, does not open what is added from now on. The PIN stays the same, other devices follow by themselves.',
    'Needs no PIN. With the PIN (--pin-file or --pin-stdin) its registration is renewed as well, so that no server can show the old state to a new device. A wrong PIN costs one of the guesses.',
  ],
  options: { ...DEVICE_OPTIONS, ...secretOptions(PIN) },
  run: runRotate,
}

async function runRotate(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const { signal, progress } = invocation
  const named = secretIsNamed(invocation, PIN)
  const pin = named ? await readSecret({ invocation, kind: PIN, questions: [] }) : undefined
  const onProgress = reportProgress(progress, 'Changing the root key')
  return describeChange(await sync.rotate({ signal, onProgress, ...(pin !== undefined && { pin }) }))
}
