/**
 * Keeps the log short: one device seals the whole state of the generation again, with a snapshot that says what it covers,
 * and the server drops that. The root key, the PIN and the registration stay.
 *
 * It goes the way of every change of the pointer, so nothing is lost: the log is read and verified once more from its
 * beginning, what is new waits unseen, and the commit holds only if the log's heads are still those that it covers.
 */
import type { SyncContext } from '../steps/context.ts'
import { isInUse } from '../steps/catch-up.ts'
import { carryOut } from '../steps/change-pointer.ts'
import type { CarriedOut } from '../steps/change-pointer.ts'
import { pullAll } from '../steps/pull.ts'
import { settle } from '../steps/settle.ts'
import type { LogHeads } from '../transport/transport.ts'
import { sealWholeState } from '../steps/whole-state.ts'

const MOST_TAIL_BYTES = 4 * 1_048_576
/** A log that is no larger can be sent again at any time. */
const SMALL_LOG_BYTES = 65_536

/**
 * True when what follows the last snapshot is much: many segments that are an eighth of the log at least, very many, or many
 * bytes that are half of it. So what a snapshot sends is in proportion to what was sent since the last one.
 */
export function isTooLong({ tail, bytes }: Pick<LogHeads, 'tail' | 'bytes'>, mostSegments: number): boolean {
  const worthIt = bytes <= SMALL_LOG_BYTES || 8 * tail.bytes >= bytes
  return (
    (tail.segments > mostSegments && worthIt) ||
    tail.segments > 16 * mostSegments ||
    (tail.bytes > MOST_TAIL_BYTES && 2 * tail.bytes >= bytes)
  )
}

/** Shortens the log; `undefined` when this device is not in the generation in use. `ERR_POINTER_CONFLICT` when another one wrote meanwhile. */
export async function shortenLog(context: SyncContext): Promise<CarriedOut | undefined> {
  const { pointer, state } = await settle(context)
  if (!isInUse(pointer) || state?.generation !== pointer.pointer.generation) return undefined
  const covered = await pullAll(context, pointer.pointer, state)
  const { generation, root, ways, authoritySeed, heads } = covered
  const { segments, pending } = await sealWholeState(context, {
    generation,
    root,
    ways,
    authorities: covered,
    covered,
  })
  const { registration } = pointer.pointer
  return carryOut(context, {
    outbox: { generation, root, segments, slots: [], pending, registration },
    authoritySeed,
    anchor: segments.at(-1)?.id ?? new Uint8Array(32),
    expectedEtag: pointer.etag,
    serial: pointer.pointer.serial + 1,
    expectedHeads: heads,
    registering: undefined,
  })
}
