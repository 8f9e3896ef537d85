/** `keyhaven ways list`: everything that opens the backup. */
import type { ListedWay } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { alignColumns, printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const waysList: Command = {
  name: 'ways list',
  group: 'device',
  summary: 'List what opens the backup: the PIN, devices, recovery codes, kits, passkeys, contacts',
  options: DEVICE_OPTIONS,
  run: runList,
}

async function runList(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const ways = await sync.listWays({ signal: invocation.signal })
  const text = ways.length === 0 ? 'There is no backup yet.' : alignColumns(ways.map(describeRow)).join('\n')
  return { exit: EXIT.ok, json: { status: 'ok', ways }, text }
}

function describeRow({ id, type, label, thisDevice }: ListedWay): readonly string[] {
  return [id.slice(0, 8), printable(type), printable(label), thisDevice ? 'this device' : '']
}
