/** `keyhaven account export`: everything that the server and this device hold about a person. */
import type { Everything } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount } from '../command-line/words.ts'
import { writePrivate } from '../device/files.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const accountExport: Command = {
  name: 'account export',
  group: 'device',
  summary: 'Write out everything that the server and this device hold about you',
  details: [
    'One JSON object: the account as the server tells it, with devices, sessions and access log; the sealed backup; the ways in and the names of the keys on this device. Private keys are in it only with --reveal, and then in clear.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    reveal: { summary: 'put the private keys of this device in, in clear' },
    out: {
      value: 'FILE',
      summary: 'write to FILE, made with mode 0600, instead of stdout; an existing file is kept',
    },
  },
  run: runExport,
}

async function runExport(invocation: Invocation): Promise<Answer> {
  const { sync } = await requireSignedIn(await openDevice(invocation))
  invocation.progress.show('Reading …')
  const reveal = invocation.flag('reveal')
  const everything = await sync.exportEverything({ reveal, signal: invocation.signal })
  const out = invocation.option('out')
  const text = JSON.stringify(everything, null, 2)
  if (out === undefined) return { exit: EXIT.ok, json: everything, text }
  await writePrivate(out, `${text}\n`)
  return describeFile(out, everything)
}

function describeFile(path: string, { segments, device, revealedKeys }: Everything): Answer {
  const revealed = revealedKeys !== undefined
  const counts = `${describeCount(segments.length, 'sealed segment')} and ${describeCount(device.keys.length, 'key')}`
  return {
    exit: EXIT.ok,
    json: { status: 'exported', file: path, segments: segments.length, keys: device.keys.length, revealed },
    text: `Wrote what the server and this device hold, ${counts} ${revealed ? 'in clear' : 'by name'}, to ${path}.`,
  }
}
