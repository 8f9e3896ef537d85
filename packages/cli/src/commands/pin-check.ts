/** `keyhaven pin check`: whether a person still has the PIN in mind, at no guess's cost. */
import type { PinCheck } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { PIN, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { describeMoment } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const pinCheck: Command = {
  name: 'pin check',
  group: 'device',
  summary: 'Check that you still have the PIN in mind; asks no server, costs no guess',
  details: [
    'Works once "keyhaven backup", "keyhaven restore" or "keyhaven pin change" was given the PIN with --remember-pin. Then a verifier of the PIN lies in the vault of this device: whoever opens the vault can try PINs against it.',
    'When it stays wrong, "keyhaven pin change" gives the backup another PIN without the old one.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    forget: { summary: 'remove what --remember-pin kept, and ask for nothing' },
    ...secretOptions(PIN),
  },
  run: runPinCheck,
}

async function runPinCheck(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  if (invocation.flag('forget')) {
    await sync.forgetPin()
    return {
      exit: EXIT.ok,
      json: { status: 'forgotten' },
      text: 'Nothing of the PIN is kept on this device.',
    }
  }
  if ((await sync.nextPinReminder()) === undefined) return describeCheck({ status: 'not-remembered' })
  const pin = await readSecret({ invocation, kind: PIN, questions: ['The PIN of your backup'] })
  return describeCheck(await sync.checkPin(pin))
}

function describeCheck(check: PinCheck): Answer {
  switch (check.status) {
    case 'right':
      return { exit: EXIT.ok, json: check, text: `Right. Check again ${when(check)}, or whenever you like.` }
    case 'wrong':
      return {
        exit: EXIT.wrongPin,
        json: check,
        text: 'That is not the PIN; no guess was used. "keyhaven pin change" sets another one, without the old.',
      }
    case 'not-remembered':
      return {
        exit: EXIT.refused,
        json: check,
        text: 'This device keeps nothing to check a PIN against: give it the PIN with --remember-pin first, or it was changed since.',
      }
  }
}

function when({ next }: { readonly next: Date }): string {
  return describeMoment(next.toISOString())
}
