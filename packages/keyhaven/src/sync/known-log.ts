/**
 * The segments that this device has verified, as vault records `sync/log/…`: per segment 60 bytes, id (32), device (16),
 * sequence (8), depth (4). They are read only when there is something new to place after them.
 */
import { be4, be8, concat, parseHex, randomBytes, toHex } from '../crypto/index.ts'
import type { Vault, VaultRecord } from '../vault/index.ts'
import { createByteReader } from './byte-reader.ts'
import { recordDamaged } from './fields.ts'
import type { LogEntry } from './log.ts'
import { namesBelow, readBelow } from './records.ts'

const PREFIX = 'sync/log/'
const ENTRY_BYTES = 60
const MOST_ENTRIES_PER_RECORD = 50_000
const MOST_RECORDS = 32

/** All known entries by id in hex. */
export async function readKnownLog(vault: Vault): Promise<ReadonlyMap<string, LogEntry>> {
  const entries = new Map<string, LogEntry>()
  for (const bytes of (await readBelow(vault, PREFIX)).values()) {
    for (const entry of parseEntries(bytes)) entries.set(entry.id, entry)
  }
  return entries
}

/** The changes that add `fresh` entries; with `restart`, those that replace all entries by them. */
export async function keepKnownLog(
  vault: Vault,
  fresh: readonly LogEntry[],
  options: { readonly restart: boolean },
): Promise<ReadonlyMap<string, VaultRecord | null>> {
  const changes = new Map<string, VaultRecord | null>()
  const names = await namesBelow(vault, PREFIX)
  const rewrite = options.restart || names.length >= MOST_RECORDS
  const known = rewrite && !options.restart ? [...(await readKnownLog(vault)).values()] : []
  if (rewrite) for (const name of names) changes.set(name, null)
  const all = [...known, ...fresh]
  for (let start = 0; start < all.length; start += MOST_ENTRIES_PER_RECORD) {
    const bytes = writeEntries(all.slice(start, start + MOST_ENTRIES_PER_RECORD))
    changes.set(PREFIX + toHex(randomBytes(16)), { type: 'keyhaven/sync-log', bytes })
  }
  return changes
}

function writeEntries(entries: readonly LogEntry[]): Uint8Array {
  return concat(
    ...entries.flatMap(({ id, device, sequence, depth }) => [
      parseHex(id, 'id', 32),
      parseHex(device, 'device', 16),
      be8(sequence),
      be4(depth),
    ]),
  )
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
