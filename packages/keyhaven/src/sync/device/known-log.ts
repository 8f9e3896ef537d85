/**
 * The segments that this device has verified, as batches `sync/log/…`: per segment 60 bytes, id (32), device (16),
 * sequence (8), depth (4).
 */
import { be4, be8, concat } from '../../crypto/bytes.ts'
import { parseHex, toHex } from '../../crypto/text.ts'
import type { Vault, VaultRecord } from '../../vault/index.ts'
import { createBatchCache } from './batch-cache.ts'
import type { BatchCache } from './batch-cache.ts'
import { addBatches } from './batches.ts'
import type { BatchFolder, Writes } from './batches.ts'
import { createByteReader } from '../format/byte-reader.ts'
import { recordDamaged } from '../format/fields.ts'
import { createLogEntries } from './log-entries.ts'
import type { LogEntries, LogEntry } from './log-entries.ts'
import { namesBelow } from './records.ts'

const LOG: BatchFolder = {
  prefix: 'sync/log/',
  type: 'keyhaven/sync-log',
  merge: (batches) => writeBatches(batches.flatMap(parseEntries)),
}
const ENTRY_BYTES = 60
const MOST_ENTRIES = 16_000

/** The known segments of a vault, in memory while it is unlocked. */
export const knownLog: BatchCache<LogEntries> = createBatchCache({
  prefixes: [LOG.prefix],
  create: () => createLogEntries(),
  apply: (entries, batch) => {
    for (const entry of parseEntries(batch)) entries.add(entry)
  },
  end: () => undefined,
})

/** All known entries. */
export function readKnownLog(vault: Vault): Promise<LogEntries> {
  return knownLog.read(vault)
}

/** The writes that add `fresh` entries; with `restart`, those that replace all entries by them. */
export async function keepKnownLog(
  vault: Vault,
  fresh: readonly LogEntry[],
  options: { readonly restart: boolean },
): Promise<Writes> {
  const old = options.restart ? await namesBelow(vault, LOG.prefix) : []
  const dropped = old.map((name): [string, VaultRecord | null] => [name, null])
  const added = await addBatches(vault, LOG, { fresh: writeBatches(fresh), mayMerge: !options.restart })
  return new Map([...dropped, ...added])
}

function writeBatches(entries: readonly LogEntry[]): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(entries.length / MOST_ENTRIES) }, (_, index) =>
    concat(...entries.slice(index * MOST_ENTRIES, (index + 1) * MOST_ENTRIES).map(writeEntry)),
  )
}

function writeEntry({ id, device, sequence, depth }: LogEntry): Uint8Array {
  return concat(parseHex(id, 'id', 32), parseHex(device, 'device', 16), be8(sequence), be4(depth))
}

function parseEntries(bytes: Uint8Array): readonly LogEntry[] {
  if (bytes.length % ENTRY_BYTES !== 0) throw recordDamaged()
  const reader = createByteReader(bytes, 'known log')
  return Array.from({ length: bytes.length / ENTRY_BYTES }, () => ({
    id: toHex(reader.bytes(32)),
    device: toHex(reader.bytes(16)),
    sequence: reader.integer(8),
    depth: reader.integer(4),
  }))
}
