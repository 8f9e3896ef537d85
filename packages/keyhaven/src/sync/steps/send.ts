/**
 * Sends what lies in the outbox, and takes it into the device's state once it is stored. Every call may be repeated:
 * a segment's id is its name, a slot is replaced by the same slot.
 */
import { toHex } from '../../crypto/index.ts'
import { isKeyhavenError } from '../../errors.ts'
import { keepAbsorbed, verifySegments } from './absorb.ts'
import { readState } from '../device/backup-state.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { readKnownLog } from '../device/known-log.ts'
import { dropOutbox } from '../device/outbox.ts'
import type { Outbox } from '../device/outbox.ts'
import type { Segment } from '../format/segment.ts'
import { proveSegment, proveSlot } from '../format/upload-proofs.ts'

/** Rules by which the server refuses segments that must be sealed again. */
const SEAL_AGAIN = [
  'ERR_GENERATION_RETIRED',
  'ERR_SEQUENCE_TAKEN',
  'ERR_PARENT_MISSING',
  'ERR_TOO_MANY_HEADS',
]

/**
 * Uploads slots and segments, proved by the backup's authority key (seed, 32 bytes); invisible ones when the outbox is a
 * change of the pointer.
 */
export async function sendOutbox(
  context: SyncContext,
  outbox: Outbox,
  authoritySeed: Uint8Array,
): Promise<void> {
  const { transport, signal, account } = context
  const { generation, registration, segments, slots } = outbox
  const signer = { account, seed: authoritySeed }
  for (const { wayId, slot } of slots) {
    const proof = proveSlot(signer, { wayId, generation, slot })
    await transport.putSlot({ wayId, slot, generation, registration, proof }, signal)
  }
  for (const [index, { id, bytes }] of segments.entries()) {
    const proof = proveSegment(signer, id)
    await transport.putSegment({ id: toHex(id), bytes, registration, proof }, signal)
    context.report({ phase: 'upload', done: index + 1, total: segments.length })
  }
}

/**
 * Sends an outbox of the generation in use and completes it. `undefined` when the server wants it sealed again: then
 * the outbox is dropped and what it held is pending as before.
 */
export async function deliver(
  context: SyncContext,
  outbox: Outbox,
  state: BackupState,
): Promise<BackupState | undefined> {
  try {
    await sendOutbox(context, outbox, state.authoritySeed)
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_SERVER_REFUSED') || !SEAL_AGAIN.includes(fault.details.rule)) throw fault
    await context.vault.write(await dropOutbox(context.vault))
    return undefined
  }
  const current = (await readState(context.vault)) ?? state
  if (current.generation !== outbox.generation) return undefined
  const { registration, serial } = current
  return absorbOutbox(context, { ...outbox, registration, serial }, current)
}

/** Takes a committed change of the pointer, by which it has this serial, into the device's state. */
export async function completeChange(
  context: SyncContext,
  outbox: Outbox & { readonly registration: string },
  serial: number,
): Promise<BackupState> {
  const current = await readState(context.vault)
  const begins = current?.generation !== outbox.generation || outbox.segments.some(isSnapshot)
  return absorbOutbox(context, { ...outbox, serial }, begins ? undefined : current)
}

/** A snapshot's segments are all that their generation has. */
function isSnapshot({ kind }: Segment): boolean {
  return kind === 'snapshot'
}

/** Keeps what was sent, after `current` of the same generation or as the beginning of a log. */
async function absorbOutbox(
  context: SyncContext,
  outbox: Outbox & { readonly registration: string; readonly serial: number },
  current: BackupState | undefined,
): Promise<BackupState> {
  const { registration, serial, generation, root, segments, pending } = outbox
  const absorbed = await verifySegments(context, {
    registration,
    serial,
    generation,
    root,
    segments,
    cursor: current?.cursor ?? 0,
    ...(current !== undefined && {
      continued: {
        state: current,
        known: { entries: await readKnownLog(context.vault), heads: current.heads },
      },
    }),
  })
  await keepAbsorbed(context, absorbed, { pending, records: await dropOutbox(context.vault) })
  return absorbed.state
}
