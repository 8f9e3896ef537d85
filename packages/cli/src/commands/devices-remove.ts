/** `keyhaven devices remove`: shuts a device out of the account and of the backup. */
import type { RemovalOutcome, SyncDevice } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { requireConfirmation, YES_OPTION } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { chooseDevice, unknownDevice } from '../device/choose-device.ts'
import { requireSignedIn } from '../device/sync.ts'
import { describeRemains } from './pin-answers.ts'

export const devicesRemove: Command = {
  name: 'devices remove',
  group: 'device',
  summary: 'Remove a device: it is signed out at once and opens the backup no more',
  details: [
    'The server ends the sessions of the device, and the backup gets a new key that is sealed to every other device and to the PIN, but not to it. What the device has on it stays on it. If somebody else holds it and may know the PIN, change the PIN as well.',
    'This device can be removed, too: its keys stay here, and it needs the PIN to come back.',
  ],
  positionals: [{ name: 'DEVICE', summary: 'its id, or the beginning of it, or its name' }],
  options: { ...DEVICE_OPTIONS, ...YES_OPTION },
  run: runRemove,
}

async function runRemove(invocation: Invocation): Promise<Answer> {
  const { signal, progress } = invocation
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const device = chooseDevice(await sync.listDevices({ signal }), invocation.positionals[0] ?? '')
  await requireConfirmation(invocation, questionOf(device))
  const onProgress = reportProgress(progress, 'Removing')
  const outcome = await sync.removeDevice({ id: device.id, signal, onProgress })
  if (outcome.status === 'unknown-device') throw unknownDevice()
  return {
    exit: EXIT.ok,
    json: { ...outcome, id: device.id, label: device.label, current: device.current },
    text: describeRemoval(device, outcome),
  }
}

function questionOf({ label, current }: SyncDevice): string {
  if (!current) return `Remove ${printable(label)}? It is signed out and opens the backup no more.`
  return `Remove this device, ${printable(label)}? Its keys stay here, but it takes the PIN to come back.`
}

function describeRemoval(
  { label, current }: SyncDevice,
  outcome: Extract<RemovalOutcome, { readonly status: 'removed' }>,
): string {
  const name = current ? 'This device' : printable(label)
  const shut = outcome.rotated ? ', and the backup has a new key that it does not get' : ''
  const after = current
    ? '\nIts keys are still here. "keyhaven login" and "keyhaven restore" bring it back.'
    : ''
  return `${name} is removed: it is signed out${shut}.${describeRemains(outcome)}${after}`
}
