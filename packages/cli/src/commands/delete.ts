/** `keyhaven delete`: deletes the backup, or the account with it; `--keep` ends the wait of somebody who wants that. */
import type { AccountRemovalOutcome, KeySync, BackupRemovalOutcome } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { YES_OPTION, requireConfirmation } from '../command-line/confirmation.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { DEVICE_OPTIONS, openDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { describeRemaining, removalWaitingAnswer } from './removal-answers.ts'

export const deleteCommand: Command = {
  name: 'delete',
  group: 'device',
  summary: 'Delete the backup, or the whole account, at the server and its realms',
  details: [
    'Keys on this device stay, and so do those on your other devices.',
    'A device that has the backup open deletes it at once. Any other device starts a wait of seven days (unless the server says otherwise) and deletes it when you run the command again after that; meanwhile every device that has the backup open is told, and can end the wait with --keep. A restore ends it too.',
    '--account closes the account after that: your phone number and the names of your devices are erased, the access log is kept.',
  ],
  options: {
    ...DEVICE_OPTIONS,
    ...YES_OPTION,
    account: { summary: 'close the account as well' },
    'leave-registrations': {
      summary: 'with --account: also while a realm cannot be reached and keeps its share',
    },
    keep: { summary: 'end the wait that somebody has started: the backup stays' },
  },
  run: runDelete,
}

const QUESTIONS = {
  backup: 'Delete the backup? Keys that are on no device any more are lost.',
  account: 'Delete the backup and close the account? Keys that are on no device any more are lost.',
}

async function runDelete(invocation: Invocation): Promise<Answer> {
  const account = invocation.flag('account')
  const keep = invocation.flag('keep')
  const leaveRegistrations = invocation.flag('leave-registrations')
  if ((keep && account) || (leaveRegistrations && !account)) {
    throw new CommandError('ERR_USAGE', '--keep stands alone; --leave-registrations goes with --account.')
  }
  const { sync } = await requireSignedIn(await openDevice(invocation))
  const { signal } = invocation
  if (keep) return describeKept(await sync.keepBackup({ signal }))
  await requireConfirmation(invocation, account ? QUESTIONS.account : QUESTIONS.backup)
  invocation.progress.show('Deleting …')
  return account
    ? describeAccount(await sync.deleteAccount({ signal, leaveRegistrations }))
    : describeBackup(await sync.deleteBackup({ signal }))
}

function describeKept(outcome: Awaited<ReturnType<KeySync['keepBackup']>>): Answer {
  const text =
    outcome.status === 'kept' ? 'The wait is ended; the backup stays.' : 'Nobody waits to delete it.'
  return { exit: EXIT.ok, json: outcome, text }
}

function describeBackup(outcome: BackupRemovalOutcome): Answer {
  if (outcome.status === 'waiting') return removalWaitingAnswer(outcome, 'keyhaven delete')
  const text = `The backup is deleted. The keys on this device are still here.${describeRemaining(outcome, 'keyhaven delete')}`
  return { exit: EXIT.ok, json: outcome, text }
}

function describeAccount(outcome: AccountRemovalOutcome): Answer {
  switch (outcome.status) {
    case 'waiting':
      return removalWaitingAnswer(outcome, 'keyhaven delete --account')
    case 'remains':
      return {
        exit: EXIT.unavailable,
        json: outcome,
        text: `The backup is deleted, the account is not closed yet.${describeRemaining(outcome, 'keyhaven delete --account')}\nWith --leave-registrations it is closed all the same, and nobody can delete that share any more.`,
      }
    case 'account-deleted':
      return {
        exit: EXIT.ok,
        json: outcome,
        text: 'The account is closed. The keys on this device are still here.\nAnother level, if you have one, is not touched: delete it from its own home.',
      }
  }
}
