/** What an operator decides about a tenant as a whole. */
import { KeyhavenError } from 'keyhaven'
import { randomBytes } from 'keyhaven/crypto'
import type { Transaction } from '../../db/database.ts'
import type { TenantDecision } from '../decisions.ts'
import { readTenantDecision, writeDecision } from '../decisions.ts'
import type { RealmDatabase } from '../epochs.ts'
import type { RealmOperator } from './operator.ts'
import { NO_RECORD } from './records.ts'

/** Records of one tenant, and those of which it is not known yet whose they are. */
export interface TenantRecords {
  readonly tenant: string | undefined
  readonly registered: number
  readonly usedUp: number
}

export async function countTenants(transaction: Transaction): Promise<readonly TenantRecords[]> {
  await transaction.query("SET LOCAL app.realm_look = 'on'")
  const { rows } = await transaction.query<{ tenant: string | null; registered: number; used_up: number }>(
    `SELECT tenant, count(*) FILTER (WHERE state = 'registered') AS registered,
            count(*) FILTER (WHERE state = 'no-guesses') AS used_up
     FROM realm.records GROUP BY tenant ORDER BY tenant`,
  )
  return rows.map(({ tenant, registered, used_up: usedUp }) => ({
    tenant: tenant ?? undefined,
    registered,
    usedUp,
  }))
}

/** True when the tenant's records are answered for here. */
export function isHere(decision: TenantDecision | undefined): boolean {
  return decision !== 'tenant-exported' && decision !== 'tenant-forgotten'
}

/** `unattributed`: there are records of which it is not known yet whose they are; they get their tenant when they are next written. */
export type Departure =
  | { readonly status: 'departed'; readonly transfer: Uint8Array; readonly records: number }
  | { readonly status: 'unattributed'; readonly count: number }
  | { readonly status: 'no-records' | 'exported-before' | 'not-exported' }

/**
 * From its return on no server of this realm answers for the tenant, and none is in the middle of an answer: the servers look within each
 * request's transaction, and this one waits for all of those. `again`: the tenant has left before, and its file is to be
 * made once more.
 */
export async function departTenant(
  database: RealmDatabase,
  { tenant, again }: { readonly tenant: string; readonly again: boolean },
): Promise<Departure> {
  return database.withRealm(async (transaction) => {
    const last = await readTenantDecision(transaction, tenant)
    const counts = await countTenants(transaction)
    const unknown = counts.find((count) => count.tenant === undefined)
    const own = counts.find((count) => count.tenant === tenant)
    const records = sumOf(own)
    if (again && last?.decision !== 'tenant-exported') return { status: 'not-exported' }
    if (!again && !isHere(last?.decision)) return { status: 'exported-before' }
    if (unknown !== undefined) return { status: 'unattributed', count: sumOf(unknown) }
    if (records === 0) return { status: 'no-records' }
    const transfer = again && last !== undefined ? last.transfer : randomBytes(16)
    await writeDecision(transaction, { decision: 'tenant-exported', tenant, transfer, details: { records } })
    return { status: 'departed', transfer, records }
  })
}

function sumOf(count: TenantRecords | undefined): number {
  return count === undefined ? 0 : count.registered + count.usedUp
}

/** Answers for an exported tenant again: for when nobody has imported its file. False for a tenant that is not exported. */
export async function takeTenantBack({ database }: RealmOperator, tenant: string): Promise<boolean> {
  return database.withRealm(async (transaction) => {
    const last = await readTenantDecision(transaction, tenant)
    if (last?.decision !== 'tenant-exported') return false
    const { transfer } = last
    await writeDecision(transaction, { decision: 'tenant-taken-back', tenant, transfer, details: {} })
    return true
  })
}

/** Records that are removed at once. */
const BATCH = 2000

/**
 * Removes the records of an exported tenant, once the other operator has them; their sealed parts are gone for good with the keys
 * of their epochs. `undefined` for a tenant that is not exported.
 */
export async function forgetTenant({ database }: RealmOperator, tenant: string): Promise<number | undefined> {
  const last = await database.withRealmRecord(NO_RECORD, (transaction) =>
    readTenantDecision(transaction, tenant),
  )
  if (last?.decision !== 'tenant-exported') return undefined
  let removed = 0
  for (;;) {
    const count = await removeSome(database, tenant)
    removed += count
    if (count < BATCH) break
  }
  await database.withRealmRecord(NO_RECORD, (transaction) =>
    writeDecision(transaction, {
      decision: 'tenant-forgotten',
      tenant,
      transfer: last.transfer,
      details: { records: removed },
    }),
  )
  return removed
}

async function removeSome(database: RealmDatabase, tenant: string): Promise<number> {
  return database.withRealmRecord(NO_RECORD, async (transaction) => {
    await transaction.query("SET LOCAL app.realm_look = 'on'")
    await setTenant(transaction, 'app.realm_forget', tenant)
    const { rowCount } = await transaction.query(
      `DELETE FROM realm.records WHERE record_id IN
         (SELECT record_id FROM realm.records WHERE tenant = $1 ORDER BY record_id LIMIT ${String(BATCH)})`,
      [tenant],
    )
    return rowCount ?? 0
  })
}

/** For the rest of the transaction. `SET LOCAL` takes no parameter, so the name is checked first. */
export async function setTenant(
  transaction: Transaction,
  setting: 'app.realm_forget' | 'app.realm_import' | 'app.realm_audit',
  tenant: string,
): Promise<void> {
  if (!/^(test-)?[a-zA-Z0-9]+$/.test(tenant)) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'tenant', expected: 'the name of a tenant' })
  }
  await transaction.query(`SET LOCAL ${setting} = '${tenant}'`)
}
