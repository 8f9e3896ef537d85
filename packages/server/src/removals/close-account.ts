/**
 * Closing an account that has no backup: number, sessions and names of devices go; of the access log what was done and when
 * stays, with nothing of who and from where. Afterwards the same number makes a new account.
 */
import { done } from '../access-log/events.ts'
import type { EventSubject } from '../access-log/record.ts'
import { recordEvents } from '../access-log/record.ts'
import type { Transaction } from '../db/database.ts'

/** What a device is called once its name has gone. */
const NO_NAME = '-'

/** Closes it in one transaction of the sign-in's login; doing it again is no fault. */
export async function closeAccount(transaction: Transaction, subject: EventSubject): Promise<void> {
  const { accountId } = subject
  await recordEvents(transaction, subject, done('account_deleted'))
  await transaction.query('DELETE FROM auth.phones WHERE user_id = $1', [accountId])
  await transaction.query('UPDATE app.accounts SET phone_sealed = NULL WHERE user_id = $1', [accountId])
  await transaction.query('DELETE FROM app.sessions WHERE user_id = $1', [accountId])
  await transaction.query("SET LOCAL app.closing = 'on'")
  await transaction.query('DELETE FROM app.contact_shares WHERE contact_id = $1', [accountId])
  await transaction.query(
    `UPDATE app.access_log SET device_label = NULL, device_label_salt = NULL, address = NULL, address_salt = NULL,
       user_agent = NULL, user_agent_salt = NULL WHERE user_id = $1`,
    [accountId],
  )
  await transaction.query('UPDATE app.devices SET label = $2 WHERE user_id = $1', [accountId, NO_NAME])
}

/** What is no part of a backup: the mailbox for links, and the page's conversations, as when each of them is removed. */
export async function dropBelongings(transaction: Transaction, accountId: string): Promise<void> {
  await transaction.query('DELETE FROM app.links WHERE user_id = $1', [accountId])
  await transaction.query('DELETE FROM messenger.conversations WHERE $1 IN (user_id, guest_id)', [accountId])
}
