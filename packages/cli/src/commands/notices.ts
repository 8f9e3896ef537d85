/** `keyhaven notices`: what other devices did that the person should know of. */
import type { Notice, NoticeKind } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { alignColumns, describeCount, describeTime, printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

const WORDS: Readonly<Record<NoticeKind, string>> = {
  'wrong-pin': 'a wrong PIN was tried',
  'wrong-code': 'a wrong sign-in code was typed',
  'new-device': 'a new device signed in',
  'device-removed': 'a device was removed',
  'phone-changed': 'the phone number was changed',
  'pin-changed': 'the PIN was changed',
  'pin-renewed': 'the PIN was registered anew, as each restore does',
  'deletion-waiting': 'somebody wants the backup deleted or replaced',
  'backup-deleted': 'the backup was deleted',
  'contacts-asked': 'somebody asked the trusted contacts to open the backup',
  'contacts-answered': 'a trusted contact gave his share',
  'contacts-changed': 'the trusted contacts were set or removed',
}

export const notices: Command = {
  name: 'notices',
  group: 'device',
  summary: 'Show what other devices did that you should know of, such as wrong PINs',
  details: [
    'From the verified access log, since they were dismissed last, or since this device first asked; what was before that is in "keyhaven log". If something was not you: "keyhaven devices remove", "keyhaven pin change", "keyhaven delete --keep", "keyhaven contacts stop".',
  ],
  options: { ...DEVICE_OPTIONS, dismiss: { summary: 'do not show these again on this device' } },
  run: runNotices,
}

async function runNotices(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const found = await sync.getNotices({ signal: invocation.signal })
  const dismissed = invocation.flag('dismiss')
  if (dismissed) await sync.dismissNotices(found.upTo)
  return {
    exit: EXIT.ok,
    json: { status: 'ok', notices: found.notices, upTo: found.upTo, dismissed },
    text: describeNotices(found.notices, dismissed),
  }
}

function describeNotices(found: readonly Notice[], dismissed: boolean): string {
  if (found.length === 0) return 'Nothing new.'
  const rows = alignColumns(found.map(describeRow))
  const end = dismissed
    ? 'Dismissed on this device.'
    : '"keyhaven notices --dismiss" does not show them again.'
  return [describeCount(found.length, 'notice'), ...rows, end].join('\n')
}

function describeRow({ kind, event }: Notice): readonly string[] {
  const { at, deviceLabel, address } = event
  const device = deviceLabel === undefined ? '' : printable(deviceLabel)
  return [describeTime(at), WORDS[kind], device, address ?? '']
}
