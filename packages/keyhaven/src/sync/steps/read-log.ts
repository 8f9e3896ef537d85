/**
 * Opens arranged segments under the root key and gathers what they say. Nothing is kept here: the caller writes
 * only after everything has opened.
 */
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { readHead } from '../format/access-chain.ts'
import type { ChainHead } from '../format/access-chain.ts'
import { parseContent } from '../format/content.ts'
import { scanConversationEntries } from '../format/conversation-entries.ts'
import { parseIdentityEntries } from '../format/identity-entries.ts'
import type { AllChanges, KeyChanges } from '../format/key-changes.ts'
import type { ArrangedLog, PlacedSegment } from './log.ts'
import { openSegment } from '../format/segment.ts'
import { parseSnapshot } from '../format/snapshot.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { parseWays } from '../format/ways.ts'
import type { Way, WaysBody } from '../format/ways.ts'

/** What a run of segments says. */
export interface LogReading {
  readonly changes: AllChanges
  /** The ways of these segments, without repeats. */
  readonly ways: readonly Way[]
  /** The ways segment that comes last in merge order, if there is one. */
  readonly newestWays: WaysBody | undefined
  readonly snapshots: readonly Snapshot[]
  /** Ids of ways and snapshot segments, in hex. */
  readonly anchors: readonly string[]
  /** Seconds since 1970, by the writers' clocks; 0 when there is no segment. */
  readonly newestWrittenAt: number
  /** The newest access-log head that each device wrote, by device id in hex. */
  readonly accessLogHeads: ReadonlyMap<string, ChainHead>
  readonly oldestWrittenAt: number
  /** When the generation began, if a snapshot says so. */
  readonly begun: number | undefined
}

/**
 * Opens all of `arranged`. `ERR_LOG_DAMAGED` when one segment does not open or is malformed inside,
 * `ERR_LOG_INCOMPLETE` when a parent was neither served nor is covered by a snapshot among them.
 */
export async function readLog(input: {
  readonly arranged: ArrangedLog
  readonly root: Uint8Array
  readonly onOpened?: (done: number) => void
}): Promise<LogReading> {
  const gathered = createGathering()
  for (const [index, placed] of input.arranged.fresh.entries()) {
    await openInto(gathered, placed, input.root)
    input.onOpened?.(index + 1)
  }
  const reading = finish(gathered)
  if (listMissing(input.arranged, reading).length > 0)
    throw new KeyhavenError('ERR_LOG_INCOMPLETE', undefined)
  return reading
}

/** The same of whatever opens; says how many segments did not. */
export async function readWhatOpens(
  arranged: ArrangedLog,
  root: Uint8Array,
): Promise<{ readonly reading: LogReading; readonly damaged: number }> {
  const gathered = createGathering()
  let damaged = 0
  for (const placed of arranged.fresh) {
    try {
      await openInto(gathered, placed, root)
    } catch (fault) {
      if (!isKeyhavenError(fault)) throw fault
      damaged += 1
    }
  }
  return { reading: finish(gathered), damaged }
}

/** Parents that were neither served nor are covered by a snapshot. */
export function listMissing(
  { outside }: ArrangedLog,
  { snapshots }: Pick<LogReading, 'snapshots'>,
): readonly string[] {
  const covered = new Set(snapshots.flatMap(({ heads }) => heads))
  return outside.filter((id) => !covered.has(id))
}

async function openInto(gathered: Gathering, placed: PlacedSegment, root: Uint8Array): Promise<void> {
  const { accessLogHead, writtenAt, body } = parseContent(await openSegment(placed.segment, root))
  const head = readHead(accessLogHead)
  gather(gathered, placed, body)
  noteHead(gathered.accessLogHeads, placed.entry.device, head)
  gathered.newestWrittenAt = Math.max(gathered.newestWrittenAt, writtenAt)
  gathered.oldestWrittenAt = Math.min(gathered.oldestWrittenAt ?? writtenAt, writtenAt)
}

interface Gathering {
  readonly identity: KeyChanges[]
  readonly conversation: Uint8Array[]
  readonly ways: Map<string, Way>
  newestWays: WaysBody | undefined
  readonly snapshots: Snapshot[]
  readonly anchors: string[]
  newestWrittenAt: number
  oldestWrittenAt: number | undefined
  readonly accessLogHeads: Map<string, ChainHead>
}

function noteHead(heads: Map<string, ChainHead>, device: string, head: ChainHead | undefined): void {
  if (head !== undefined && head.sequence > (heads.get(device)?.sequence ?? 0)) heads.set(device, head)
}

function createGathering(): Gathering {
  return {
    identity: [],
    conversation: [],
    ways: new Map(),
    newestWays: undefined,
    snapshots: [],
    anchors: [],
    newestWrittenAt: 0,
    accessLogHeads: new Map(),
    oldestWrittenAt: undefined,
  }
}

/** `placed` come in merge order: by depth, then id. */
function gather(gathered: Gathering, placed: PlacedSegment, body: Uint8Array): void {
  switch (placed.segment.kind) {
    case 'identity':
      gathered.identity.push(parseIdentityEntries(body))
      return
    case 'conversation':
      scanConversationEntries(body, () => undefined)
      gathered.conversation.push(body)
      return
    case 'snapshot':
      gathered.snapshots.push(parseSnapshot(body))
      gathered.anchors.push(placed.entry.id)
      return
    case 'ways':
      gathered.newestWays = parseWays(body)
      for (const way of gathered.newestWays.ways) gathered.ways.set(way.id, way)
      gathered.anchors.push(placed.entry.id)
  }
}

function finish(gathered: Gathering): LogReading {
  const { newestWays, snapshots, anchors, newestWrittenAt, accessLogHeads } = gathered
  return {
    changes: { identity: joined(gathered.identity), conversation: gathered.conversation },
    ways: [...gathered.ways.values()],
    newestWays,
    snapshots,
    anchors,
    newestWrittenAt,
    accessLogHeads,
    oldestWrittenAt: gathered.oldestWrittenAt ?? 0,
    begun: snapshots.flatMap(({ begun }) => begun ?? [])[0],
  }
}

function joined(changes: readonly KeyChanges[]): KeyChanges {
  return {
    set: changes.flatMap(({ set }) => set),
    removed: changes.flatMap(({ removed }) => removed),
  }
}
