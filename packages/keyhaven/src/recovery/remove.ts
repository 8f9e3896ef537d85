/**
 * Deleting a registration from the realms.
 */
import type { RealmFault } from '../errors.ts'
import type { OperationOptions } from './operation.ts'
import { runOperation } from './operation.ts'
import { callRealm, isFault } from './realm-call.ts'

export interface RemoveResult {
  /** The ids of the realms that confirmed. */
  readonly removed: readonly Uint8Array[]
  /** The ids of the realms that may still hold their share. Try these again later. */
  readonly remainsOn: readonly Uint8Array[]
  readonly faults: readonly RealmFault[]
}

/** Asks every realm to delete what it holds. A realm that held nothing confirms too. `ERR_ABORTED`. */
export async function remove(options: OperationOptions): Promise<RemoveResult> {
  return runOperation(options, async ({ configuration, line, progress }) => {
    progress('removing')
    const results = await Promise.all(
      configuration.realms.map(async (realm) => ({
        realm,
        answer: await callRealm(line, realm, { kind: 'delete' }),
      })),
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
