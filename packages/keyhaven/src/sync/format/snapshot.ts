/**
 * The body of a snapshot segment: what came before it and need not be served any more.
 *
 * The first segments of a new generation, or of a log that is shortened, hold the whole state again; the snapshot follows
 * them and names what they stand for: the heads of the log before, every ways and snapshot segment among what is
 * covered (so that the anchor of an older registration is found), and the highest sequence of each device (so that a
 * device that had seen more notices).
 */
import { parseHex, toHex } from '../../crypto/index.ts'
import { encodeCbor, parseCborMap } from './cbor.ts'
import { logDamaged, readBytesList, readCounts } from './fields.ts'

export interface Snapshot {
  /** Segment ids in hex. */
  readonly heads: readonly string[]
  /** Segment ids in hex. */
  readonly anchors: readonly string[]
  /** By device id in hex. */
  readonly sequences: ReadonlyMap<string, number>
  /** When the snapshot's own generation began, if it covers an earlier part of it: seconds since 1970. */
  readonly begun?: number
}

/** Writes a body: a CBOR map. */
export function writeSnapshot(snapshot: Snapshot): Uint8Array {
  return encodeCbor({
    heads: snapshot.heads.map((id) => parseHex(id, 'heads', 32)),
    anchors: snapshot.anchors.map((id) => parseHex(id, 'anchors', 32)),
    sequences: snapshot.sequences,
    ...(snapshot.begun !== undefined && { begun: snapshot.begun }),
  })
}

/** Reads a body; `ERR_LOG_DAMAGED` when any of it is malformed. */
export function parseSnapshot(body: Uint8Array): Snapshot {
  const fault = logDamaged('snapshot')
  const fields = parseCborMap(body, fault)
  return {
    heads: readBytesList(fields.list('heads'), fault, 32).map(toHex),
    anchors: readBytesList(fields.list('anchors'), fault, 32).map(toHex),
    sequences: readCounts(fields.map('sequences'), fault),
    ...(fields.has('begun') && { begun: fields.integer('begun') }),
  }
}
