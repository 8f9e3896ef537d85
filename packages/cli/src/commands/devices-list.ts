/** `keyhaven devices list`: the devices of the account, and which of them open the backup. */
import type { SyncDevice } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { alignColumns, describeCount, describeTime, printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const devicesList: Command = {
  name: 'devices list',
  group: 'device',
  summary: 'List the devices of the account, and which of them open the backup',
  details: [
    'Which devices open the backup, and their names, are what the backup itself says. When a device was used is what the server says.',
  ],
  options: DEVICE_OPTIONS,
  run: runList,
}

async function runList(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const devices = await sync.listDevices({ signal: invocation.signal })
  return {
    exit: EXIT.ok,
    json: { status: 'ok', devices },
    text: [describeCount(devices.length, 'device'), ...alignColumns(devices.map(describeRow))].join('\n'),
  }
}

function describeRow(device: SyncDevice): readonly string[] {
  const { id, label, current, lastUsed } = device
  const used = lastUsed === undefined ? 'not known to the server' : `last used ${describeTime(lastUsed)}`
  return [id.slice(0, 8), printable(label), used, describeAccess(device), current ? 'this device' : '']
}

function describeAccess({ signedIn, opensBackup }: SyncDevice): string {
  const session = signedIn ? 'signed in' : 'signed out'
  if (opensBackup === undefined) return session
  return `${session}, ${opensBackup ? 'opens the backup' : 'does not open the backup'}`
}
