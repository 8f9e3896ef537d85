/**
 * Seals bodies into segments that follow the log's heads one after another.
 */
import { parseHex, toHex } from '../../crypto/index.ts'
import { writeHead } from '../format/access-chain.ts'
import { writeContent } from '../format/content.ts'
import type { SyncContext } from './context.ts'
import { identityBodies, packBodies } from '../format/key-bodies.ts'
import type { AllChanges } from '../format/key-changes.ts'
import { MOST_PARENTS, sealSegment } from '../format/segment.ts'
import type { Segment, SegmentKind } from '../format/segment.ts'

export interface Body {
  readonly kind: SegmentKind
  readonly body: Uint8Array
}

/** The bodies that say `changes`. */
export function keyBodies(changes: AllChanges): readonly Body[] {
  return [
    ...identityBodies(changes.identity).map((body) => ({ kind: 'identity' as const, body })),
    ...packBodies(changes.conversation).map((body) => ({ kind: 'conversation' as const, body })),
  ]
}

/** Seals bodies in order; the first follows `heads` (at most 32 of them, the others wait for the next segment). */
export async function sealChain(
  context: Pick<SyncContext, 'account' | 'device' | 'accessLog'>,
  input: {
    readonly bodies: readonly Body[]
    readonly root: Uint8Array
    readonly generation: number
    /** Ids in hex. */
    readonly heads: readonly string[]
    /** The last sequence that this device has used. */
    readonly sequence: number
  },
): Promise<readonly Segment[]> {
  const { root, generation } = input
  const writtenAt = Math.floor(Date.now() / 1000)
  const accessLogHead = writeHead(context.accessLog.newest())
  const segments: Segment[] = []
  let heads = [...input.heads].sort()
  for (const { kind, body } of input.bodies) {
    const header = {
      kind,
      account: context.account,
      generation,
      device: context.device.id,
      sequence: input.sequence + segments.length + 1,
      parents: heads.slice(0, MOST_PARENTS).map((id) => parseHex(id, 'heads', 32)),
    }
    const content = writeContent({ accessLogHead, writtenAt, body })
    const segment = await sealSegment({ header, content, root })
    heads = [...heads.slice(MOST_PARENTS), toHex(segment.id)].sort()
    segments.push(segment)
  }
  return segments
}
