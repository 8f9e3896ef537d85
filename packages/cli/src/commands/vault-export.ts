/** `keyhaven vault export --reveal`: one record of the vault, as text or as its bytes. */
import { KeyhavenError } from 'keyhaven'
import { toBase64 } from 'keyhaven/crypto'
import { exportNostrKey } from 'keyhaven/nostr'
import type { Vault } from 'keyhaven/vault'
import { chooseWord } from '../command-line/choice.ts'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { PASSWORD, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { printable } from '../command-line/words.ts'
import { writePrivate } from '../device/files.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { KEY_FORMS } from '../device/key-text.ts'
import type { KeyForm } from '../device/key-text.ts'
import { requireRecordName } from '../device/record-name.ts'
import { requireNoPassword } from './vault-import.ts'

export const vaultExport: Command = {
  name: 'vault export',
  group: 'vault',
  summary: 'Write out one record of the vault in clear, with --reveal',
  details: [
    'nsec, hex and ncryptsec write a Nostr key as text, ncryptsec under a password that is asked for (NIP-49); raw writes the bytes of any record as they are, with --json in base64.',
    'Prints to stdout, or writes a new file that only its owner can read. Whoever has the key is you.',
  ],
  positionals: [{ name: 'NAME', summary: 'the record, such as nostr' }],
  options: {
    ...DEVICE_OPTIONS,
    as: { value: 'FORM', summary: 'what to write: nsec, ncryptsec, hex or raw' },
    reveal: { summary: 'yes, let the key out of the vault; without it nothing is written' },
    out: {
      value: 'FILE',
      summary: 'write to FILE, made with mode 0600, instead of stdout; an existing file is kept',
    },
    ...secretOptions(PASSWORD),
  },
  run: runExport,
}

async function runExport(invocation: Invocation): Promise<Answer> {
  const form = chooseWord({ what: '--as', typed: invocation.option('as'), words: KEY_FORMS })
  const name = requireRecordName(invocation.positionals[0] ?? '')
  requireNoPassword(invocation, form)
  if (!invocation.flag('reveal')) {
    const text = 'This would let a key out of the vault. If you mean it, add --reveal.'
    throw new CommandError('ERR_REVEAL_NEEDED', text, EXIT.refused)
  }
  const out = invocation.option('out')
  if (form === 'raw' && out === undefined && !invocation.json && process.stdout.isTTY) {
    throw new CommandError('ERR_USAGE', 'Raw bytes are not for a terminal; name a file with --out FILE.')
  }
  const { vault } = await openDevice(invocation)
  const key = form === 'raw' ? await readRaw(vault, name) : await readText(invocation, { vault, name, form })
  if (out !== undefined) return writeOut({ out, name, form, key })
  const json = { status: 'exported', name, as: form, key: typeof key === 'string' ? key : toBase64(key) }
  return typeof key === 'string'
    ? { exit: EXIT.ok, json, text: key }
    : { exit: EXIT.ok, json, text: '', bytes: key }
}

async function readRaw(vault: Vault, name: string): Promise<Uint8Array> {
  const record = await vault.get(name)
  if (record === undefined) throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  return record.bytes
}

async function readText(
  invocation: Invocation,
  input: { readonly vault: Vault; readonly name: string; readonly form: Exclude<KeyForm, 'raw'> },
): Promise<string> {
  const { vault, name, form } = input
  if (form !== 'ncryptsec') return exportNostrKey({ vault, as: form, record: name })
  if (!(await vault.list()).some((record) => record.name === name))
    throw new KeyhavenError('ERR_RECORD_MISSING', undefined)
  const questions = ['Choose a password for the ncryptsec', 'The same password again']
  const password = await readSecret({ invocation, kind: PASSWORD, questions })
  return exportNostrKey({ vault, as: form, record: name, password })
}

async function writeOut(input: {
  readonly out: string
  readonly name: string
  readonly form: KeyForm
  readonly key: string | Uint8Array
}): Promise<Answer> {
  const { out, name, form, key } = input
  await writePrivate(out, typeof key === 'string' ? `${key}\n` : key)
  const how = form === 'ncryptsec' ? 'under its password' : 'in clear'
  return {
    exit: EXIT.ok,
    json: { status: 'exported', name, as: form, file: out },
    text: `Wrote ${printable(name)} ${how} to ${out}.`,
  }
}
