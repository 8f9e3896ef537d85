/** How a realm stands: its epochs, whose records it holds, its journal, what was decided, and what its operator has to do. */
import { toHex } from 'keyhaven/crypto'
import type { Epoch } from '../epochs.ts'
import { readEpochs } from '../epochs.ts'
import { compareMarks } from '../journal/beat.ts'
import type { Verdict } from '../journal/mark.ts'
import { isForeign } from '../journal/mark.ts'
import { listDecisions } from '../decisions.ts'
import { openSealKeys } from '../seal-keys/open.ts'
import type { SealKeySource } from '../seal-keys/source.ts'
import { deriveKeyId } from '../seal-keys/source.ts'
import { readRealmState } from '../state.ts'
import type { RealmOperator } from './operator.ts'
import { NO_RECORD } from './records.ts'
import type { TenantRecords } from './tenants.ts'
import { countTenants } from './tenants.ts'

export interface EpochStatus {
  readonly keyId: string
  readonly began: Date
  readonly state: 'current' | 'ended' | 'emptied' | 'destroyed'
  /** True when its key is among those here. */
  readonly keyHere: boolean
  readonly records: number
}

export interface RealmStatus {
  /** 32 hex digits. */
  readonly realmId: string
  readonly epochs: readonly EpochStatus[]
  readonly tenants: readonly TenantRecords[]
  readonly journal:
    | { readonly status: 'none' | 'unavailable' }
    | { readonly status: Verdict; readonly database: number; readonly noted: number | undefined }
  /** The newest ones, newest first. */
  readonly decisions: Awaited<ReturnType<typeof listDecisions>>
  /** What the operator has to do; nothing in a realm that is well. */
  readonly actions: readonly RealmAction[]
}

/** Each names what is to be done; status.ts of the command line says how. */
export type RealmAction =
  | 'decide-restore'
  | 'decide-journal'
  | 'remove-mark'
  | 'mend-journal'
  | 'name-journal'
  | 'bring-key'
  | 'verify-records'
  | 'remove-key'

const DECISIONS = 10
/** For how long records may stay under an ended epoch before somebody should look, in ms. */
const RESEAL_MS = 86_400_000

export async function readRealmStatus(realm: RealmOperator): Promise<RealmStatus> {
  const { settings, database, realmId } = realm
  const source = await openSealKeys(settings)
  const epochs = await readEpochs(database)
  const keys = new Set((await source.read()).map((key) => toHex(deriveKeyId(key))))
  const { tenants, counts, decisions, marked } = await look(realm)
  const listed = epochs.map((epoch) => ({
    keyId: toHex(epoch.keyId),
    began: epoch.beganAt,
    state: stateOf(epoch),
    keyHere: keys.has(toHex(epoch.keyId)),
    records: counts.get(toHex(epoch.keyId)) ?? 0,
  }))
  const journal = await readJournal(realm)
  const actions = [
    ...journalActions(journal, marked && settings.journal?.kind !== 'off'),
    ...keyActions({ epochs, listed, source, backupMs: settings.epochs.backupMs, now: Date.now() }),
  ]
  return { realmId: toHex(realmId), epochs: listed, tenants, journal, decisions, actions }
}

/** One transaction that writes nothing. */
async function look({ database }: RealmOperator): Promise<{
  readonly tenants: readonly TenantRecords[]
  readonly counts: ReadonlyMap<string, number>
  readonly decisions: RealmStatus['decisions']
  /** True when the database was written beside a journal. */
  readonly marked: boolean
}> {
  return database.withRealmRecord(NO_RECORD, async (transaction) => {
    await transaction.query('SET TRANSACTION READ ONLY')
    const { position } = await readRealmState(transaction)
    const tenants = await countTenants(transaction)
    const { rows } = await transaction.query<{ key: string; count: number }>(
      "SELECT encode(key_id, 'hex') AS key, count(*) AS count FROM realm.records WHERE key_id IS NOT NULL GROUP BY key_id",
    )
    const counts = new Map(rows.map(({ key, count }) => [key, count]))
    const decisions = await listDecisions(transaction, DECISIONS)
    return { tenants, counts, decisions, marked: position > 0 }
  })
}

function stateOf({ retiredAt, emptiedAt, destroyedAt }: Epoch): EpochStatus['state'] {
  if (destroyedAt !== undefined) return 'destroyed'
  if (emptiedAt !== undefined) return 'emptied'
  return retiredAt === undefined ? 'current' : 'ended'
}

async function readJournal({ database, realmId, journal }: RealmOperator): Promise<RealmStatus['journal']> {
  if (journal === undefined) return { status: 'none' }
  const noted = await journal.read(realmId).then(
    () => true,
    () => false,
  )
  if (!noted) return { status: 'unavailable' }
  const marks = await compareMarks({ database, realmId, store: journal })
  return { status: marks.verdict, database: marks.held?.position ?? 0, noted: marks.noted?.position }
}

function journalActions(journal: RealmStatus['journal'], isMissed: boolean): readonly RealmAction[] {
  switch (journal.status) {
    case 'restored':
      return isForeign({ position: journal.noted ?? 0 }) ? ['remove-mark'] : ['decide-restore']
    case 'lost':
      return ['decide-journal']
    case 'unavailable':
      return ['mend-journal']
    case 'none':
      return isMissed ? ['name-journal'] : []
    case 'newest':
      return []
  }
}

function keyActions(input: {
  readonly epochs: readonly Epoch[]
  readonly listed: readonly EpochStatus[]
  readonly source: SealKeySource
  readonly backupMs: number
  readonly now: number
}): readonly RealmAction[] {
  const { epochs, listed, source, backupMs, now } = input
  const needed = listed.filter(({ state }) => state === 'current' || state === 'ended')
  const isOld = (time: Date | undefined, age: number): boolean =>
    time !== undefined && now - time.getTime() > age
  const stuck = epochs.some(
    ({ retiredAt, emptiedAt }) => emptiedAt === undefined && isOld(retiredAt, RESEAL_MS),
  )
  const spent = epochs.some(
    ({ keyId, emptiedAt }) =>
      isOld(emptiedAt, backupMs) && listed.some((key) => key.keyId === toHex(keyId) && key.keyHere),
  )
  return [
    ...(needed.some(({ keyHere }) => !keyHere) ? (['bring-key'] as const) : []),
    ...(stuck ? (['verify-records'] as const) : []),
    ...(spent && source.destroy === undefined ? (['remove-key'] as const) : []),
  ]
}
