/**
 * Slots: the root key, sealed to each way in. Only those of the generation in use are kept and served.
 */
import { parseHex, toBase64, toHex } from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import type { Actor } from '../auth/signed-in.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { requirePending } from './segments.ts'
import { lockState } from './state.ts'

export const SLOT_LENGTH = 1168

const MOST_SLOTS = 256

/** A slot of a way (32 hex digits), for the generation in use or for a change under way. */
export interface SlotUpload {
  readonly wayId: string
  readonly slot: Uint8Array
  readonly registration: string | undefined
  /** The generation whose root key it holds; only without a registration. */
  readonly generation?: number | undefined
}

/**
 * Adds or replaces a slot. `ERR_GENERATION_RETIRED` without a pointer or for another generation than its own,
 * `ERR_POINTER_CONFLICT` without that change.
 */
export async function storeSlot(transaction: Transaction, actor: Actor, upload: SlotUpload): Promise<void> {
  const state = await lockState(transaction, actor.accountId, actor.time)
  const wayId = parseHex(upload.wayId, 'wayId', 16)
  if (upload.registration !== undefined) {
    requirePending(state, upload.registration, actor)
    const registration = parseHex(upload.registration, 'registration', 16)
    await transaction.query(
      `INSERT INTO app.pending_slots (user_id, registration, way_id, slot) VALUES ($1, $2, $3, $4)
       ON CONFLICT (user_id, registration, way_id) DO UPDATE SET slot = excluded.slot`,
      [actor.accountId, registration, wayId, upload.slot],
    )
  } else {
    const { generation = state.pointer?.generation } = upload
    if (state.pointer === null || generation !== state.pointer.generation) {
      throw new Refusal('ERR_GENERATION_RETIRED')
    }
    await transaction.query(
      `INSERT INTO app.slots (user_id, way_id, generation, slot) VALUES ($1, $2, $3, $4)
       ON CONFLICT (user_id, way_id) DO UPDATE SET slot = excluded.slot, generation = excluded.generation`,
      [actor.accountId, wayId, state.pointer.generation, upload.slot],
    )
    await actor.record(done('backup_updated'))
  }
  await requireRoom(transaction, actor.accountId)
}

/** The slots of the generation in use. */
export async function readSlots(
  transaction: Transaction,
  accountId: string,
): Promise<{ readonly generation: number | null; readonly slots: Readonly<Record<string, string>> }> {
  const { rows } = await transaction.query<{
    generation: number
    way_id: Uint8Array | null
    slot: Uint8Array | null
  }>(
    `SELECT pointers.generation, way_id, slot FROM app.pointers LEFT JOIN app.slots USING (user_id, generation)
      WHERE user_id = $1 ORDER BY way_id`,
    [accountId],
  )
  const slots = rows.flatMap(({ way_id, slot }) =>
    way_id === null || slot === null ? [] : [[toHex(way_id), toBase64(slot)] as const],
  )
  return { generation: rows[0]?.generation ?? null, slots: Object.fromEntries(slots) }
}

async function requireRoom(transaction: Transaction, accountId: string): Promise<void> {
  const { rows } = await transaction.query<{ slots: number }>(
    `SELECT greatest((SELECT count(*) FROM app.slots WHERE user_id = $1),
                     (SELECT count(*) FROM app.pending_slots WHERE user_id = $1)) AS slots`,
    [accountId],
  )
  if ((rows[0]?.slots ?? 0) > MOST_SLOTS) throw new Refusal('ERR_QUOTA_EXCEEDED')
}
