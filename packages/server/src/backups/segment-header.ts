/**
 * The clear header of a segment, format 1 (docs/formats.md, "Segment, format 1"): what the server checks and indexes.
 *
 * The payload is sealed on the device; nothing here can open it. Parsing reads untrusted bytes and throws nothing
 * but `ERR_BODY_MALFORMED`.
 */
import { be4, be8, concat, equal } from 'keyhaven/crypto'
import { Refusal } from '../http/refusal.ts'

/** The most that a segment may have, in bytes. */
export const SEGMENT_LIMIT: number = 1024 * 1024
export const MOST_PARENTS = 32

const FORMAT = 1
const FIXED_LENGTH = 1 + 1 + 16 + 4 + 16 + 8 + 1
const NONCE_LENGTH = 12
const TAG_LENGTH = 16
/** The shortest padded payload holds its own length. */
const SHORTEST_SEALED = 4 + TAG_LENGTH

const KINDS = ['ways', 'identity', 'conversation', 'snapshot'] as const
export type SegmentKind = (typeof KINDS)[number]

/** All fields of the header; byte fields are views of the segment. */
export interface SegmentHeader {
  readonly kind: SegmentKind
  readonly account: Uint8Array
  readonly generation: number
  readonly device: Uint8Array
  readonly sequence: number
  readonly parents: readonly Uint8Array[]
  readonly nonce: Uint8Array
  readonly sealedLength: number
}

/** Parses and checks the header of a whole segment, whose length must be what the header says. */
export function parseSegmentHeader(segment: Uint8Array): SegmentHeader {
  if (segment.length < FIXED_LENGTH || segment.length > SEGMENT_LIMIT || segment[0] !== FORMAT)
    throw malformed()
  const kind = KINDS[(segment[1] ?? 0) - 1]
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength)
  const sequence = view.getBigUint64(38)
  const count = view.getUint8(46)
  const nonceAt = FIXED_LENGTH + 32 * count
  const sealedAt = nonceAt + NONCE_LENGTH + 4
  if (kind === undefined || count > MOST_PARENTS || segment.length < sealedAt + SHORTEST_SEALED)
    throw malformed()
  if (sequence < 1n || sequence > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed()
  const sealedLength = view.getUint32(nonceAt + NONCE_LENGTH)
  if (sealedAt + sealedLength !== segment.length) throw malformed()
  return {
    kind,
    account: segment.subarray(2, 18),
    generation: view.getUint32(18),
    device: segment.subarray(22, 38),
    sequence: Number(sequence),
    parents: parseParents(segment.subarray(FIXED_LENGTH, nonceAt)),
    nonce: segment.subarray(nonceAt, nonceAt + NONCE_LENGTH),
    sealedLength,
  }
}

/** The bytes of a header; the sealed payload follows them. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  return concat(
    Uint8Array.of(FORMAT, KINDS.indexOf(header.kind) + 1),
    header.account,
    be4(header.generation),
    header.device,
    be8(header.sequence),
    Uint8Array.of(header.parents.length),
    ...header.parents,
    header.nonce,
    be4(header.sealedLength),
  )
}

function parseParents(bytes: Uint8Array): readonly Uint8Array[] {
  const parents = Array.from({ length: bytes.length / 32 }, (_, index) =>
    bytes.subarray(32 * index, 32 * index + 32),
  )
  const ascending = parents.every((parent, index) => {
    const before = parents[index - 1]
    return before === undefined || (!equal(before, parent) && Buffer.compare(before, parent) < 0)
  })
  if (!ascending) throw malformed()
  return parents
}

function malformed(): Refusal {
  return new Refusal('ERR_BODY_MALFORMED')
}
