/** `keyhaven keys import FILE`: takes keys in clear into the device's vault. */
import { openKeyStore } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCounts } from '../command-line/words.ts'
import { readUpTo } from '../device/files.ts'
import { DEVICE_OPTIONS, openOrCreateDevice } from '../device/home.ts'
import { MOST_BYTES, countKeys, parseKeyFile } from '../device/key-file.ts'

export const keysImport: Command = {
  name: 'keys import',
  group: 'device',
  summary: 'Take keys from a file into this device',
  details: [
    'The file is JSON: {"identityKeys":{"name":"base64",…},"conversationKeys":{"id":"base64",…}}, standard base64 with padding. It is read whole and checked before anything is taken in.',
    'The keys are sealed on this device; "keyhaven backup" brings them to the server. Delete the file afterwards.',
  ],
  positionals: [{ name: 'FILE', summary: 'the file with the keys' }],
  options: DEVICE_OPTIONS,
  run: runImport,
}

async function runImport(invocation: Invocation): Promise<Answer> {
  const keys = parseKeyFile(await readUpTo(invocation.positionals[0] ?? '', MOST_BYTES + 1, 'file with keys'))
  const device = await openOrCreateDevice(invocation)
  const added = await openKeyStore(device.vault).importKeys(keys)
  const given = countKeys(keys)
  const total = given.identityKeys + given.conversationKeys
  const known = total - added.identityKeys - added.conversationKeys
  return {
    exit: EXIT.ok,
    json: { status: 'imported', ...given, added },
    text: describeImport(describeCounts(given), known, total),
  }
}

function describeImport(counts: string, known: number, total: number): string {
  if (total === 0) return 'There are no keys in this file.'
  if (known === total) return `${counts}: all of them were here already.`
  const already = known === 0 ? '' : ` (${known.toLocaleString('en')} of them were here already)`
  return `Imported ${counts}${already}.\nThey are sealed on this device and not backed up yet.`
}
