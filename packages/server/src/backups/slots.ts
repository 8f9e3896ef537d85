/**
 * Slots: the root key, sealed to each way in. Only those of the generation in use are kept and served.
 */
import { parseHex, toBase64, toHex } from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import type { Actor } from '../auth/signed-in.ts'
import type { Transaction } from '../db/database.ts'
import { Refusal } from '../http/refusal.ts'
import { encodeSlotMessage, requireProof } from './authority-proof.ts'
import { requirePending } from './segments.ts'
import { lockState } from './state.ts'
import type { BackupState } from './state.ts'

export const SLOT_LENGTH = 1168

const MOST_SLOTS = 256

/** A slot of a way (32 hex digits), for the generation in use or for a change under way. */
export interface SlotUpload {
  readonly wayId: string
  readonly slot: Uint8Array
  readonly registration: string | undefined
  /** The generation whose root key it holds; only without a registration. */
  readonly generation?: number | undefined
  /** The authority key's signature, 128 hex digits. */
  readonly proof: string | undefined
}

/**
 * Adds or replaces a slot. `ERR_GENERATION_RETIRED` without a pointer or for another generation than its own,
 * `ERR_POINTER_CONFLICT` without that change, `ERR_PROOF_REJECTED` without the authority.
 */
export async function storeSlot(transaction: Transaction, actor: Actor, upload: SlotUpload): Promise<void> {
  const state = await lockState(transaction, actor.accountId, actor.time)
  const { accountId } = actor
  const wayId = parseHex(upload.wayId, 'wayId', 16)
  const generation = requireGeneration(state, upload, actor)
  requireProof(state.pointer, encodeSlotMessage(accountId, { ...upload, generation }), upload.proof)
  if (upload.registration !== undefined) {
    const registration = parseHex(upload.registration, 'registration', 16)
    await transaction.query(
      `INSERT INTO app.pending_slots (user_id, registration, way_id, slot) VALUES ($1, $2, $3, $4)
       ON CONFLICT (user_id, registration, way_id) DO UPDATE SET slot = excluded.slot`,
      [accountId, registration, wayId, upload.slot],
    )
  } else {
    await transaction.query(
      `INSERT INTO app.slots (user_id, way_id, generation, slot) VALUES ($1, $2, $3, $4)
       ON CONFLICT (user_id, way_id) DO UPDATE SET slot = excluded.slot, generation = excluded.generation`,
      [accountId, wayId, generation, upload.slot],
    )
    await actor.record(done('backup_updated'))
  }
  await requireRoom(transaction, accountId)
}

/** The generation that the slot is for: that of the change that it waits for, or the one in use. */
function requireGeneration(state: BackupState, upload: SlotUpload, actor: Actor): number {
  if (upload.registration !== undefined) return requirePending(state, upload.registration, actor).generation
  const inUse = state.pointer?.generation
  if (inUse === undefined || (upload.generation ?? inUse) !== inUse) {
    throw new Refusal('ERR_GENERATION_RETIRED')
  }
  return inUse
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
