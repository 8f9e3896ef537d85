/** `keyhaven keys move NAME --to DIR`: moves keys to another level of the person, whose home is on this machine too. */
import { moveKeys } from 'keyhaven/sync'
import type { KeysMoveOutcome, KeySync, ListedKey } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { reportProgress } from '../command-line/progress.ts'
import { describeCount } from '../command-line/words.ts'
import { DEVICE_OPTIONS, openDevice, openOtherDevice } from '../device/home.ts'
import { requireSignedIn } from '../device/sync.ts'
import { describeRemains } from './pin-answers.ts'

export const keysMove: Command = {
  name: 'keys move',
  group: 'device',
  summary: 'Move a conversation or an identity key to another level of yours',
  details: [
    'Backs the keys up in the other level first, then removes them here and gives this backup a new root key. When it is interrupted, run it again.',
    'This level keeps a sealed note that keys of this name were removed, and whoever has an old copy of it and its old root key has the keys: put what must never be found here into the other level from the start.',
  ],
  positionals: [{ name: 'NAME', summary: 'the conversation or the identity key' }],
  options: {
    ...DEVICE_OPTIONS,
    to: { value: 'DIR', summary: 'the home of the other level, made by "keyhaven login --level"' },
  },
  run: runMove,
}

async function runMove(invocation: Invocation): Promise<Answer> {
  const other = invocation.option('to')
  if (other === undefined)
    throw new CommandError('ERR_USAGE', 'Name the home of the other level with --to DIR.')
  const from = await requireSignedIn(await openDevice(invocation))
  const to = await requireSignedIn(await openOtherDevice(invocation, other))
  if (from.session.accountId === to.session.accountId)
    throw new CommandError(
      'ERR_USAGE',
      'Both homes are of one level; name the home of another one with --to DIR.',
    )
  const { signal, progress } = invocation
  return describeMove(
    await moveKeys({
      from: from.sync,
      to: to.sync,
      ...(await findKinds([from.sync, to.sync], invocation.positionals[0] ?? '')),
      signal,
      onProgress: reportProgress(progress, 'Moving'),
    }),
  )
}

/** What has this name, here or, after a move that was interrupted, there; without anything a conversation is looked for in vain. */
async function findKinds(
  levels: readonly KeySync[],
  name: string,
): Promise<{ readonly conversations: readonly string[]; readonly identities: readonly string[] }> {
  const keys = (await Promise.all(levels.map((level) => level.keys.listKeys()))).flat()
  const has = (kind: ListedKey['kind']): boolean => keys.some((key) => key.kind === kind && key.name === name)
  const identities = has('identity') ? [name] : []
  return { identities, conversations: has('conversation') || identities.length === 0 ? [name] : [] }
}

function describeMove(outcome: KeysMoveOutcome): Answer {
  if (outcome.status === 'moved') {
    const moved =
      outcome.keys === 0
        ? 'Everything of this name was there already.'
        : `Moved ${describeCount(outcome.keys, 'key')}.`
    const text = `${moved} The level that they left has a new root key; its PIN is the same.${describeRemains(outcome)}`
    return { exit: EXIT.ok, json: outcome, text }
  }
  const home = outcome.at === 'from' ? 'this home' : 'the other home'
  const [exit, text] =
    outcome.status === 'no-backup'
      ? [
          EXIT.noBackup,
          `There is no backup in the level of ${home}; "keyhaven backup" makes it. Nothing was moved.`,
        ]
      : [
          EXIT.secretNeeded,
          `The level of ${home} is not open on it; "keyhaven restore" opens it. Nothing was moved.`,
        ]
  return { exit, json: outcome, text }
}
