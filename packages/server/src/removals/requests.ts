/**
 * Deletions without the backup's authority key: one per account waits, and the key or a recovery ends it.
 */
import { parseHex, toHex } from 'keyhaven/crypto'
import type { AccessEvent } from '../access-log/events.ts'
import { done } from '../access-log/events.ts'
import type { Transaction } from '../db/database.ts'
import type { RemovalKind } from './messages.ts'

/** A deletion that waits. */
export interface RemovalRequest {
  readonly kind: RemovalKind
  /** 32 hex digits. */
  readonly deviceId: string
  readonly requestedAt: Date
  readonly dueAt: Date
}

/** The account's waiting deletion, if there is one. */
export async function readRequest(
  transaction: Transaction,
  accountId: string,
): Promise<RemovalRequest | undefined> {
  const { rows } = await transaction.query<{
    kind: RemovalKind
    device_id: Uint8Array
    requested_at: Date
    due_at: Date
  }>('SELECT kind, device_id, requested_at, due_at FROM app.removal_requests WHERE user_id = $1', [accountId])
  const [row] = rows
  if (row === undefined) return undefined
  const { kind, device_id, requested_at, due_at } = row
  return { kind, deviceId: toHex(device_id), requestedAt: requested_at, dueAt: due_at }
}

/** Begins a wait in place of the one that there is. */
export async function writeRequest(
  transaction: Transaction,
  accountId: string,
  request: RemovalRequest,
): Promise<void> {
  await dropRequest(transaction, accountId)
  await transaction.query(
    `INSERT INTO app.removal_requests (user_id, kind, device_id, requested_at, due_at) VALUES ($1, $2, $3, $4, $5)`,
    [accountId, request.kind, parseHex(request.deviceId, 'device', 16), request.requestedAt, request.dueAt],
  )
}

/** Forgets the wait; true when there was one. */
export async function dropRequest(transaction: Transaction, accountId: string): Promise<boolean> {
  const { rowCount } = await transaction.query('DELETE FROM app.removal_requests WHERE user_id = $1', [
    accountId,
  ])
  return rowCount === 1
}

/** Ends the wait because the owner has shown himself; what is to be written down of it. */
export async function endRequest(
  transaction: Transaction,
  accountId: string,
): Promise<readonly AccessEvent[]> {
  return (await dropRequest(transaction, accountId)) ? [done('removal_cancelled')] : []
}
