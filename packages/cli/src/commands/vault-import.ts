/** `keyhaven vault import`: takes one key, or any bytes, from a file into a record of the vault. */
import { isKeyhavenError, KeyhavenError } from 'keyhaven'
import { equal, toHex, wipe } from 'keyhaven/crypto'
import { encodeNpub, importNostrKey } from 'keyhaven/nostr'
import type { Vault } from 'keyhaven/vault'
import { chooseWord } from '../command-line/choice.ts'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { PASSWORD, secretIsNamed, secretOptions } from '../command-line/secret-input.ts'
import { printable } from '../command-line/words.ts'
import { readBounded } from '../device/files.ts'
import { DEVICE_OPTIONS, openOrCreateDevice } from '../device/home.ts'
import { KEY_FORMS, parseNostrKey, parseText } from '../device/key-text.ts'
import { refuseKey, requireRecordName } from '../device/record-name.ts'

const RAW_TYPE = 'raw'
const MOST_TEXT_BYTES = 4096
const MOST_RAW_BYTES = 16 * 1024 * 1024

export const vaultImport: Command = {
  name: 'vault import',
  group: 'vault',
  summary: 'Take a Nostr key, or any bytes, from a file into the vault',
  details: [
    'nsec, hex (64 digits) and ncryptsec (NIP-49; asks for its password) are a Nostr key as text; raw takes the bytes of the file as they are. A name that holds something else is never overwritten; the same key again changes nothing.',
    'The record stays on this device unless "keyhaven keys from-vault" lets the backup carry it. Delete the file afterwards.',
  ],
  positionals: [
    { name: 'NAME', summary: 'the record, such as nostr' },
    { name: 'FILE', summary: 'the file with the key' },
  ],
  options: {
    ...DEVICE_OPTIONS,
    as: { value: 'FORM', summary: 'what the file holds: nsec, ncryptsec, hex or raw' },
    ...secretOptions(PASSWORD),
  },
  run: runImport,
}

async function runImport(invocation: Invocation): Promise<Answer> {
  const [typedName = '', file = ''] = invocation.positionals
  const form = chooseWord({ what: '--as', typed: invocation.option('as'), words: KEY_FORMS })
  const name = requireRecordName(typedName)
  refuseKey(file)
  requireNoPassword(invocation, form)
  const bytes = await readBounded(file, form === 'raw' ? MOST_RAW_BYTES : MOST_TEXT_BYTES)
  const key = form === 'raw' ? bytes : await parseNostrKey(invocation, form, parseText(bytes))
  try {
    const { vault } = await openOrCreateDevice(invocation)
    const known = (await vault.list()).some((record) => record.name === name)
    if (form === 'raw') {
      await importRaw(vault, name, key)
      return describeImport({ name, known, json: { type: RAW_TYPE } })
    }
    const { publicKey } = await importNostrKey({
      vault,
      key: { as: 'hex', text: toHex(key) },
      record: name,
    })
    const npub = encodeNpub(publicKey)
    return describeImport({ name, known, json: { publicKey, npub }, of: ` of ${npub}` })
  } finally {
    wipe(key, bytes)
  }
}

/** A password that nothing asks for was meant for something. */
export function requireNoPassword(invocation: Invocation, form: string): void {
  if (form === 'ncryptsec' || !secretIsNamed(invocation, PASSWORD)) return
  const text = `--as ${form} takes no password; --vault-password-file names the one of the vault.`
  throw new CommandError('ERR_USAGE', text)
}

/** Keeps bytes as a record of type `raw`; other bytes under that name are `ERR_IDENTITY_CONFLICT`. */
export async function importRaw(vault: Vault, name: string, bytes: Uint8Array): Promise<void> {
  try {
    await vault.put(name, { type: RAW_TYPE, bytes }, { ifMissing: true })
  } catch (error) {
    if (!isKeyhavenError(error, 'ERR_RECORD_EXISTS')) throw error
    const there = await vault.get(name)
    if (there?.type === RAW_TYPE && equal(there.bytes, bytes)) return
    throw new KeyhavenError('ERR_IDENTITY_CONFLICT', { count: 1 })
  }
}

function describeImport(input: {
  readonly name: string
  readonly known: boolean
  readonly json: Readonly<Record<string, unknown>>
  readonly of?: string
}): Answer {
  const { name, known, json, of = '' } = input
  const what = `the record ${printable(name)}`
  const text = known
    ? `This is in ${what} already; nothing was changed.`
    : `Imported the key${of} into ${what}, sealed on this device. Delete the file.`
  return { exit: EXIT.ok, json: { status: 'imported', name, added: !known, ...json }, text }
}
