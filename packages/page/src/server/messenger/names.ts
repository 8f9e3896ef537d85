/** What a member calls the other one: sealed by his devices, and for them alone. */
import type { Actor, Transaction } from '@keyhaven/server/routes'
import { find } from './conversations.ts'

/** A name's length does not show. */
export const NAME_BYTES = 305

/** Keeps a name for a conversation of the account's; the one before is gone. */
export async function keepName(
  transaction: Transaction,
  actor: Actor,
  named: {
    readonly conversation: string
    /** NAME_BYTES long. */
    readonly name: Uint8Array
  },
): Promise<void> {
  const row = await find(transaction, actor, named.conversation)
  await transaction.query(
    `INSERT INTO messenger.names (user_id, conversation_id, name) VALUES ($1, $2, $3)
     ON CONFLICT (user_id, conversation_id) DO UPDATE SET name = excluded.name`,
    [actor.accountId, row.conversation_id, named.name],
  )
}
