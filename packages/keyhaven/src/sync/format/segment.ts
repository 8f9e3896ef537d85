/**
 * A segment of the key log, format 1 (docs/formats.md): a clear header that the server checks, and a payload that
 * only the root key of its generation opens. The whole header is associated data; the id is SHA-256 of the whole.
 *
 * Assumes a nonce is 12 random bytes for each seal. Does not decide whether a segment belongs to the log: see log.ts.
 */
import { openAead, sealAead } from '../../crypto/aead.ts'
import { be4, be8, concat, lp, randomBytes } from '../../crypto/bytes.ts'
import { deriveKey, sha256 } from '../../crypto/hkdf.ts'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { createByteReader } from './byte-reader.ts'
import type { ByteReader } from './byte-reader.ts'
import { pad, unpad } from './padding.ts'

export const SEGMENT_FORMAT = 1
export const MOST_SEGMENT_BYTES = 1_048_576
export const MOST_PARENTS = 32
/** Content that fits a segment whatever its header: Padmé adds less than 12 %. */
export const MOST_CONTENT_BYTES = 900_000

const KINDS = ['ways', 'identity', 'conversation', 'snapshot'] as const
const NONCE_BYTES = 12
const TAG_BYTES = 16

export type SegmentKind = (typeof KINDS)[number]

/** What the server sees of a segment. Byte fields: account 16, device 16, each parent 32. */
export interface SegmentHeader {
  readonly kind: SegmentKind
  readonly account: Uint8Array
  /** From 1. */
  readonly generation: number
  readonly device: Uint8Array
  /** Of this device, from 1. */
  readonly sequence: number
  /** Ascending, without repeats, at most 32. */
  readonly parents: readonly Uint8Array[]
}

/** A parsed segment; its payload is still sealed. */
export interface Segment extends SegmentHeader {
  /** SHA-256 of `bytes`. */
  readonly id: Uint8Array
  readonly bytes: Uint8Array
  readonly nonce: Uint8Array
  /** The header as associated data. */
  readonly associatedData: Uint8Array
  readonly ciphertext: Uint8Array
}

/** Seals `content` (at most {@link MOST_CONTENT_BYTES}) under the root key of the header's generation; `ERR_SEALING_FAILED`. */
export async function sealSegment(input: {
  readonly header: SegmentHeader
  readonly content: Uint8Array
  readonly root: Uint8Array
  /** For frozen vectors only. */
  readonly nonce?: Uint8Array
}): Promise<Segment> {
  requireHeader(input.header)
  if (input.content.length > MOST_CONTENT_BYTES) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'content', expected: 'at most 900000 bytes' })
  }
  const nonce = input.nonce ?? randomBytes(NONCE_BYTES)
  const padded = pad(input.content)
  const associatedData = concat(writeHeader(input.header), nonce, be4(padded.length + TAG_BYTES))
  const key = deriveSegmentKey(input.root, input.header)
  return parseSegment(concat(associatedData, await sealPayload({ key, nonce, associatedData }, padded)))
}

/** `ERR_SEALING_FAILED` for whatever the platform throws: its words are not ours to pass on. */
async function sealPayload(
  purpose: Parameters<typeof sealAead>[0],
  payload: Uint8Array,
): ReturnType<typeof sealAead> {
  try {
    return await sealAead(purpose, payload)
  } catch {
    throw new KeyhavenError('ERR_SEALING_FAILED', undefined)
  }
}

/** The content of a segment; `ERR_LOG_DAMAGED` when it does not open under this root key. */
export async function openSegment(segment: Segment, root: Uint8Array): Promise<Uint8Array> {
  const { nonce, associatedData, ciphertext } = segment
  try {
    return unpad(await openAead({ key: deriveSegmentKey(root, segment), nonce, associatedData }, ciphertext))
  } catch (fault) {
    if (!isKeyhavenError(fault, 'ERR_ENVELOPE_REJECTED')) throw fault
    throw new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'segment' })
  }
}

/** Reads a header; `ERR_LOG_DAMAGED` when malformed, `ERR_CLIENT_TOO_OLD` for a format or kind of the future. */
export function parseSegment(bytes: Uint8Array): Segment {
  const reader = createByteReader(bytes, 'segment header')
  if (bytes.length > MOST_SEGMENT_BYTES) throw reader.fault()
  requireKnown(reader.integer(1), SEGMENT_FORMAT, reader)
  const kindNumber = requireKnown(reader.integer(1), KINDS.length, reader)
  const kind = KINDS[kindNumber - 1] ?? 'ways'
  const account = reader.bytes(16)
  const generation = reader.integer(4)
  const device = reader.bytes(16)
  const sequence = reader.integer(8)
  const parents = readParents(reader)
  const nonce = reader.bytes(NONCE_BYTES)
  const length = reader.integer(4)
  const associatedData = bytes.subarray(0, bytes.length - reader.rest())
  if (generation < 1 || sequence < 1 || length < TAG_BYTES || length !== reader.rest()) throw reader.fault()
  const ciphertext = reader.bytes(length)
  const header = { kind, account, generation, device, sequence, parents }
  return { ...header, id: sha256(bytes), bytes, nonce, associatedData, ciphertext }
}

function requireKnown(value: number, newest: number, reader: ByteReader): number {
  if (value > newest) throw new KeyhavenError('ERR_CLIENT_TOO_OLD', undefined)
  if (value < 1) throw reader.fault()
  return value
}

function readParents(reader: ByteReader): readonly Uint8Array[] {
  const count = reader.integer(1)
  if (count > MOST_PARENTS) throw reader.fault()
  const parents = Array.from({ length: count }, () => reader.bytes(32))
  if (!isAscending(parents)) throw reader.fault()
  return parents
}

function writeHeader(header: SegmentHeader): Uint8Array {
  return concat(
    Uint8Array.of(SEGMENT_FORMAT, KINDS.indexOf(header.kind) + 1),
    header.account,
    be4(header.generation),
    header.device,
    be8(header.sequence),
    Uint8Array.of(header.parents.length),
    ...header.parents,
  )
}

function requireHeader(header: SegmentHeader): void {
  const sizes = header.account.length === 16 && header.device.length === 16
  const counts = header.generation >= 1 && header.sequence >= 1 && header.parents.length <= MOST_PARENTS
  if (sizes && counts && header.parents.every((id) => id.length === 32) && isAscending(header.parents)) return
  throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'header', expected: 'a segment header of format 1' })
}

function isAscending(ids: readonly Uint8Array[]): boolean {
  return ids.every((id, index) => {
    const before = ids[index - 1]
    return before === undefined || compareBytes(before, id) < 0
  })
}

/** Byte order of two strings of bytes: negative, zero or positive. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length)
  for (let index = 0; index < shared; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

function deriveSegmentKey(root: Uint8Array, header: SegmentHeader): Uint8Array {
  const info = concat(lp('keyhaven/segment/v1'), lp(header.account), lp(header.kind), be4(header.generation))
  return deriveKey({ secret: root, info })
}
