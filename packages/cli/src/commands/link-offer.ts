/** `keyhaven link offer`: asks a device at hand that has the backup to let this one in. */
import type { LinkOfferOutcome } from 'keyhaven/sync'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { drawPicture } from '../command-line/picture.ts'
import { reportProgress } from '../command-line/progress.ts'
import { writePrivate } from '../device/files.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { confirmDigits, linkEndedAnswer } from './link-answers.ts'
import { wayRestoreAnswer } from './way-answers.ts'

export const linkOffer: Command = {
  name: 'link offer',
  group: 'device',
  summary: 'Let another device of yours, at hand, bring the backup to this one; no PIN',
  details: [
    'Run it on the new device once it is signed in, and "keyhaven link accept" on one that has the backup. Either the other device takes the code that is shown here, or both show six digits, and you say on both that they are the same. Say no if they differ: then somebody stands between.',
    'One try, five minutes. Nobody else may see the code meanwhile.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    'code-out': {
      value: 'FILE',
      summary: 'also write the code to FILE, made with mode 0600; an existing file is kept',
    },
  },
  run: runOffer,
}

async function runOffer(invocation: Invocation): Promise<Answer> {
  const { signal, progress } = invocation
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const out = invocation.option('code-out')
  const written: Promise<void>[] = []
  const outcome = await sync.offerLink({
    signal,
    onProgress: reportProgress(progress, 'Restoring'),
    onCode: (code) => {
      if (out !== undefined) written.push(writePrivate(out, `${code}\n`))
      progress.clear()
      if (process.stderr.isTTY) process.stderr.write(`${describeCode(code)}\n`)
      progress.show('Waiting for the other device …')
    },
    confirm: (digits) => confirmDigits(invocation, `The other device must show ${digits}, too. Does it?`),
  })
  await Promise.all(written)
  return describeOutcome(outcome)
}

function describeCode(code: string): string {
  return `${drawPicture(code)}\n${code}\n\nScan or type this into "keyhaven link accept" on a device that has the backup.`
}

function describeOutcome(outcome: LinkOfferOutcome): Answer {
  if (outcome.status === 'refused' || outcome.status === 'expired') return linkEndedAnswer(outcome.status)
  if (outcome.status !== 'restored') return wayRestoreAnswer(outcome, 'device')
  const answer = wayRestoreAnswer(outcome, 'device')
  return { ...answer, exit: EXIT.ok }
}
