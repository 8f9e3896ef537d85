/**
 * What every segment's payload begins with: `lp(access-log head, or empty) ‖ be8(unix seconds) ‖ body`.
 *
 * The access-log head is what its writer had seen of the access log (access-chain.ts), so that a fresh device notices when
 * less is shown to it. The time is this device's own claim: it is shown as
 * the date of the last change and nothing is decided by it.
 */
import { be8, concat, lp } from '../../crypto/index.ts'
import { createByteReader } from './byte-reader.ts'

export interface Content {
  readonly accessLogHead: Uint8Array
  /** Seconds since 1970, as the writing device's clock had it. */
  readonly writtenAt: number
  readonly body: Uint8Array
}

/** Joins the parts of a content. */
export function writeContent(content: Content): Uint8Array {
  return concat(lp(content.accessLogHead), be8(content.writtenAt), content.body)
}

/** Splits a content; `ERR_LOG_DAMAGED` when it is malformed. */
export function parseContent(bytes: Uint8Array): Content {
  const reader = createByteReader(bytes, 'content')
  const accessLogHead = reader.bytes(reader.integer(4))
  const writtenAt = reader.integer(8)
  return { accessLogHead, writtenAt, body: reader.bytes(reader.rest()) }
}
