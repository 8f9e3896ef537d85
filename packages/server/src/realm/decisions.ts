/**
 * What the realm's operator decided about it as a whole: the audit of his commands, and what tells which tenants are answered for
 * elsewhere. Rows are added, never changed.
 */
import type { Transaction } from '../db/database.ts'

export type TenantDecision = 'tenant-exported' | 'tenant-taken-back' | 'tenant-forgotten' | 'tenant-imported'

export interface Decision {
  readonly decision: 'restore-accepted' | 'epoch-begun' | TenantDecision
  readonly tenant?: string
  /** Names an export and its import, 16 bytes. */
  readonly transfer?: Uint8Array
  /** Nothing of a user. */
  readonly details: Readonly<Record<string, string | number | null>>
}

export async function writeDecision(transaction: Transaction, entry: Decision): Promise<void> {
  const { decision, tenant = null, transfer = null, details } = entry
  await transaction.query(
    'INSERT INTO realm.decisions (decision, tenant, transfer, details) VALUES ($1, $2, $3, $4)',
    [decision, tenant, transfer, JSON.stringify(details)],
  )
}

/** What was last decided about a tenant, and in which transfer; `undefined` where nothing ever was. */
export async function readTenantDecision(
  transaction: Transaction,
  tenant: string,
): Promise<{ readonly decision: TenantDecision; readonly transfer: Uint8Array } | undefined> {
  const { rows } = await transaction.query<{ decision: TenantDecision; transfer: Uint8Array }>(
    'SELECT decision, transfer FROM realm.decisions WHERE tenant = $1 ORDER BY sequence DESC LIMIT 1',
    [tenant],
  )
  const [row] = rows
  return row && { decision: row.decision, transfer: new Uint8Array(row.transfer) }
}

/** The newest decisions, newest first. */
export async function listDecisions(
  transaction: Transaction,
  most: number,
): Promise<readonly { readonly at: Date; readonly decision: string; readonly tenant: string | undefined }[]> {
  const { rows } = await transaction.query<{ at: Date; decision: string; tenant: string | null }>(
    'SELECT decided_at AS at, decision, tenant FROM realm.decisions ORDER BY sequence DESC LIMIT $1',
    [most],
  )
  return rows.map(({ at, decision, tenant }) => ({ at, decision, tenant: tenant ?? undefined }))
}
