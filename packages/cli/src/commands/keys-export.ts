/** `keyhaven keys export --reveal`: the keys in clear, in the shape that `keys import` takes. */
import { openKeyStore } from 'keyhaven/sync'
import type { KeySet } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCounts } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { countKeys, serializeKeys } from '../device/key-file.ts'
import { writePrivate } from '../device/files.ts'

export const keysExport: Command = {
  name: 'keys export',
  group: 'device',
  summary: 'Write out the keys of this device in clear, with --reveal',
  details: [
    'Prints the keys as JSON, or writes them to a new file that only its owner can read. They are not sealed any more: whoever has them is you.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    reveal: { summary: 'yes, show the keys in clear; without it nothing is written' },
    out: {
      value: 'FILE',
      summary: 'write to FILE, made with mode 0600, instead of stdout; an existing file is kept',
    },
  },
  run: runExport,
}

async function runExport(invocation: Invocation): Promise<Answer> {
  if (!invocation.flag('reveal')) {
    const text = 'This would write your private keys in clear. If you mean it, add --reveal.'
    throw new CommandError('ERR_REVEAL_NEEDED', text, EXIT.refused)
  }
  const { vault } = await openDevice(invocation)
  const keys = await openKeyStore(vault).exportKeys()
  const out = invocation.option('out')
  const serialized = serializeKeys(keys)
  if (out === undefined) return { exit: EXIT.ok, json: serialized, text: JSON.stringify(serialized, null, 2) }
  await writePrivate(out, `${JSON.stringify(serialized, null, 2)}\n`)
  return describeFile(out, keys)
}

function describeFile(path: string, keys: KeySet): Answer {
  const counts = countKeys(keys)
  return {
    exit: EXIT.ok,
    json: { status: 'exported', file: path, ...counts },
    text: `Wrote ${describeCounts(counts)} in clear to ${path}.`,
  }
}
