/** Begins a new epoch while servers run, and seals all records anew under its key. */
import { toHex } from 'keyhaven/crypto'
import type { Log } from '../../log/log.ts'
import { writeDecision } from '../decisions.ts'
import { readEpochs } from '../epochs.ts'
import { resealEnded, rotateEpoch } from '../sealing.ts'
import { openSealKeys } from '../seal-keys/open.ts'
import { openSeals } from '../seals.ts'
import type { RealmOperator } from './operator.ts'
import { NO_RECORD } from './records.ts'

/** `no-new-key`: only the operator makes keys, and the last of them is in use already. */
export type RealmRotation =
  | {
      readonly status: 'rotated'
      /** The new epoch's. */
      readonly keyId: string
      readonly resealed: number
      /** Records that their key does not open; they keep their epoch from ending. */
      readonly damaged: number
    }
  | { readonly status: 'no-new-key' }

const SILENT: Log = { info: () => undefined, error: () => undefined }

/** `ERR_START_REFUSED` where a key is missing that records are under. */
export async function rotateRealm(
  { settings, database, realmId }: RealmOperator,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<RealmRotation> {
  const seals = await openSeals({ database, realmId, source: await openSealKeys(settings) })
  const input = { database, seals, log: SILENT, ...(signal !== undefined && { signal }) }
  if (!(await rotateEpoch(input))) return { status: 'no-new-key' }
  const current = (await readEpochs(database)).find(({ retiredAt }) => retiredAt === undefined)
  const keyId = toHex(current?.keyId ?? new Uint8Array())
  await database.withRealmRecord(NO_RECORD, (transaction) =>
    writeDecision(transaction, { decision: 'epoch-begun', details: { keyId } }),
  )
  const { resealed, unopened } = await resealEnded(input)
  return { status: 'rotated', keyId, resealed, damaged: unopened }
}
