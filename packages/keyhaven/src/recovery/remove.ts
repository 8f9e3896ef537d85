/**
 * Deleting a registration from the realms.
 */
import type { RealmFault } from '../errors.ts'
import type { Realm } from './configuration.ts'
import type { Operation, OperationOptions } from './operation.ts'
import { learnVersions, runOperation } from './operation.ts'
import type { RealmLine } from './realm-call.ts'
import { callRealm, isFault } from './realm-call.ts'

export interface RemoveResult {
  /** The ids of the realms that confirmed. */
  readonly removed: readonly Uint8Array[]
  /** The ids of the realms that may still hold their share. Try these again later. */
  readonly remainsOn: readonly Uint8Array[]
  readonly faults: readonly RealmFault[]
}

/**
 * Asks every realm to delete what it holds. A realm that held nothing confirms too. A record that is bound to an authority
 * key needs it; without it, or with another, the realm's cooling period begins, the fault is `cooling`, and its
 * `retryAfterSeconds` say when to come again. `ERR_ABORTED`.
 */
export async function remove(options: OperationOptions): Promise<RemoveResult> {
  return runOperation(options, async (operation) => {
    const { configuration, line, progress } = operation
    progress('removing')
    await learnVersions(operation)
    const results = await Promise.all(
      configuration.realms.map(async (realm) => ({ realm, answer: await removeAt(line, realm) })),
    )
    const idsWhere = (failed: boolean): readonly Uint8Array[] =>
      results.filter(({ answer }) => isFault(answer) === failed).map(({ realm }) => realm.id)
    return {
      removed: idsWhere(false),
      remainsOn: idsWhere(true),
      faults: results.map(({ answer }) => answer).filter(isFault),
    }
  })
}

/** Deletes at one realm; where the record is bound to another key than ours, as any token may. */
async function removeAt(line: RealmLine, realm: Realm): Promise<RealmFault | { readonly status: 'ok' }> {
  const answer = await callRealm(line, realm, { kind: 'delete' })
  if (!isFault(answer) || answer.fault !== 'proof-rejected') return answer
  const { transport, group, realmDeadlineMs, signal } = line
  return callRealm({ transport, group, realmDeadlineMs, signal }, realm, { kind: 'delete' })
}

/**
 * Ends cooling periods that somebody with a token has begun at the realms, by the authority key. Returns the realms that did not
 * answer in good order; those that know no cooling periods have nothing to end. `ERR_ABORTED`.
 */
export async function keep(
  options: OperationOptions & Required<Pick<OperationOptions, 'authority'>>,
): Promise<readonly RealmFault[]> {
  return runOperation(options, async (operation: Operation) => {
    await learnVersions(operation)
    const { configuration, line } = operation
    const answers = await Promise.all(
      configuration.realms.map((realm) => callRealm(line, realm, { kind: 'register1' })),
    )
    return answers.filter(isFault)
  })
}
