/** `keyhaven devices rename`: gives a device another name. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { chooseDevice, unknownDevice } from '../device/choose-device.ts'
import { requireSignedIn } from '../device/sync.ts'

export const devicesRename: Command = {
  name: 'devices rename',
  group: 'device',
  summary: 'Give a device another name',
  positionals: [
    { name: 'DEVICE', summary: 'its id, or the beginning of it, or its name' },
    { name: 'NAME', summary: 'its new name, 1 to 64 characters' },
  ],
  options: DEVICE_OPTIONS,
  run: runRename,
}

async function runRename(invocation: Invocation): Promise<Answer> {
  const [typed = '', label = ''] = invocation.positionals
  const { signal } = invocation
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const { id } = chooseDevice(await sync.listDevices({ signal }), typed)
  if (!(await sync.renameDevice({ id, label, signal }))) throw unknownDevice()
  return {
    exit: EXIT.ok,
    json: { status: 'renamed', id, label },
    text: `The device ${id.slice(0, 8)} is ${printable(label)} now.`,
  }
}
