/** `keyhaven contacts answer`: gives a share to the device whose digits its person reads out. */
import type { AskedOfMe } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { askYesOrNo } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeTime, printable } from '../command-line/words.ts'
import { readContactIdentity } from '../device/contact-identity.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'

export const contactsAnswer: Command = {
  name: 'contacts answer',
  group: 'device',
  summary: 'Give your share to a person who asks for it, after comparing digits',
  details: [
    'Speak to the person himself: he reads out thirty digits, and you say yes only if you see the same and know his voice. A message is not enough; whoever has his number could write it. With --digits you give what you heard, and nothing is asked.',
  ],
  positionals: [
    { name: 'REQUEST', summary: 'its id, or the beginning of it, as "keyhaven contacts asked" shows it' },
  ],
  options: {
    ...DEVICE_OPTIONS,
    digits: { value: 'DIGITS', summary: 'the thirty digits that the person read out' },
  },
  run: runAnswer,
}

async function runAnswer(invocation: Invocation): Promise<Answer> {
  const { signal } = invocation
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const identity = await readContactIdentity(sync)
  if (identity === undefined) throw unknownRequest()
  const asked = await sync.contacts.asked({ identity, signal })
  const { ownerId, requestId } = choose(asked, invocation.positionals[0] ?? '')
  const confirm = (shown: Parameters<typeof compare>[1]): Promise<boolean> => compare(invocation, shown)
  const outcome = await sync.contacts.answer({ identity, ownerId, requestId, signal, confirm })
  switch (outcome.status) {
    case 'answered':
      return { exit: EXIT.ok, json: outcome, text: 'Your share is given, sealed to that device alone.' }
    case 'refused':
      return {
        exit: EXIT.refused,
        json: outcome,
        text: 'Nothing was given. If the person read out other digits, somebody else asks in his name: tell him.',
      }
    case 'waiting':
      return {
        exit: EXIT.waiting,
        json: outcome,
        text: `It is too early: it can be answered from ${describeTime(outcome.dueAt)} on.`,
      }
    case 'not-asked':
      return { exit: EXIT.refused, json: outcome, text: 'It is answered already, or was stopped.' }
  }
}

/** Typed digits are compared here; shown ones by the person. */
async function compare(
  invocation: Invocation,
  { digits, ownerName }: { readonly digits: string; readonly ownerName: string },
): Promise<boolean> {
  const heard = invocation.option('digits')
  if (heard !== undefined) return heard.replaceAll(/[\s-]/g, '') === digits.replaceAll(' ', '')
  invocation.progress.clear()
  const question = `${printable(ownerName)} must read out ${digits}. Did you hear just these, in a voice that you know?`
  const unasked = 'The digits have to be compared by a person: run this in a terminal, or give --digits.'
  return askYesOrNo(invocation, { question, unasked })
}

function choose(asked: readonly AskedOfMe[], typed: string): AskedOfMe {
  const isId = /^[0-9a-f]{4,32}$/.test(typed)
  const [found, another] = isId ? asked.filter(({ requestId }) => requestId.startsWith(typed)) : []
  if (found !== undefined && another === undefined) return found
  throw unknownRequest()
}

function unknownRequest(): CommandError {
  return new CommandError(
    'ERR_USAGE',
    'There is no one request of that id; "keyhaven contacts asked" shows them.',
  )
}
