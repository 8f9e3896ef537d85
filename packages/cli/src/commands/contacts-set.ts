/** `keyhaven contacts set`: shares a way into the backup among people. */
import { deriveCardDigits, parseContactCard } from 'keyhaven/identity/contact-card'
import type { ContactCard } from 'keyhaven/identity/contact-card'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { requireConfirmation, YES_OPTION } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { alignColumns, printable } from '../command-line/words.ts'
import { readBounded } from '../device/files.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { describeRemains, noBackupAnswer } from './pin-answers.ts'

/** Ten cards of 8 kB. */
const MOST_BYTES = 81_920

export const contactsSet: Command = {
  name: 'contacts set',
  group: 'device',
  summary: 'Choose people who together open the backup for a new device of yours',
  details: [
    'CARDS is a file with the cards of two to ten people, one a line: "cat bob.card carol.card > cards". Each made his own with "keyhaven contacts card" and reads you its digits, which you compare here. They take the place of those whom you chose before.',
    'When a device asks them, they can answer only after a wait: 7 days, or longer with --wait-days. In that time any device that has the backup sees it in "keyhaven notices" and ends it with "keyhaven contacts stop".',
  ],
  positionals: [{ name: 'CARDS', summary: 'a file with one card a line' }],
  options: {
    ...DEVICE_OPTIONS,
    need: { value: 'NUMBER', summary: 'how many of them are needed, at least 2' },
    name: { value: 'NAME', summary: 'what they call you, 1 to 64 characters' },
    'wait-days': {
      value: 'DAYS',
      summary: 'how long what is asked waits, up to 90; never below 7 days or what the server asks',
    },
    ...YES_OPTION,
  },
  run: runSet,
}

async function runSet(invocation: Invocation): Promise<Answer> {
  const ownerName = invocation.option('name')
  if (ownerName === undefined) {
    throw new CommandError('ERR_USAGE', '--name NAME is missing: what your contacts call you.')
  }
  const threshold = readNumber(invocation.option('need'), '--need')
  const waitDays = readNumber(invocation.option('wait-days') ?? '0', '--wait-days')
  const contacts = await readCards(invocation.positionals[0] ?? '')
  const { sync } = await requireSignedIn(await openDevice(invocation))
  await requireConfirmation(invocation, describeCards(contacts))
  const { signal, progress } = invocation
  const onProgress = reportProgress(progress, 'Sharing')
  const outcome = await sync.contacts.set({ contacts, threshold, ownerName, waitDays, signal, onProgress })
  if (outcome.status === 'no-backup') return noBackupAnswer('"keyhaven backup" makes the first one.')
  return {
    exit: EXIT.ok,
    json: outcome,
    text: `${String(threshold)} of these ${String(contacts.length)} people open your backup together: ${contacts.map(({ name }) => printable(name)).join(', ')}.\nOn a new device: sign in, then "keyhaven contacts ask".${describeRemains(outcome)}`,
  }
}

function describeCards(cards: readonly ContactCard[]): string {
  const rows = alignColumns(cards.map((card) => [printable(card.name), deriveCardDigits(card)]))
  return `${rows.join('\n')}\nDid each of them read you these digits?`
}

async function readCards(path: string): Promise<readonly ContactCard[]> {
  const text = new TextDecoder().decode(await readBounded(path, MOST_BYTES))
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => parseContactCard(line))
}

function readNumber(text: string | undefined, option: string): number {
  if (text !== undefined && /^\d{1,3}$/.test(text)) return Number(text)
  throw new CommandError('ERR_USAGE', `${option} takes a whole number.`)
}
