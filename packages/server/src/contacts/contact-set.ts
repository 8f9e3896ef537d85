/**
 * The trusted contacts of an account: set and removed by the authority key alone. Whoever sets them anew ends what was asked of
 * those before.
 */
import { parseHex, toHex } from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import type { Actor } from '../auth/signed-in.ts'
import { isProven } from '../backups/authority-proof.ts'
import { lockState } from '../backups/state.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { encodeContactsMessage, encodeContactsRemovalMessage } from './messages.ts'
import type { ContactSet } from './messages.ts'

/** The set as the API shows it, without the sealed parts. */
export interface DescribedSet {
  readonly wayId: string
  readonly threshold: number
  readonly waitDays: number
  readonly contacts: readonly { readonly place: number; readonly accountId: string }[]
}

/**
 * Puts a set in the place of the one that there is. `ERR_POINTER_CONFLICT` when the backup is another one than the client
 * knows, `ERR_PROOF_REJECTED` without the authority key's signature, also before there is a backup.
 */
export async function setContacts(
  transaction: Transaction,
  actor: Actor,
  input: { readonly set: ContactSet; readonly etag: string; readonly proof: string | undefined },
): Promise<void> {
  const { accountId } = actor
  const { set, etag } = input
  const { pointer } = await lockState(transaction, accountId, actor.time)
  if (pointer === null) throw new Refusal('ERR_PROOF_REJECTED')
  if (pointer.etag !== etag) throw new Refusal('ERR_POINTER_CONFLICT')
  if (!isProven(pointer, encodeContactsMessage(accountId, etag, set), input.proof)) {
    throw new Refusal('ERR_PROOF_REJECTED')
  }
  await dropContacts(transaction, accountId)
  await transaction.query(
    'INSERT INTO app.contact_sets (user_id, way_id, threshold, wait_days) VALUES ($1, $2, $3, $4)',
    [accountId, parseHex(set.wayId, 'wayId', 16), set.threshold, set.waitDays],
  )
  for (const [index, contact] of set.contacts.entries()) {
    await transaction.query(
      'INSERT INTO app.contact_shares (user_id, place, contact_id, names, share) VALUES ($1, $2, $3, $4, $5)',
      [accountId, index + 1, contact.accountId, contact.names, contact.share],
    )
  }
  await actor.record(done('contacts_changed'))
}

/** Removes the set with all that was asked; without one there is nothing to do. `ERR_PROOF_REJECTED` without the signature. */
export async function removeContacts(
  transaction: Transaction,
  actor: Actor,
  proof: string | undefined,
): Promise<void> {
  const { accountId } = actor
  const { pointer } = await lockState(transaction, accountId, actor.time)
  const signed =
    pointer !== null && isProven(pointer, encodeContactsRemovalMessage(accountId, pointer.etag), proof)
  if (!signed) throw new Refusal('ERR_PROOF_REJECTED')
  if (await dropContacts(transaction, accountId)) await actor.record(done('contacts_changed'))
}

/** Drops shares, requests and answers of an account; true when it had contacts. */
export async function dropContacts(transaction: Transaction, accountId: string): Promise<boolean> {
  const { rowCount } = await transaction.query('DELETE FROM app.contact_sets WHERE user_id = $1', [accountId])
  return rowCount === 1
}

/** The account's set, if it has one. */
export async function readContacts(
  transaction: Transaction,
  accountId: string,
): Promise<DescribedSet | undefined> {
  const { rows } = await transaction.query<{ way_id: Uint8Array; threshold: number; wait_days: number }>(
    'SELECT way_id, threshold, wait_days FROM app.contact_sets WHERE user_id = $1',
    [accountId],
  )
  const [set] = rows
  if (set === undefined) return undefined
  const shares = await transaction.query<{ place: number; contact_id: string }>(
    'SELECT place, contact_id FROM app.contact_shares WHERE user_id = $1 ORDER BY place',
    [accountId],
  )
  return {
    wayId: toHex(set.way_id),
    threshold: set.threshold,
    waitDays: set.wait_days,
    contacts: shares.rows.map(({ place, contact_id }) => ({ place, accountId: contact_id })),
  }
}
