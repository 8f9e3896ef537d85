/**
 * A proxy before the real server that changes some of its answers on the way.
 */
import type { Fetch } from 'keyhaven/sync'

/** One served segment with its cursor. */
export interface Frame {
  readonly cursor: number
  readonly segment: Uint8Array
}

/** How a lie changes an answer; what it leaves out passes as it is. */
export interface Lie {
  /** Changes the JSON of answers whose path ends so. */
  readonly json?: Readonly<Record<string, (body: Record<string, unknown>) => unknown>>
  /** Changes the segments of a page, which follow a cursor. */
  readonly frames?: (frames: readonly Frame[], after: number) => readonly Frame[]
}

/** A network that lies, before the real one or before `network`, and the addresses that were asked through it. */
export function lying(lie: Lie, network: Fetch = fetch): { readonly fetch: Fetch; readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    fetch: async (input, init) => {
      const { pathname, searchParams } = new URL(addressOf(input))
      asked.push(pathname)
      const response = await network(input, init)
      const change = lie.json?.[pathname]
      if (change !== undefined && response.ok) {
        return Response.json(change((await response.json()) as Record<string, unknown>))
      }
      if (pathname === '/v1/log/segments' && lie.frames !== undefined) {
        const frames = lie.frames(
          readFrames(new Uint8Array(await response.arrayBuffer())),
          Number(searchParams.get('after')),
        )
        const headers = new Headers(response.headers)
        const newest = Math.max(Number(headers.get('keyhaven-cursor')), frames.at(-1)?.cursor ?? 0)
        headers.set('keyhaven-cursor', String(newest))
        return new Response(writeFrames(frames), { headers })
      }
      return response
    },
  }
}

/** The address of a request. */
export function addressOf(input: Parameters<Fetch>[0]): string {
  if (typeof input === 'string') return input
  return input instanceof URL ? input.href : input.url
}

function readFrames(bytes: Uint8Array): readonly Frame[] {
  const view = new DataView(bytes.buffer)
  const frames: Frame[] = []
  for (let offset = 0; offset < bytes.length;) {
    const length = view.getUint32(offset + 8)
    const cursor = Number(view.getBigUint64(offset))
    frames.push({ cursor, segment: bytes.slice(offset + 12, offset + 12 + length) })
    offset += 12 + length
  }
  return frames
}

function writeFrames(frames: readonly Frame[]): Blob {
  return new Blob(
    frames.flatMap(({ cursor, segment }) => {
      const head = new DataView(new ArrayBuffer(12))
      head.setBigUint64(0, BigInt(cursor))
      head.setUint32(8, segment.length)
      return [head, new Uint8Array(segment)]
    }),
  )
}
