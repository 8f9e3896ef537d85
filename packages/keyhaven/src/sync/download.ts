/**
 * Brings segments down and compares the end of the log with what the server says its heads are.
 */
import { KeyhavenError } from '../errors.ts'
import type { SyncContext } from './context.ts'
import { parseSegment } from './segment.ts'
import type { Segment } from './segment.ts'
import type { LogHeads } from './transport/transport.ts'

/** How often a page may be empty although the server says that there is more. */
const MOST_EMPTY_PAGES = 3

export interface Download {
  readonly segments: readonly Segment[]
  /** The heads right after the last segment. */
  readonly heads: LogHeads
}

/**
 * Every visible segment after a cursor, in cursor order. `ERR_LOG_ROLLED_BACK` when the log ends before the cursor,
 * `ERR_LOG_INCOMPLETE` when the server holds back what it says is there.
 */
export async function downloadSegments(context: SyncContext, after: number): Promise<Download> {
  const { transport, signal } = context
  const segments: Segment[] = []
  let cursor = after
  let empty = 0
  for (;;) {
    const page = await transport.readSegments(cursor, signal)
    segments.push(...page.frames.map(({ bytes }) => parseSegment(bytes)))
    cursor = page.frames.at(-1)?.cursor ?? cursor
    if (page.newest < cursor) throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
    context.report({ phase: 'download', done: segments.length, total: segments.length })
    if (page.newest > cursor && page.frames.length > 0) continue
    const heads = await transport.readHeads(signal)
    if (heads.cursor === cursor) return { segments, heads }
    if (heads.cursor < cursor) throw new KeyhavenError('ERR_LOG_ROLLED_BACK', undefined)
    if (page.frames.length === 0) empty += 1
    if (empty > MOST_EMPTY_PAGES) throw new KeyhavenError('ERR_LOG_INCOMPLETE', undefined)
  }
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
