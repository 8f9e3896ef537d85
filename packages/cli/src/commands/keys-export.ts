/** `keyhaven keys export --reveal`: the keys in clear, in the shape that `keys import` takes. */
import { open } from 'node:fs/promises'
import { openKeyStore } from 'keyhaven/sync'
import type { KeySet } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import { HOME_OPTION } from '../command-line/command.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCounts } from '../command-line/words.ts'
import { openDevice } from '../device/home.ts'
import { countKeys, serializeKeys } from '../device/key-file.ts'

export const keysExport: Command = {
  name: 'keys export',
  group: 'device',
  summary: 'Write out the keys of this device in clear, with --reveal',
  details: [
    'Prints the keys as JSON, or writes them to a new file that only its owner can read. They are not sealed any more: whoever has them is you.',
  ],
  options: {
    ...HOME_OPTION,
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

async function writePrivate(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new CommandError('ERR_FILE_EXISTS', `${path} is there already and was kept; name a new file.`)
    }
    throw new CommandError('ERR_FILE_NOT_WRITTEN', `${path} cannot be written.`, EXIT.fault)
  }
}

function describeFile(path: string, keys: KeySet): Answer {
  const counts = countKeys(keys)
  return {
    exit: EXIT.ok,
    json: { status: 'exported', file: path, ...counts },
    text: `Wrote ${describeCounts(counts)} in clear to ${path}.`,
  }
}
