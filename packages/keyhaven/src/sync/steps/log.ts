/**
 * Checks that served segments continue the log that this device knows: from the roots to the heads, nothing missing,
 * nothing told twice. Pure; opens nothing.
 *
 * Only segments of the generation in use count. Older ones are covered by that generation's snapshot, which
 * read-log.ts opens and compares.
 */
import { equal, toHex } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import { createLogEntries } from '../device/log-entries.ts'
import type { LogEntries, LogEntry } from '../device/log-entries.ts'
import type { Segment } from '../format/segment.ts'

/** A served segment that is new to this device. */
export interface PlacedSegment {
  readonly segment: Segment
  readonly entry: LogEntry
}

export interface LogPosition {
  readonly entries: LogEntries
  /** Ids in hex, sorted. */
  readonly heads: readonly string[]
}

export interface ArrangedLog {
  /** Parents before children. */
  readonly fresh: readonly PlacedSegment[]
  /** The heads after them, sorted. */
  readonly heads: readonly string[]
  /** Parents that no segment of this generation is: a snapshot must cover them. */
  readonly outside: readonly string[]
}

export const EMPTY_LOG: LogPosition = { entries: createLogEntries(), heads: [] }

/**
 * Arranges what was served after what is known. `ERR_LOG_DAMAGED` for another account's segment,
 * `ERR_POINTER_CONFLICT` for a generation newer than the one in use (read the pointer again), `ERR_LOG_FORKED` when a
 * device's sequence has two ids, `ERR_LOG_INCOMPLETE` when segments follow one another in a circle.
 */
export function arrangeSegments(input: {
  readonly account: Uint8Array
  readonly generation: number
  readonly known: LogPosition
  readonly served: readonly Segment[]
}): ArrangedLog {
  const waiting = selectFresh(input)
  const placed = new Map<string, PlacedSegment>()
  const outside = new Set<string>()
  for (const id of waiting.keys()) place(id, { waiting, placed, outside, known: input.known })
  const fresh = [...placed.values()].sort((left, right) => compareInMergeOrder(left.entry, right.entry))
  requireUnforked(input.known, fresh)
  return { fresh, heads: headsAfter(input.known.heads, fresh), outside: [...outside] }
}

/** The heads of a log after more segments, sorted. */
export function headsAfter(heads: readonly string[], fresh: readonly PlacedSegment[]): readonly string[] {
  const open = new Set([...heads, ...fresh.map(({ entry }) => entry.id)])
  for (const { segment } of fresh) for (const parent of segment.parents) open.delete(toHex(parent))
  return [...open].sort()
}

function selectFresh(input: Parameters<typeof arrangeSegments>[0]): Map<string, Segment> {
  const fresh = new Map<string, Segment>()
  for (const segment of input.served) {
    if (!equal(segment.account, input.account)) {
      throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'account' })
    }
    if (segment.generation > input.generation) throw new KeyhavenError('ERR_POINTER_CONFLICT', undefined)
    if (segment.generation < input.generation) continue
    const id = toHex(segment.id)
    if (input.known.entries.get(id) === undefined) fresh.set(id, segment)
  }
  return fresh
}

interface Placing {
  readonly waiting: ReadonlyMap<string, Segment>
  readonly placed: Map<string, PlacedSegment>
  readonly outside: Set<string>
  readonly known: LogPosition
}

/** Places a segment after its ancestors, without recursion: a log may be a hundred thousand segments deep. */
function place(start: string, placing: Placing): void {
  const path = [start]
  const onPath = new Set<string>()
  for (let id = path.at(-1); id !== undefined; id = path.at(-1)) {
    const segment = placing.waiting.get(id)
    if (segment === undefined || placing.placed.has(id)) {
      path.pop()
      continue
    }
    const missing = segment.parents
      .map(toHex)
      .filter((parent) => placing.waiting.has(parent) && !placing.placed.has(parent))
    if (missing.length === 0) {
      placing.placed.set(id, { segment, entry: describe(id, segment, placing) })
      path.pop()
    } else if (onPath.has(id)) {
      throw new KeyhavenError('ERR_LOG_INCOMPLETE', undefined)
    } else {
      onPath.add(id)
      path.push(...missing)
    }
  }
}

function describe(id: string, segment: Segment, placing: Placing): LogEntry {
  let depth = 0
  for (const parent of segment.parents.map(toHex)) {
    const entry = placing.placed.get(parent)?.entry ?? placing.known.entries.get(parent)
    if (entry === undefined) placing.outside.add(parent)
    else depth = Math.max(depth, entry.depth + 1)
  }
  return { id, device: toHex(segment.device), sequence: segment.sequence, depth }
}

function requireUnforked(known: LogPosition, fresh: readonly PlacedSegment[]): void {
  const seen = createLogEntries()
  for (const { entry } of fresh) {
    const { id, device, sequence } = entry
    const other = known.entries.idAt(device, sequence) ?? seen.idAt(device, sequence)
    if (other !== undefined && other !== id) throw new KeyhavenError('ERR_LOG_FORKED', undefined)
    seen.add(entry)
  }
}

/** Merge order: by depth, then by id. Every device that has the same segments has them in the same order. */
export function compareInMergeOrder(left: LogEntry, right: LogEntry): number {
  return left.depth - right.depth || (left.id < right.id ? -1 : 1)
}
