/** `keyhaven login`: signs a device in with a phone number and the code that is sent to it. */
import { hostname } from 'node:os'
import { KeyhavenError } from 'keyhaven'
import { parseHex } from 'keyhaven/crypto'
import {
  deriveLevel,
  httpTransport,
  openConfiguration,
  openSession,
  requestSignInCode,
  signIn,
} from 'keyhaven/sync'
import type { Session } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import {
  LEVEL,
  readSecret,
  secretIsNamed,
  secretOptions,
  SIGN_IN_CODE,
} from '../command-line/secret-input.ts'
import { DEVICE_OPTIONS, openOrCreateDevice } from '../device/home.ts'
import type { Device } from '../device/home.ts'
import { chooseConfiguration, describeRealms, parseServer } from '../device/realms.ts'
import { keepPendingSignIn, loadPendingSignIn, loadSettings, pinSettings } from '../device/settings.ts'
import type { DeviceSettings, PendingSignIn } from '../device/settings.ts'
import { REALMS_KEY_OPTION, chooseRealmsKey } from '../device/signed-realms.ts'
import { serializeConfiguration } from 'keyhaven/recovery'

const MOST_LABEL = 64

export const login: Command = {
  name: 'login',
  group: 'device',
  summary: 'Sign this device in with a phone number and the code sent to it',
  details: [
    'Sets the device up if its folder is empty, asks the server to send a code to the phone, then asks for the code.',
    'The first sign-in fixes the server and the realms that this device relies on: the realms of --realms, or the one realm of the server itself. No later answer of a server changes them. With --realms-key the file must be signed by that key, and "keyhaven realms move" takes later ones of the same key.',
    'With --level, this home is for another level of yours, which has a PIN and keys of its own and is found by number and word together. A word that you never used makes a new, empty level.',
    'For programs, in two steps: "keyhaven login --request …" sends the code, "keyhaven login --code-file FILE" uses it.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    server: { value: 'URL', summary: 'the server; needed once for each device' },
    phone: { value: 'NUMBER', summary: 'the phone number with its country, such as +15551234567' },
    realms: {
      value: 'FILE',
      summary: "realm configuration as JSON, instead of the server's own single realm",
    },
    ...REALMS_KEY_OPTION,
    label: {
      value: 'TEXT',
      summary: 'what the access log calls this device',
      default: 'the name of this computer',
    },
    level: { summary: 'for a home that is empty: another level of yours, whose word is asked for' },
    ...secretOptions(LEVEL),
    request: { summary: 'only have the code sent; finish with --code-file or --code-stdin' },
    ...secretOptions(SIGN_IN_CODE),
  },
  run: runLogin,
}

type WantedSignIn = Omit<PendingSignIn, 'requestId'>

async function runLogin(invocation: Invocation): Promise<Answer> {
  const device = await openOrCreateDevice(invocation)
  const waiting = await loadPendingSignIn(device.vault)
  const wanted = await resolveSignIn(invocation, device, waiting)
  let requestId =
    secretIsNamed(invocation, SIGN_IN_CODE) && waiting !== undefined && isSameSignIn(waiting, wanted)
      ? waiting.requestId
      : undefined
  if (requestId === undefined) {
    const sent = await requestSignInCode({
      origin: wanted.server,
      phone: wanted.phone,
      vault: device.vault,
      level: wanted.level,
    })
    requestId = sent.requestId
    await keepPendingSignIn(device.vault, { ...wanted, requestId })
    if (invocation.flag('request')) return codeSent(sent.expiresInSeconds)
  }
  const questions = [`The code sent to ${wanted.phone}`]
  const code = await readSecret({ invocation, kind: SIGN_IN_CODE, questions })
  const session = await signIn({
    origin: wanted.server,
    phone: wanted.phone,
    level: wanted.level,
    requestId,
    code,
    vault: device.vault,
    deviceLabel: deviceLabel(invocation),
  })
  const settings = await openRealms(device, wanted, session)
  await pinSettings(device.vault, settings)
  return signedIn(settings, session)
}

/** Where the backup is: of a signed document perhaps the realms before, until it is moved. */
async function openRealms(
  { vault }: Device,
  wanted: DeviceSettings,
  session: Session,
): Promise<DeviceSettings> {
  const { signed } = wanted
  if (signed === undefined) return wanted
  const publicKey = parseHex(signed.publicKey, 'publicKey', 32)
  const transport = httpTransport({ session })
  const { configuration } = await openConfiguration({
    transport,
    vault,
    document: signed.document,
    publicKey,
  })
  return { ...wanted, configuration }
}

function isSameSignIn(waiting: PendingSignIn, wanted: WantedSignIn): boolean {
  const { server, phone, level } = wanted
  return waiting.server === server && waiting.phone === phone && waiting.level === level
}

/** What was typed, completed by what this device is pinned to and by a sign-in that waits for its code. */
async function resolveSignIn(
  invocation: Invocation,
  { home, vault }: Device,
  waiting: PendingSignIn | undefined,
): Promise<WantedSignIn> {
  const pinned = await loadSettings(vault)
  const typed = invocation.option('server')
  const server = typed === undefined ? (pinned?.server ?? waiting?.server) : parseServer(typed)
  if (server === undefined) throw new CommandError('ERR_USAGE', 'Name the server with --server URL.')
  if (pinned !== undefined && pinned.server !== server) {
    throw new CommandError(
      'ERR_SERVER_PINNED',
      `${home} belongs to ${pinned.server}; use another --home for another server.`,
    )
  }
  const level = await resolveLevel(invocation, pinned ?? waiting, pinned !== undefined)
  const phone = invocation.option('phone') ?? waiting?.phone ?? (await openSession({ vault }))?.phone
  if (phone === undefined) throw new CommandError('ERR_USAGE', 'Name the phone number with --phone NUMBER.')
  const file = invocation.option('realms')
  const publicKey = chooseRealmsKey(invocation, pinned)
  if (file === undefined && invocation.option('realms-key') !== undefined) {
    throw new CommandError('ERR_USAGE', '--realms-key needs the file that is signed: --realms FILE.')
  }
  if (file === undefined && pinned === undefined && waiting?.server === server)
    return { ...waiting, phone, level }
  const realms = await chooseConfiguration({ server, file, publicKey, pinned, signal: invocation.signal })
  return { ...realms, server, phone, level }
}

/** The level whose word was typed, else the one that this home is for; a home is never for two. */
async function resolveLevel(
  invocation: Invocation,
  known: Pick<PendingSignIn, 'level'> | undefined,
  isPinned: boolean,
): Promise<string | undefined> {
  if (!invocation.flag('level') && !secretIsNamed(invocation, LEVEL)) return known?.level
  const word = await readSecret({ invocation, kind: LEVEL, questions: ['The word of the level'] })
  const level = deriveLevel(word)
  if (isPinned && level !== known?.level) throw new KeyhavenError('ERR_ACCOUNT_MISMATCH', undefined)
  return level
}

function deviceLabel(invocation: Invocation): string {
  const label = invocation.option('label') ?? hostname()
  if (invocation.option('label') !== undefined && label.length > MOST_LABEL) {
    throw new CommandError('ERR_USAGE', `--label takes at most ${String(MOST_LABEL)} characters.`)
  }
  return label.slice(0, MOST_LABEL) || 'keyhaven'
}

function codeSent(expiresInSeconds: number): Answer {
  return {
    exit: EXIT.ok,
    json: { status: 'code-sent', expiresInSeconds },
    text: `A code is on its way and is good for ${String(Math.round(expiresInSeconds / 60))} minutes; finish with "keyhaven login --code-file FILE".`,
  }
}

function signedIn(
  wanted: DeviceSettings,
  session: { readonly phone: string; readonly accountId: string; readonly deviceId: string },
): Answer {
  const { server, configuration, level } = wanted
  const where = level === undefined ? server : `${server}, in another level`
  const { phone, accountId, deviceId } = session
  return {
    exit: EXIT.ok,
    json: {
      status: 'signed-in',
      server,
      phone,
      accountId,
      deviceId,
      realms: serializeConfiguration(configuration),
    },
    text: `Signed in as ${phone} at ${where}.\nThis device relies on ${describeRealms(configuration)}.`,
  }
}
