/** `keyhaven contacts card`: what a contact gives to the person who trusts him. */
import { deriveCardDigits, writeContactCard } from 'keyhaven/identity/contact-card'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { openContactIdentity } from '../device/contact-identity.ts'
import { writePrivate } from '../device/files.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const contactsCard: Command = {
  name: 'contacts card',
  group: 'device',
  summary: 'Write your card for somebody who wants you as a trusted contact',
  details: [
    'The card holds nothing secret. Read its digits to that person, so that nobody can give him another card in your name. The key behind it is kept with your others, as "keyhaven-contact": back it up, or you cannot help once this device is gone.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    name: { value: 'NAME', summary: 'what you are called, 1 to 64 characters' },
    out: { value: 'FILE', summary: 'where the card goes; an existing file is kept' },
  },
  run: runCard,
}

async function runCard(invocation: Invocation): Promise<Answer> {
  const name = invocation.option('name')
  const out = invocation.option('out')
  if (name === undefined) throw new CommandError('ERR_USAGE', '--name NAME is missing: what you are called.')
  if (out === undefined) throw new CommandError('ERR_USAGE', '--out FILE is missing: where the card goes.')
  const { sync, session } = await requireSignedIn(await openDevice(invocation))
  const identity = (await openContactIdentity(sync)).publicIdentity
  const card = { accountId: session.accountId, name, identity }
  await writePrivate(out, writeContactCard(card))
  const digits = deriveCardDigits(card)
  return {
    exit: EXIT.ok,
    json: { status: 'written', file: out, digits },
    text: `${out} is your card. Its digits, to be read to whom you give it:\n\n  ${digits}\n\n"keyhaven sync" puts the key behind it into your own backup.`,
  }
}
