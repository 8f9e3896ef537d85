/** `keyhaven realms`: which realms this device relies on, who runs them, and what it takes for them to cheat. */
import { describeReliance, serializeConfiguration } from 'keyhaven/recovery'
import type { Configuration, Reliance } from 'keyhaven/recovery'
import { KeyhavenError } from 'keyhaven'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { describeRealms, isSameConfiguration } from '../device/realms.ts'
import { loadSettings } from '../device/settings.ts'
import { listSigned } from '../device/sync.ts'

export const realms: Command = {
  name: 'realms',
  group: 'device',
  summary: 'Show which realms this device relies on, and how many would have to collude',
  details: [
    'Asks nobody: it says what this device was told when it signed in or moved. Who runs a realm is what the file with realms says.',
  ],
  options: DEVICE_OPTIONS,
  run: runRealms,
}

async function runRealms(invocation: Invocation): Promise<Answer> {
  const { vault } = await openDevice(invocation)
  const settings = await loadSettings(vault)
  if (settings === undefined) throw new KeyhavenError('ERR_SIGNED_OUT', undefined)
  const { configuration, signed } = settings
  const [newest = configuration] = listSigned(settings)
  const reliance = describeReliance(configuration)
  const toMove = isSameConfiguration(newest, configuration) ? undefined : newest
  return {
    exit: EXIT.ok,
    json: {
      status: 'ok',
      ...reliance,
      signedBy: signed?.publicKey ?? null,
      toMove: toMove === undefined ? null : serializeConfiguration(toMove),
    },
    text: [
      `This device relies on ${describeRealms(configuration)}`,
      ...describeCollusion(reliance),
      ...(signed === undefined ? [] : [`Its realms come from files that are signed by ${signed.publicKey}.`]),
      ...describeMove(toMove),
    ].join('\n'),
  }
}

function describeCollusion({
  realms: all,
  realmsToCollude,
  operatorsToCollude,
  realmsToLose,
}: Reliance): string[] {
  if (all.length === 1) {
    return [
      'Whoever runs it could try every PIN, uncounted; when it is lost, the PIN opens nothing any more.',
    ]
  }
  const operators =
    operatorsToCollude === 1
      ? 'one operator may run as many'
      : `they belong to ${String(operatorsToCollude)} operators or more`
  const named = all.every(({ operator }) => operator !== undefined)
  return [
    `${String(realmsToCollude)} of them together could try every PIN, uncounted; ${operators}.${named ? '' : ' Realms of which nobody is named are taken for those of one operator.'}`,
    `When ${String(realmsToLose)} of them are lost, the PIN opens nothing any more.`,
  ]
}

function describeMove(toMove: Configuration | undefined): string[] {
  if (toMove === undefined) return []
  return [
    `By now the file names ${describeRealms(toMove)}`,
    '"keyhaven realms move" with the same file brings the backup there.',
  ]
}
