/** `keyhaven vault migrate`: takes over the key that another program stored, out of a file with its storage. */
import { wipe } from 'keyhaven/crypto'
import { inspectPubPay, migratePubPay, openPubPay, parsePubPayEntries } from 'keyhaven/legacy/pubpay'
import type { PubPayFinding, PubPayMigration, PubPayOpening } from 'keyhaven/legacy/pubpay'
import { encodeNpub, NOSTR_RECORD } from 'keyhaven/nostr'
import { chooseWord } from '../command-line/choice.ts'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { PASSWORD, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { readBounded } from '../device/files.ts'
import { DEVICE_OPTIONS, openOrCreateDevice } from '../device/home.ts'
import { parseText, rejected } from '../device/key-text.ts'

const MOST_BYTES = 64 * 1024

export const vaultMigrate: Command = {
  name: 'vault migrate',
  group: 'vault',
  summary: 'Take over the Nostr key that PubPay stored',
  details: [
    'FILE is a JSON object of what PubPay keeps in the storage of the browser: {"publicKey":…,"privateKey":…,"signInMethod":…,"_dk":…}. The key is opened, checked against the public key, and sealed in the vault as the record "nostr". Where PubPay had a password, it is asked for.',
    'FILE is only read: it still holds the old key afterwards. Delete it, and the entries in the browser. Running this again is harmless.',
    'The key stays on this device unless "keyhaven keys from-vault nostr" lets the backup carry it.',
  ],
  positionals: [{ name: 'FILE', summary: 'the entries of the storage, as JSON' }],
  options: {
    ...DEVICE_OPTIONS,
    from: { value: 'SYSTEM', summary: 'whose storage it is: pubpay' },
    ...secretOptions(PASSWORD),
  },
  run: runMigrate,
}

async function runMigrate(invocation: Invocation): Promise<Answer> {
  chooseWord({ what: '--from', typed: invocation.option('from'), words: ['pubpay'] })
  const [file = ''] = invocation.positionals
  const text = parseText(await readBounded(file, MOST_BYTES))
  const place = { localStorage: parsePubPayEntries(text) }
  const { mode } = inspectPubPay(place)
  const old = { ...place, ...(mode === 'password' && { password: await askForPassword(invocation) }) }
  // Opened a first time before a device is set up for it.
  const opening = await openPubPay(old)
  if (opening.status !== 'opened') throw explain(opening, mode)
  wipe(opening.secretKey)
  const { vault } = await openOrCreateDevice(invocation)
  const known = (await vault.list()).some(({ name }) => name === NOSTR_RECORD)
  const migration = await migratePubPay({ ...old, vault })
  if (migration.status !== 'migrated') throw explain(migration, mode)
  return describeMigration(migration, { known, file })
}

function askForPassword(invocation: Invocation): Promise<string> {
  return readSecret({ invocation, kind: PASSWORD, questions: ['The password of PubPay'] })
}

function explain(
  { status }: Exclude<PubPayOpening, { readonly status: 'opened' }>,
  mode: PubPayFinding['mode'],
): CommandError {
  switch (status) {
    case 'nothing':
      return new CommandError(
        'ERR_LEGACY_EMPTY',
        'There is no private key in this file; nothing was changed.',
      )
    case 'device-key-missing':
      return unopenable('the entry "_dk", which opens the private key, is not in it')
    case 'password-needed':
    case 'rejected':
      return mode === 'password' ? rejected('entry of PubPay') : unopenable(DAMAGED)
  }
}

const DAMAGED = 'its entry "_dk" does not open the private key, so one of the two is damaged'

function unopenable(problem: string): CommandError {
  return new CommandError(
    'ERR_LEGACY_UNOPENABLE',
    `The file cannot be used: ${problem}. Nothing was changed.`,
  )
}

function describeMigration(
  { publicKey, record }: Extract<PubPayMigration, { readonly status: 'migrated' }>,
  { known, file }: { readonly known: boolean; readonly file: string },
): Answer {
  const npub = encodeNpub(publicKey)
  const first = known
    ? `The key of ${npub} is in the vault already, as the record ${record}.`
    : `Took over the key of ${npub}, sealed on this device as the record ${record}.`
  return {
    exit: EXIT.ok,
    json: { status: 'migrated', name: record, publicKey, npub, added: !known, fileStillHoldsKey: true },
    text: `${first}\n${file} still holds the old key: delete it.\nNo backup carries it yet: "keyhaven keys from-vault ${record}" changes that.`,
  }
}
