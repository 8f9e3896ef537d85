/** `keyhaven ways remove`: takes a recovery code, a kit or a passkey out of use. */
import type { ListedWay } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { requireConfirmation, YES_OPTION } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { describeRemains } from './pin-answers.ts'

export const waysRemove: Command = {
  name: 'ways remove',
  group: 'device',
  summary: 'Take a recovery code, a kit or a passkey out of use',
  details: [
    'The backup gets a new root key that is sealed to every other way in, but not to this one. An old copy of the backup stays readable to whoever has both. The PIN is replaced by "keyhaven pin change", a device is removed by "keyhaven devices remove".',
  ],
  positionals: [{ name: 'WAY', summary: 'its id, or the beginning of it, as "keyhaven ways list" shows it' }],
  options: { ...DEVICE_OPTIONS, ...YES_OPTION },
  run: runRemove,
}

const OWN_COMMANDS: Readonly<Record<string, string>> = {
  pin: 'keyhaven pin change',
  contacts: 'keyhaven contacts remove',
}

async function runRemove(invocation: Invocation): Promise<Answer> {
  const { signal, progress } = invocation
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const way = chooseWay(await sync.listWays({ signal }), invocation.positionals[0] ?? '')
  const name = `${printable(way.label)} (${way.id.slice(0, 8)})`
  await requireConfirmation(invocation, `Remove ${name}? It opens the backup no more.`)
  const onProgress = reportProgress(progress, 'Removing')
  const outcome = await sync.removeWay({ id: way.id, signal, onProgress })
  if (outcome.status === 'unknown-way') throw unknownWay()
  if (outcome.status === 'has-its-own-call') {
    const command = OWN_COMMANDS[way.type] ?? 'keyhaven devices remove'
    throw new CommandError('ERR_USAGE', `This is done by "${command}". Nothing was changed.`)
  }
  return {
    exit: EXIT.ok,
    json: { ...outcome, id: way.id },
    text: `Removed ${name}: the backup has a new root key that it does not open.${describeRemains(outcome)}`,
  }
}

function chooseWay(ways: readonly ListedWay[], typed: string): ListedWay {
  const found = /^[0-9a-f]{4,32}$/.test(typed) ? ways.filter(({ id }) => id.startsWith(typed)) : []
  const [way, another] = found
  if (way === undefined || another !== undefined) throw unknownWay()
  return way
}

function unknownWay(): CommandError {
  return new CommandError(
    'ERR_WAY_UNKNOWN',
    'There is no one way of that id; "keyhaven ways list" shows them.',
  )
}
