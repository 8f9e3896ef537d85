/**
 * The body of a conversation segment: entries one after another in a compact binary form (docs/formats.md), since
 * there may be a hundred thousand of them. A UUID with a 32-byte key takes 52 bytes.
 */
import { concat, parseUtf8, utf8 } from '../../crypto/bytes.ts'
import { parseHex, toHex } from '../../crypto/text.ts'
import { KeyhavenError } from '../../errors.ts'
import { formatUuid, isUuid, parseUuid } from '../../crypto/text.ts'
import { varint } from './byte-reader.ts'
import { KEY_ID_BYTES, MOST_KEY_BYTES, MOST_NAME_BYTES } from './key-changes.ts'
import type { KeyChanges, KeyEntry, RemovedKey } from './key-changes.ts'

export const SET_ENTRY = 1
export const REMOVED_ENTRY = 2
const UUID_NAME = 0
const TEXT_NAME = 1
const UUID_BYTES = 16
const UUID_LENGTH = 36

/** One entry: `0x01 ‖ name ‖ varint version ‖ varint length ‖ key`. */
export function writeConversationKey(entry: KeyEntry): Uint8Array {
  return concat(
    Uint8Array.of(SET_ENTRY),
    writeName(entry.name),
    varint(entry.version),
    varint(entry.key.length),
    entry.key,
  )
}

/** One tombstone: `0x02 ‖ name ‖ key id (8) ‖ varint version`. */
export function writeRemovedConversationKey(removed: RemovedKey): Uint8Array {
  return concat(
    Uint8Array.of(REMOVED_ENTRY),
    writeName(removed.name),
    parseHex(removed.keyId, 'keyId', KEY_ID_BYTES),
    varint(removed.version),
  )
}

/** A name as entries hold it: `0x00 ‖ 16 bytes` for a lower-case UUID, else `0x01 ‖ varint length ‖ UTF-8`. */
export function writeName(name: string): Uint8Array {
  if (isUuid(name)) return concat(Uint8Array.of(UUID_NAME), parseUuid(name, 'name'))
  const bytes = utf8(name)
  return concat(Uint8Array.of(TEXT_NAME), varint(bytes.length), bytes)
}

/**
 * Checks a whole body and says where its entries lie: each from `start` to `end`, its name from `start + 1` to
 * `nameEnd`. `ERR_LOG_DAMAGED` when any of it is malformed. Makes no object for an entry.
 */
export function scanConversationEntries(
  body: Uint8Array,
  visit: (start: number, nameEnd: number, end: number) => void,
): void {
  const cursor = { body, at: 0 }
  while (cursor.at < body.length) {
    const start = cursor.at
    const type = nextByte(cursor)
    skipName(cursor)
    const nameEnd = cursor.at
    if (type === REMOVED_ENTRY) cursor.at += KEY_ID_BYTES
    else if (type !== SET_ENTRY) throw damaged()
    if (nextVarint(cursor) < 1) throw damaged()
    if (type === SET_ENTRY) skipKey(cursor)
    if (cursor.at > body.length) throw damaged()
    visit(start, nameEnd, cursor.at)
  }
}

/** Reads a whole body; `ERR_LOG_DAMAGED` when any of it is malformed. Keys are copies. */
export function parseConversationEntries(body: Uint8Array): KeyChanges {
  const set: KeyEntry[] = []
  const removed: RemovedKey[] = []
  scanConversationEntries(body, (start) => {
    if (body[start] === SET_ENTRY) set.push(readKey(body, start))
    else removed.push(readRemoved(body, start))
  })
  return { set, removed }
}

/** The key that an entry sets, which starts at a place of a body that has been scanned; its bytes are a copy. */
export function readKey(body: Uint8Array, start: number): KeyEntry {
  const cursor = { body, at: nameEndAt(body, start) }
  const name = readName(body, start + 1, cursor.at)
  const version = nextVarint(cursor)
  const length = nextVarint(cursor)
  return { name, version, key: body.slice(cursor.at, cursor.at + length) }
}

/** The removal that starts at a place of a body that has been scanned. */
export function readRemoved(body: Uint8Array, start: number): RemovedKey {
  const cursor = { body, at: nameEndAt(body, start) }
  const name = readName(body, start + 1, cursor.at)
  const keyId = toHex(body.slice(cursor.at, cursor.at + KEY_ID_BYTES))
  cursor.at += KEY_ID_BYTES
  return { name, keyId, version: nextVarint(cursor) }
}

function readName(body: Uint8Array, start: number, end: number): string {
  if (body[start] === UUID_NAME) return formatUuid(body.slice(start + 1, end))
  const cursor = { body, at: start + 1 }
  nextVarint(cursor)
  return parseUtf8(body.subarray(cursor.at, end))
}

/** Where the name ends of the entry that starts at a place of a body that has been scanned. */
function nameEndAt(body: Uint8Array, start: number): number {
  if (body[start + 1] === UUID_NAME) return start + 2 + UUID_BYTES
  const cursor = { body, at: start + 2 }
  const length = nextVarint(cursor)
  return cursor.at + length
}

/** Where the entry ends that starts at a place of a body that has been scanned. */
export function entryEndAt(body: Uint8Array, start: number): number {
  const cursor = { body, at: nameEndAt(body, start) }
  if (body[start] === REMOVED_ENTRY) cursor.at += KEY_ID_BYTES
  nextVarint(cursor)
  if (body[start] === SET_ENTRY) skipKey(cursor)
  return cursor.at
}

interface EntryCursor {
  readonly body: Uint8Array
  at: number
}

/** Beyond the end it reads zeros; that the entry ended there is noticed after it. */
function nextByte(cursor: EntryCursor): number {
  cursor.at += 1
  return cursor.body[cursor.at - 1] ?? 0
}

/** An unsigned LEB128 integer of at most 32 bits, in its shortest form. */
function nextVarint(cursor: EntryCursor): number {
  let byte = nextByte(cursor)
  if (byte < 0x80) return byte
  let value = byte & 0x7f
  for (let place = 1; place < 5; place += 1) {
    byte = nextByte(cursor)
    value += (byte & 0x7f) * 2 ** (7 * place)
    if (byte >= 0x80) continue
    if (byte === 0 || value > 0xffffffff) throw damaged()
    return value
  }
  throw damaged()
}

function skipKey(cursor: EntryCursor): void {
  const length = nextVarint(cursor)
  if (length < 1 || length > MOST_KEY_BYTES) throw damaged()
  cursor.at += length
}

function skipName(cursor: EntryCursor): void {
  const type = nextByte(cursor)
  if (type === UUID_NAME) {
    cursor.at += UUID_BYTES
    return
  }
  const length = type === TEXT_NAME ? nextVarint(cursor) : 0
  if (length < 1 || length > MOST_NAME_BYTES || length > cursor.body.length - cursor.at) throw damaged()
  requireText(cursor.body, cursor.at, cursor.at + length)
  cursor.at += length
}

/** Well-formed UTF-8 that is no UUID, which has a form of its own. */
function requireText(body: Uint8Array, start: number, end: number): void {
  let at = start
  while (at < end && (body[at] ?? 0) < 0x80) at += 1
  if (at === end && end - start !== UUID_LENGTH) return
  try {
    if (!isUuid(parseUtf8(body.subarray(start, end)))) return
  } catch {
    throw damaged()
  }
  throw damaged()
}

function damaged(): KeyhavenError {
  return new KeyhavenError('ERR_LOG_DAMAGED', { problem: 'conversation entries' })
}
