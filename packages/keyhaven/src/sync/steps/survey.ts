/**
 * Reads what is still whole of a log that is damaged: every segment of the generation that opens, whatever is missing
 * beside it. Never done unasked: a server could leave out what it likes.
 */
import { equal, toHex } from '../../crypto/index.ts'
import { isKeyhavenError } from '../../errors.ts'
import type { KeyhavenErrorCode, KeyhavenError } from '../../errors.ts'
import { keepAbsorbed, requireTrust, stateAfter } from './absorb.ts'
import type { Absorbed } from './absorb.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { downloadSegments } from './download.ts'
import { EMPTY_LOG, arrangeSegments } from './log.ts'
import type { ArrangedLog } from './log.ts'
import type { LogDamage } from '../outcomes.ts'
import { listMissing, readWhatOpens } from './read-log.ts'
import type { LogReading } from './read-log.ts'
import { parseSegment } from '../format/segment.ts'
import type { Segment } from '../format/segment.ts'
import type { Pointer } from '../format/pointer.ts'
import type { LogHeads } from '../transport/transport.ts'

/** Faults that a damaged, rolled back or lying log has. */
const DAMAGE: readonly KeyhavenErrorCode[] = [
  'ERR_LOG_DAMAGED',
  'ERR_LOG_INCOMPLETE',
  'ERR_LOG_FORKED',
  'ERR_LOG_ROLLED_BACK',
]

/** True when what is whole, or understood by this version, can still be read. */
export function isPartlyReadable(fault: unknown): fault is KeyhavenError {
  return isDamage(fault) || isKeyhavenError(fault, 'ERR_CLIENT_TOO_OLD')
}

/** True for a fault that says that the log is not as it should be. */
export function isDamage(fault: unknown): fault is KeyhavenError {
  return isKeyhavenError(fault) && DAMAGE.includes(fault.code)
}

export interface Survey {
  readonly reading: LogReading
  readonly arranged: ArrangedLog
  readonly heads: LogHeads
  readonly damage: LogDamage
}

/** Everything of the generation in use that opens under its root key. */
export async function surveyLog(context: SyncContext, pointer: Pointer, root: Uint8Array): Promise<Survey> {
  let unread = 0
  const names = new Set<string>()
  const take = (bytes: Uint8Array): Segment | undefined => {
    const segment = parseOwn(context, bytes)
    const name = segment && `${toHex(segment.device)}/${String(segment.sequence)}`
    if (segment?.generation === pointer.generation && name !== undefined && !names.has(name)) {
      names.add(name)
      return segment
    }
    if (segment === undefined || segment.generation === pointer.generation) unread += 1
    return undefined
  }
  const { segments, heads } = await downloadSegments(context, 0, take)
  const { account } = context
  const arranged = arrangeSegments({
    account,
    generation: pointer.generation,
    known: EMPTY_LOG,
    served: segments,
  })
  const { reading, damaged } = await readWhatOpens(arranged, root)
  const missing = new Set(listMissing(arranged, reading))
  for (const head of heads.heads) if (!arranged.heads.includes(head)) missing.add(head)
  const unopened = unread + damaged
  return { reading, arranged, heads, damage: { unopened, missing: missing.size } }
}

/** A segment of this account; `undefined` for anything else. */
function parseOwn(context: SyncContext, bytes: Uint8Array): Segment | undefined {
  try {
    const segment = parseSegment(bytes)
    return equal(segment.account, context.account) ? segment : undefined
  } catch (fault) {
    if (!isKeyhavenError(fault)) throw fault
    return undefined
  }
}

/**
 * Takes what is whole into this device, and remembers no heads, so that the log is read again from its beginning at the
 * next occasion, and refused while it is damaged. What it returns stands for everything up to the served heads, for a
 * replacement to cover. `ERR_LOG_INCOMPLETE` when not even the ways in are whole.
 */
export async function takeWhatIsWhole(
  context: SyncContext,
  pointer: Pointer,
  input: { readonly root: Uint8Array; readonly remembered: BackupState | undefined },
): Promise<{ readonly state: BackupState; readonly damage: LogDamage }> {
  const { reading, arranged, heads, damage } = await surveyLog(context, pointer, input.root)
  requireTrust(context, reading)
  const { registration, serial, generation } = pointer
  const place = { registration, serial, generation, root: input.root, segments: [], cursor: 0 }
  const after = stateAfter(place, arranged, reading)
  const sequences = new Map(after.sequences)
  for (const [device, sequence] of input.remembered?.sequences ?? [])
    sequences.set(device, Math.max(sequence, sequences.get(device) ?? 0))
  const state = { ...after, sequences, heads: [] }
  const absorbed: Absorbed = { state, reading, arranged, restart: true }
  await keepAbsorbed(context, absorbed)
  return { state: { ...state, heads: heads.heads }, damage }
}
