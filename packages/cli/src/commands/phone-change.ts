/** `keyhaven phone change`: gives the account another phone number. */
import { requestSignInCode } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { readSecret, secretIsNamed, secretOptions, SIGN_IN_CODE } from '../command-line/secret-input.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { dropPendingPhone, keepPendingPhone, loadPendingPhone } from '../device/settings.ts'
import type { PendingSignIn } from '../device/settings.ts'
import { requireSignedIn } from '../device/sync.ts'
import type { SignedInDevice } from '../device/sync.ts'

export const phoneChange: Command = {
  name: 'phone change',
  group: 'device',
  summary: 'Give the account another phone number, with a code sent to that one',
  details: [
    'Where there is a backup, only a device that has its part in it can. The backup and its PIN stay; whoever gets the old number later does not meet them.',
    'For programs, in two steps: "keyhaven phone change --phone NUMBER --request" sends the code, "keyhaven phone change --code-file FILE" uses it.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    phone: { value: 'NUMBER', summary: 'the new phone number with its country, such as +15551234567' },
    request: { summary: 'only have the code sent; finish with --code-file or --code-stdin' },
    ...secretOptions(SIGN_IN_CODE),
  },
  run: runPhoneChange,
}

async function runPhoneChange(invocation: Invocation): Promise<Answer> {
  const device = await requireSignedIn(await openDevice(invocation))
  const waiting = await findWaiting(invocation, device)
  const { phone, requestId } = waiting ?? (await sendCode(invocation, device))
  if (waiting === undefined && invocation.flag('request')) return codeSent(phone)
  const code = await readSecret({ invocation, kind: SIGN_IN_CODE, questions: [`The code sent to ${phone}`] })
  const changed = await device.sync.changePhone({ phone, requestId, code, signal: invocation.signal })
  await dropPendingPhone(device.vault)
  return {
    exit: EXIT.ok,
    json: { status: 'phone-changed', phone: changed },
    text: `The account has the number ${changed} now; sign in with that one from now on.\nAnother level, if you have one, keeps the old number until you change it there.`,
  }
}

/** The change whose code was asked for in an earlier run, when a code is given and no other number. */
async function findWaiting(
  invocation: Invocation,
  device: SignedInDevice,
): Promise<PendingSignIn | undefined> {
  if (invocation.flag('request') || !secretIsNamed(invocation, SIGN_IN_CODE)) return undefined
  const waiting = await loadPendingPhone(device.vault)
  const typed = invocation.option('phone')
  return typed === undefined || typed === waiting?.phone ? waiting : undefined
}

async function sendCode(
  invocation: Invocation,
  { settings, session, vault }: SignedInDevice,
): Promise<PendingSignIn> {
  const phone = invocation.option('phone')
  if (phone === undefined)
    throw new CommandError('ERR_USAGE', 'Name the new phone number with --phone NUMBER.')
  const { requestId } = await requestSignInCode({ origin: settings.server, phone, level: session.level })
  const pending = { ...settings, phone, requestId }
  await keepPendingPhone(vault, pending)
  return pending
}

function codeSent(phone: string): Answer {
  return {
    exit: EXIT.ok,
    json: { status: 'code-sent', phone },
    text: `A code is on its way to ${phone}; finish with "keyhaven phone change --code-file FILE".`,
  }
}
