/**
 * Takes verified segments into what this device knows: the same path for segments that were served, and for its own
 * once they are stored. All is checked and opened first; then one atomic write.
 */
import { equal } from '../../crypto/index.ts'
import { KeyhavenError } from '../../errors.ts'
import type { VaultRecord } from '../../vault/index.ts'
import { keepState } from '../device/backup-state.ts'
import type { BackupState } from '../device/backup-state.ts'
import type { SyncContext } from './context.ts'
import { keepIdentityChoices } from '../device/identity-choice.ts'
import { keepBackedUp } from '../device/key-batches.ts'
import { keepKnownLog } from '../device/known-log.ts'
import { EMPTY_LOG, arrangeSegments } from './log.ts'
import type { ArrangedLog, LogPosition } from './log.ts'
import { readLog } from './read-log.ts'
import type { LogReading } from './read-log.ts'
import { inTurn } from '../device/records.ts'
import type { Segment } from '../format/segment.ts'
import { describeTrust } from '../format/ways.ts'
import type { Way } from '../format/ways.ts'
import { writeRecords } from '../device/write-records.ts'

/** What the segments follow. */
export interface AbsorbInput {
  readonly registration: string
  /** The pointer's serial. */
  readonly serial: number
  readonly generation: number
  readonly root: Uint8Array
  readonly segments: readonly Segment[]
  /** How far the log has been read after them. */
  readonly cursor: number
  /** The state and the log that they continue; none when a generation is read from its beginning. */
  readonly continued?: { readonly state: BackupState; readonly known: LogPosition }
}

/** Segments that hold, and the state after them; nothing is written yet. */
export interface Absorbed {
  readonly state: BackupState
  readonly reading: LogReading
  readonly arranged: ArrangedLog
  /** True when a generation was read from its beginning. */
  readonly restart: boolean
}

/** Verifies and opens segments. Besides the codes of log.ts and read-log.ts: `ERR_CONFIGURATION_INVALID`. */
export async function verifySegments(context: SyncContext, input: AbsorbInput): Promise<Absorbed> {
  const { generation, root, segments, continued } = input
  const known = continued?.known ?? EMPTY_LOG
  const arranged = arrangeSegments({ account: context.account, generation, known, served: segments })
  const total = arranged.fresh.length
  const onOpened = (done: number): void => {
    context.report({ phase: 'open', done, total })
  }
  const reading = await readLog({ arranged, root, onOpened })
  requireTrust(context, reading)
  const state = stateAfter(input, arranged, reading)
  return { state, reading, arranged, restart: continued === undefined }
}

/** Writes what was verified, in one batch together with `more`. */
export async function keepAbsorbed(
  context: SyncContext,
  absorbed: Absorbed,
  more: {
    readonly pending?: readonly string[]
    readonly records?: ReadonlyMap<string, VaultRecord | null>
  } = {},
): Promise<void> {
  const { vault } = context
  const { changes } = absorbed.reading
  context.accessLog.noteHeads(absorbed.reading.accessLogHeads)
  const entries = absorbed.arranged.fresh.map(({ entry }) => entry)
  await inTurn(vault, 'keys', async () => {
    const records = new Map<string, VaultRecord | null>([
      ...(await keepBackedUp(vault, { changes, pending: more.pending ?? [] })),
      ...(await keepKnownLog(vault, entries, { restart: absorbed.restart })),
      ...(await keepIdentityChoices(vault, changes.identity)),
      keepState(absorbed.state),
      context.accessLog.keep(),
      ...(more.records ?? []),
    ])
    await writeRecords(vault, records)
  })
}

/** The state after what was read; `ERR_LOG_INCOMPLETE` when no ways segment is there. */
export function stateAfter(input: AbsorbInput, arranged: ArrangedLog, reading: LogReading): BackupState {
  const before = input.continued?.state
  const listed = reading.newestWays ?? before
  if (listed === undefined) throw new KeyhavenError('ERR_LOG_INCOMPLETE', undefined)
  const { authoritySeed, formerAuthorities, trust } = listed
  if (before !== undefined && !equal(before.authoritySeed, authoritySeed)) {
    throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'authority' })
  }
  const anchors = [...reading.anchors, ...reading.snapshots.flatMap((snapshot) => snapshot.anchors)]
  return {
    registration: input.registration,
    serial: input.serial,
    generation: input.generation,
    root: input.root,
    authoritySeed,
    formerAuthorities,
    trust,
    ways: mergeWays(before?.ways ?? [], reading.ways),
    heads: arranged.heads,
    anchors: [...new Set([...(before?.anchors ?? []), ...anchors])],
    cursor: input.cursor,
    sequences: highestSequences(before?.sequences, arranged, reading),
    lastChange: Math.max(before?.lastChange ?? 0, reading.newestWrittenAt),
    begun: reading.begun ?? before?.begun ?? reading.oldestWrittenAt,
  }
}

function mergeWays(known: readonly Way[], fresh: readonly Way[]): readonly Way[] {
  return [...new Map([...known, ...fresh].map((way) => [way.id, way])).values()]
}

function highestSequences(
  before: ReadonlyMap<string, number> | undefined,
  arranged: ArrangedLog,
  reading: LogReading,
): ReadonlyMap<string, number> {
  const highest = new Map(before)
  const raise = (device: string, sequence: number): void => {
    highest.set(device, Math.max(highest.get(device) ?? 0, sequence))
  }
  for (const { sequences } of reading.snapshots)
    for (const [device, sequence] of sequences) raise(device, sequence)
  for (const { entry } of arranged.fresh) raise(entry.device, entry.sequence)
  return highest
}

/** `ERR_CONFIGURATION_INVALID` when the backup was made with other realms, thresholds or PIN hashing. */
export function requireTrust(context: SyncContext, reading: LogReading): void {
  const { newestWays } = reading
  const accepted = [context.configuration, ...context.movingFrom].map(describeTrust)
  if (newestWays === undefined || accepted.some((trust) => equal(newestWays.trust, trust))) return
  throw new KeyhavenError('ERR_CONFIGURATION_INVALID', {
    problem: 'the backup was made with other realms, thresholds or PIN hashing',
  })
}
