/**
 * The body of a conversation segment: entries one after another in a compact binary form (docs/formats.md), since
 * there may be a hundred thousand of them. A UUID with a 32-byte key takes 51 bytes.
 */
import { concat, parseHex, toHex, utf8 } from '../crypto/index.ts'
import { createByteReader, varint } from './byte-reader.ts'
import type { ByteReader } from './byte-reader.ts'
import { KEY_ID_BYTES, MOST_KEY_BYTES, MOST_NAME_BYTES } from './key-changes.ts'
import type { KeyChanges, KeyEntry, RemovedKey } from './key-changes.ts'

const SET = 1
const REMOVED = 2
const UUID_NAME = 0
const TEXT_NAME = 1
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** One entry: `0x01 ‖ name ‖ varint version ‖ varint length ‖ key`. */
export function writeConversationKey(entry: KeyEntry): Uint8Array {
  return concat(
    Uint8Array.of(SET),
    writeName(entry.name),
    varint(entry.version),
    varint(entry.key.length),
    entry.key,
  )
}

/** One tombstone: `0x02 ‖ name ‖ key id (8) ‖ varint version`. */
export function writeRemovedConversationKey(removed: RemovedKey): Uint8Array {
  return concat(
    Uint8Array.of(REMOVED),
    writeName(removed.name),
    parseHex(removed.keyId, 'keyId', KEY_ID_BYTES),
    varint(removed.version),
  )
}

/** Reads a whole body; `ERR_LOG_DAMAGED` when any of it is malformed. */
export function parseConversationEntries(body: Uint8Array): KeyChanges {
  const reader = createByteReader(body, 'conversation entries')
  const set: KeyEntry[] = []
  const removed: RemovedKey[] = []
  while (reader.rest() > 0) {
    const type = reader.integer(1)
    if (type === SET) set.push(readKey(reader))
    else if (type === REMOVED) removed.push(readRemoved(reader))
    else throw reader.fault()
  }
  return { set, removed }
}

function readKey(reader: ByteReader): KeyEntry {
  const name = readName(reader)
  const version = readVersion(reader)
  const length = reader.varint()
  if (length < 1 || length > MOST_KEY_BYTES) throw reader.fault()
  return { name, version, key: reader.bytes(length) }
}

function readRemoved(reader: ByteReader): RemovedKey {
  const name = readName(reader)
  const keyId = toHex(reader.bytes(KEY_ID_BYTES))
  return { name, keyId, version: readVersion(reader) }
}

function readVersion(reader: ByteReader): number {
  const version = reader.varint()
  if (version < 1) throw reader.fault()
  return version
}

function writeName(name: string): Uint8Array {
  if (UUID.test(name)) return concat(Uint8Array.of(UUID_NAME), parseHex(name.replaceAll('-', ''), 'name', 16))
  const bytes = utf8(name)
  return concat(Uint8Array.of(TEXT_NAME), varint(bytes.length), bytes)
}

function readName(reader: ByteReader): string {
  const type = reader.integer(1)
  if (type === UUID_NAME) return formatUuid(reader.bytes(16))
  const length = type === TEXT_NAME ? reader.varint() : 0
  if (length < 1 || length > MOST_NAME_BYTES) throw reader.fault()
  const name = reader.text(length)
  if (UUID.test(name)) throw reader.fault()
  return name
}

function formatUuid(bytes: Uint8Array): string {
  const digits = toHex(bytes)
  const cuts = [0, 8, 12, 16, 20, 32]
  return cuts
    .slice(1)
    .map((end, index) => digits.slice(cuts[index], end))
    .join('-')
}
