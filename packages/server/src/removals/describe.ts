/**
 * What `GET /v1/pointer` says of deletions: the one that waits, and the last that was carried out.
 */
import { toHex } from 'keyhaven/crypto'
import type { Transaction } from '../db/database.ts'
import { readRequest } from './requests.ts'

/** `removal` and `removed` of the answer. */
export async function describeRemovals(
  transaction: Transaction,
  accountId: string,
  now: Date,
): Promise<Readonly<Record<'removal' | 'removed', unknown>>> {
  const waiting = await readRequest(transaction, accountId)
  const { rows } = await transaction.query<{
    kind: string
    generation: number
    etag: string
    signature: Uint8Array | null
    removed_at: Date
  }>('SELECT kind, generation, etag, signature, removed_at FROM app.removed_backups WHERE user_id = $1', [
    accountId,
  ])
  const [removed] = rows
  return {
    removal:
      waiting === undefined
        ? null
        : {
            kind: waiting.kind,
            device: waiting.deviceId,
            requestedAt: waiting.requestedAt.toISOString(),
            dueAt: waiting.dueAt.toISOString(),
            due: waiting.dueAt <= now,
          },
    removed:
      removed === undefined
        ? null
        : {
            kind: removed.kind,
            generation: removed.generation,
            etag: removed.etag,
            signature: removed.signature === null ? null : toHex(removed.signature),
            removedAt: removed.removed_at.toISOString(),
          },
  }
}
