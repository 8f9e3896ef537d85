/** `keyhaven realms move`: registers the backup at other realms, and relies on those from then on. */
import { serializeConfiguration } from 'keyhaven/recovery'
import { parseHex } from 'keyhaven/crypto'
import { httpTransport, openConfiguration } from 'keyhaven/sync'
import type { MoveOutcome } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { PIN, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { describeRealms } from '../device/realms.ts'
import { pinSettings } from '../device/settings.ts'
import type { DeviceRealms } from '../device/settings.ts'
import { REALMS_KEY_OPTION, chooseRealmsKey, readRealms } from '../device/signed-realms.ts'
import { requireSignedIn } from '../device/sync.ts'
import type { SignedInDevice } from '../device/sync.ts'
import {
  describeRemains,
  lockedAnswer,
  noBackupAnswer,
  waitingAnswer,
  wrongPinAnswer,
} from './pin-answers.ts'

export const realmsMove: Command = {
  name: 'realms move',
  group: 'device',
  summary: 'Move the backup to other realms, such as from one to two of three',
  details: [
    'Registers the backup at the realms of --realms and then has the old ones delete it. Until that is done only the old realms open the backup, afterwards only the new ones. The PIN stays and is checked first; a wrong one costs a guess. With --new-pin it is not checked and becomes the PIN.',
    'A device whose realms come from a signed file takes only later files of the same key, and "--realms-key" begins that.',
    'Run it with the same file on each other device: it finds the backup moved, and only takes the new realms. Run again after a failure, it takes up what was left.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    realms: { value: 'FILE', summary: 'the realms to move to, as JSON; needed' },
    ...REALMS_KEY_OPTION,
    'new-pin': { summary: 'the PIN that is given becomes the PIN, whatever it was' },
    'allow-weaker': { summary: 'allow fewer realms or lower thresholds than now' },
    ...secretOptions(PIN),
  },
  run: runMove,
}

async function runMove(invocation: Invocation): Promise<Answer> {
  const file = invocation.option('realms')
  if (file === undefined)
    throw new CommandError('ERR_USAGE', 'Name the realms to move to with --realms FILE.')
  const device = await requireSignedIn(await openDevice(invocation))
  const named = await readRealms(file, chooseRealmsKey(invocation, device.settings))
  await noteSigned(device, named)
  const { configuration } = named
  const isNewPin = invocation.flag('new-pin')
  const questions = isNewPin ? ['The new PIN', 'The same PIN again'] : ['The PIN of your backup']
  const pin = await readSecret({ invocation, kind: PIN, questions })
  const { signal, progress } = invocation
  const onProgress = reportProgress(progress, 'Moving')
  const allowWeaker = invocation.flag('allow-weaker')
  const outcome = await device.sync.moveRealms({
    pin,
    configuration,
    isNewPin,
    allowWeaker,
    signal,
    onProgress,
  })
  if (outcome.status !== 'moved') return describeRefusal(outcome)
  await pinSettings(device.vault, { ...device.settings, ...named })
  return {
    exit: EXIT.ok,
    json: { ...outcome, realms: serializeConfiguration(configuration) },
    text: `${outcome.uploaded === 0 ? 'The backup is at these realms already.' : 'The backup is moved.'} This device relies on ${describeRealms(configuration)}.${describeRemains(outcome)}`,
  }
}

/** A signed file that is older than one that was here is refused, also where nothing came of that one. */
async function noteSigned({ session, vault }: SignedInDevice, { signed }: DeviceRealms): Promise<void> {
  if (signed === undefined) return
  const publicKey = parseHex(signed.publicKey, 'publicKey', 32)
  const transport = httpTransport({ session })
  await openConfiguration({ transport, vault, document: signed.document, publicKey })
}

function describeRefusal(outcome: Exclude<MoveOutcome, { readonly status: 'moved' }>): Answer {
  if (outcome.status === 'wrong-pin') return wrongPinAnswer(outcome.guessesRemaining)
  if (outcome.status === 'locked') return lockedAnswer()
  if (outcome.status === 'waiting') return waitingAnswer(outcome)
  return noBackupAnswer(
    '"keyhaven login --realms FILE" in another --home relies on other realms from the start.',
  )
}
