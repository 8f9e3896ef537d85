/** `keyhaven kit create`: another way into the backup, as a file and on paper. */
import { writeKitPage } from 'keyhaven/sync/kit-page'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { PASSWORD, readSecret, secretOptions } from '../command-line/secret-input.ts'
import { writePrivate } from '../device/files.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { noBackupAnswer } from './pin-answers.ts'

export const kitCreate: Command = {
  name: 'kit create',
  group: 'device',
  summary: 'Make a recovery kit: a file under a passphrase, which restores without the PIN',
  details: [
    'The kit is an age file; "keyhaven kit open" restores with it, and the plain age program opens it, too. --page also writes a page to print, with the file as a QR code and as text. The passphrase is in neither.',
    'Whoever has the file tries passphrases at his leisure: take several words that belong to nothing. "keyhaven ways remove" takes a kit out of use.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    out: { value: 'FILE', summary: 'where the kit goes, made with mode 0600; an existing file is kept' },
    page: { value: 'FILE', summary: 'where a PDF of one page goes, made the same way' },
    ...secretOptions(PASSWORD),
  },
  run: runCreate,
}

async function runCreate(invocation: Invocation): Promise<Answer> {
  const out = invocation.option('out')
  const page = invocation.option('page')
  if (out === undefined) throw new CommandError('ERR_USAGE', '--out FILE is missing: where the kit goes.')
  const { sync, session } = await requireSignedIn(await openDevice(invocation))
  const questions = ['A passphrase for the kit', 'The same passphrase again']
  const passphrase = await readSecret({ invocation, kind: PASSWORD, questions })
  const { signal } = invocation
  const outcome = await sync.addKit({ passphrase, signal })
  if (outcome.status === 'no-backup') return noBackupAnswer('"keyhaven backup" makes the first one.')
  const { file, wayId } = outcome
  await writePrivate(out, file)
  const server = session.origin
  if (page !== undefined) await writePrivate(page, writeKitPage({ file, server, made: new Date() }))
  const printed = page === undefined ? '' : ` ${page} is a page to print.`
  return {
    exit: EXIT.ok,
    json: { status: 'added', wayId, file: out, ...(page !== undefined && { page }) },
    text: `${out} is your recovery kit.${printed}\nKeep it apart from your devices, and the passphrase apart from it.\n"keyhaven kit open ${out}" restores with it; "keyhaven ways remove ${wayId.slice(0, 8)}" takes it out of use.`,
  }
}
