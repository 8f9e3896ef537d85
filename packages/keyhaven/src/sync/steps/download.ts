/**
 * Brings segments down and compares the end of the log with what the server says its heads are.
 */
import { KeyhavenError } from '../../errors.ts'
import type { SyncContext } from './context.ts'
import { parseSegment } from '../format/segment.ts'
import type { Segment } from '../format/segment.ts'
import type { LogHeads } from '../transport/transport.ts'

/** How often a page may be empty although the server says that there is more. */
const MOST_EMPTY_PAGES = 3

export interface Download {
  readonly segments: readonly Segment[]
  /** The heads right after the last segment. */
  readonly heads: LogHeads
  /** True when the segments are all that the generation in use has, from its beginning or its last snapshot. */
  readonly whole: boolean
}

/**
 * Every visible segment after a cursor, in cursor order, without those that a snapshot took the place of meanwhile.
 * `ERR_LOG_ROLLED_BACK` when the log ends before the cursor, `ERR_LOG_INCOMPLETE` when the server holds back what it
 * says is there; whatever `parse` throws, and it may leave a segment out.
 */
export async function downloadSegments(
  context: SyncContext,
  after: number,
  parse: (bytes: Uint8Array) => Segment | undefined = parseSegment,
): Promise<Download> {
  const { transport, signal } = context
  const segments: PlacedDownload[] = []
  let cursor = after
  let empty = 0
  for (;;) {
    const page = await transport.readSegments(cursor, signal)
    for (const { cursor: at, bytes } of page.frames) {
      const segment = parse(bytes)
      if (segment !== undefined) segments.push({ at, segment })
    }
    cursor = page.frames.at(-1)?.cursor ?? cursor
    if (page.newest < cursor) throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
    context.report({ phase: 'download', done: segments.length, total: segments.length })
    if (page.newest > cursor && page.frames.length > 0) continue
    const heads = await transport.readHeads(signal)
    if (heads.cursor === cursor) return describeDownload(segments, { heads, after })
    if (heads.cursor < cursor) throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
    if (page.frames.length === 0) empty += 1
    if (empty > MOST_EMPTY_PAGES) throw new KeyhavenError('ERR_LOG_INCOMPLETE', undefined)
  }
}

interface PlacedDownload {
  /** The segment's cursor. */
  readonly at: number
  readonly segment: Segment
}

function describeDownload(
  placed: readonly PlacedDownload[],
  { heads, after }: { readonly heads: LogHeads; readonly after: number },
): Download {
  const { coveredCursor } = heads
  const segments = placed.filter(({ at }) => at > coveredCursor).map(({ segment }) => segment)
  return { segments, heads, whole: after === 0 || (coveredCursor > 0 && coveredCursor >= after) }
}

/**
 * Compares the heads that the verified log has with those that the server names: `ERR_LOG_ROLLED_BACK` when the server
 * does not name one of ours, `ERR_LOG_INCOMPLETE` when it names one that it did not serve.
 */
export function requireSameHeads(ours: readonly string[], theirs: readonly string[]): void {
  if (!ours.every((id) => theirs.includes(id))) throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
  if (!theirs.every((id) => ours.includes(id))) throw new KeyhavenError('ERR_LOG_INCOMPLETE', undefined)
}

/** True when two sorted lists of ids are the same. */
export function sameIds(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((id, index) => id === right[index])
}
