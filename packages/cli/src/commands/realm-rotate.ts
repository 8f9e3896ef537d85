/** `keyhaven realm rotate`: a new epoch, while servers run. */
import type { Answer, Command, Invocation } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeCount } from '../command-line/words.ts'
import { REALM_OPTIONS, REALM_SETTINGS, withRealm } from '../realm/with-realm.ts'

export const realmRotate: Command = {
  name: 'realm rotate',
  group: 'server',
  summary: 'Seal every record anew, under a new key',
  details: [
    'Servers do this by themselves every few days. Do it at once when a key may have been read by somebody: who has the old key and an old copy of the database keeps what was in that copy.',
    'Stopped in the middle, it is gone on with by any server. The old key is destroyed when no backup needs it any more.',
    REALM_SETTINGS,
  ],
  options: REALM_OPTIONS,
  run: runRotate,
}

async function runRotate(invocation: Invocation): Promise<Answer> {
  const { rotateRealm } = await import('@keyhaven/server')
  const { signal } = invocation
  const done = await withRealm(invocation, (realm) => {
    invocation.progress.show('Sealing every record anew …')
    return rotateRealm(realm, { signal })
  })
  if (done.status === 'no-new-key') {
    const text =
      'No epoch began: your keys come from the environment, and the last one there is in use. Give all servers a new key, then put it in the last place.'
    return { exit: EXIT.refused, json: done, text }
  }
  const damaged = done.damaged === 0 ? '' : ` ${describeCount(done.damaged, 'record')} did not open.`
  return {
    exit: done.damaged === 0 ? EXIT.ok : EXIT.distrusted,
    json: done,
    text: `The epoch of key ${done.keyId} began; ${describeCount(done.resealed, 'record')} sealed anew.${damaged}`,
  }
}
