/** `keyhaven import qryptchat FILE`: takes over the keys that QryptChat exported, or stored where it could not read them. */
import { openQryptChatExport, parseQryptChatFile, rescueQryptChatRow } from 'keyhaven/legacy/qryptchat'
import type { QryptChatColumn, QryptChatExport, QryptChatKeys, QryptChatRow } from 'keyhaven/legacy/qryptchat'
import { openKeyStore } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { PASSWORD, PIN, readSecret, secretIsNamed, secretOptions } from '../command-line/secret-input.ts'
import { describeCounts } from '../command-line/words.ts'
import { MOST_BYTES, countKeys, serializeKeys } from '../device/key-file.ts'
import { readBounded } from '../device/files.ts'
import { DEVICE_OPTIONS, openOrCreateDevice } from '../device/home.ts'
import { parseText, rejected } from '../device/key-text.ts'

export const importQryptChat: Command = {
  name: 'import qryptchat',
  group: 'device',
  summary: 'Take over the keys of QryptChat: an export, or a row of its backups',
  details: [
    'FILE is what QryptChat exported (2.0 or 3.0), which its password opens; or one row of its table encrypted_key_backups as JSON, which the PIN opens together with the phone number for which it was written. QryptChat itself could never restore such a row; finding its lost nonces takes some seconds.',
    'The keys are sealed on this device; "keyhaven backup" brings them to the server. FILE is only read: delete it afterwards. A key that is here already is never overwritten, and of a file that is damaged nothing is taken in.',
    'With --reveal the keys are also written out in clear, as JSON in the shape of "keyhaven keys export".',
  ],
  positionals: [{ name: 'FILE', summary: 'the export, or the row as JSON' }],
  options: {
    ...DEVICE_OPTIONS,
    phone: {
      value: 'NUMBER',
      summary: 'for a row: the phone number as it was typed into QryptChat',
      default: "the row's own",
    },
    ...secretOptions(PIN),
    ...secretOptions(PASSWORD),
    partial: { summary: 'take in what is whole of a row that is damaged' },
    reveal: { summary: 'yes, show the keys in clear, too' },
  },
  run: runImport,
}

async function runImport(invocation: Invocation): Promise<Answer> {
  const [path = ''] = invocation.positionals
  const found = parseQryptChatFile(parseText(await readBounded(path, MOST_BYTES)))
  const keys =
    found.kind === 'export' ? await openExport(invocation, found.file) : await openRow(invocation, found.row)
  const device = await openOrCreateDevice(invocation)
  const added = await openKeyStore(device.vault).importKeys(keys)
  return describeImport({ invocation, path, keys, added })
}

async function openExport(invocation: Invocation, file: QryptChatExport): Promise<QryptChatKeys> {
  const password = await readEither(invocation, { question: 'The password of this export', asked: PASSWORD })
  const opened = await openQryptChatExport({ file, password })
  if (opened.status === 'rejected') throw rejected('export of QryptChat')
  return opened.keys
}

async function openRow(invocation: Invocation, row: QryptChatRow): Promise<QryptChatKeys> {
  const partial = invocation.flag('partial')
  const phone = choosePhone(invocation.option('phone'), row.phoneNumber)
  const pin = await readEither(invocation, { question: 'The PIN of QryptChat', asked: PIN })
  const rescue = await rescueQryptChatRow({
    row,
    phone,
    pin,
    evenIfRejected: partial,
    signal: invocation.signal,
    onProgress: ({ done, total }) => {
      invocation.progress.show(`Looking for the nonce: ${String(Math.floor((100 * done) / total))} % …`)
    },
  })
  invocation.progress.clear()
  if (rescue.status === 'rescued' || (partial && rescue.status === 'damaged')) return rescue.keys
  throw rescue.status === 'damaged' ? damaged(rescue.columns, rescue.keys) : wrongPin()
}

/** What opens both is called PIN here and password there; people name either. */
async function readEither(
  invocation: Invocation,
  { question, asked }: { readonly question: string; readonly asked: typeof PIN },
): Promise<string> {
  const named = [PIN, PASSWORD].filter((kind) => secretIsNamed(invocation, kind))
  if (named.length > 1) throw new CommandError('ERR_USAGE', 'Name the PIN or the password, not both.')
  return readSecret({ invocation, kind: named[0] ?? asked, questions: [question] })
}

/** The number is part of the key as it was written, so the row's own spelling is taken where the digits are the same. */
function choosePhone(typed: string | undefined, stored: string | undefined): string {
  const phone = stored ?? typed
  if (phone === undefined) {
    throw new CommandError(
      'ERR_USAGE',
      'This row does not say its phone number: name it with --phone NUMBER.',
    )
  }
  const digits = (number: string): string => number.replace(/\D/g, '')
  if (typed === undefined || digits(typed) === digits(phone)) return phone
  throw new CommandError('ERR_USAGE', 'This row is of another phone number than the one of --phone.')
}

function wrongPin(): CommandError {
  return new CommandError(
    'ERR_PASSWORD_WRONG_OR_DAMAGED',
    'Wrong PIN or phone number, or the first block of the row is damaged: it cannot be told which. Nothing was changed; --partial looks for the conversation keys, too.',
    EXIT.wrongPassword,
  )
}

const COLUMNS: Readonly<Record<QryptChatColumn, string>> = {
  identity: 'encrypted_identity_keys',
  conversation: 'encrypted_master_key',
}

function damaged(columns: readonly QryptChatColumn[], keys: QryptChatKeys): CommandError {
  const names = columns.map((column) => COLUMNS[column]).join(' and ')
  const { identityKeys, conversationKeys } = countKeys(keys)
  const rest =
    identityKeys + conversationKeys === 0
      ? ''
      : ` ${describeCounts({ identityKeys, conversationKeys })} are whole: --partial takes them in.`
  return new CommandError(
    'ERR_LEGACY_DAMAGED',
    `The PIN is right, but ${names} of this row cannot be opened: damaged. Nothing was changed.${rest}`,
  )
}

function describeImport(input: {
  readonly invocation: Invocation
  readonly path: string
  readonly keys: QryptChatKeys
  readonly added: { readonly identityKeys: number; readonly conversationKeys: number }
}): Answer {
  const { invocation, path, keys, added } = input
  const serialized = serializeKeys(keys)
  if (invocation.flag('reveal')) {
    return { exit: EXIT.ok, json: serialized, text: JSON.stringify(serialized, null, 2) }
  }
  const counts = countKeys(keys)
  const isNew = added.identityKeys + added.conversationKeys > 0
  const first = isNew
    ? `Took over ${describeCounts(counts)}.`
    : `${describeCounts(counts)}: all of them were here already.`
  return {
    exit: EXIT.ok,
    json: { status: 'imported', ...counts, added },
    text: `${first}\nThey are sealed on this device; "keyhaven backup" brings them to the server.\n${path} still holds them: delete it.`,
  }
}
