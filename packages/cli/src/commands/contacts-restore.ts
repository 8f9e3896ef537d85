/** `keyhaven contacts restore`: brings the keys of the backup to this device once enough contacts have answered. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { describeTime, printable } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { wayRestoreAnswer } from './way-answers.ts'

export const contactsRestore: Command = {
  name: 'contacts restore',
  group: 'device',
  summary: 'Bring the keys of the backup to this device, with your contacts’ answers',
  details: [
    'After "keyhaven contacts ask", once enough of them have answered. No PIN is needed and no guess is used; afterwards "keyhaven pin change" sets a PIN again.',
  ],
  options: DEVICE_OPTIONS,
  run: runRestore,
}

async function runRestore(invocation: Invocation): Promise<Answer> {
  const { signal, progress } = invocation
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const outcome = await sync.contacts.restore({ signal, onProgress: reportProgress(progress, 'Restoring') })
  switch (outcome.status) {
    case 'restored': {
      const answer = wayRestoreAnswer(outcome, 'set of shares')
      const { wrongShares } = outcome
      if (wrongShares.length === 0) return answer
      const names = wrongShares.map(printable).join(', ')
      return { ...answer, text: `${answer.text}\nNot a true share came from: ${names}.` }
    }
    case 'too-few':
      return {
        exit: EXIT.waiting,
        json: outcome,
        text: `${String(outcome.answers)} answered, which is not enough. They can from ${describeTime(outcome.dueAt)} on; "keyhaven contacts ask" shows the digits to read to them.`,
      }
    case 'not-asked':
    case 'stopped':
      return { exit: EXIT.refused, json: outcome, text: WORDS[outcome.status] }
    default:
      return wayRestoreAnswer(outcome, 'set of shares')
  }
}

const WORDS = {
  'not-asked': 'This device has not asked yet: "keyhaven contacts ask".',
  stopped:
    'What this device asked is over: another device stopped it, the contacts were changed, or it took too long. "keyhaven contacts ask" asks anew.',
}
