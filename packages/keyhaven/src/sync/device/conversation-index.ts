/**
 * Conversation keys in memory: entries as they lie in segments and batches, one after another in one buffer, and an
 * index from name to entries. A hundred thousand keys are a few arrays, not some hundred thousand objects; an object is
 * made of what is asked for.
 *
 * Merges by the rules of merge.ts, name by name, when a name is asked for. Keys that it gives are copies.
 */
import { KeyhavenError } from '../../errors.ts'
import {
  REMOVED_ENTRY,
  entryEndAt,
  readKey,
  readRemoved,
  scanConversationEntries,
  writeName,
} from '../format/conversation-entries.ts'
import { conversationBodies, createBodyWriter } from '../format/key-bodies.ts'
import type { KeyEntry } from '../format/key-changes.ts'
import { createKeyTable } from './merge.ts'
import type { KeyTable } from './merge.ts'
import { createNameTable } from '../format/name-table.ts'
import type { NameTable } from '../format/name-table.ts'

/** How far back an entry is looked for before it is kept again; a repeat that is not noticed takes room, no more. */
const MOST_COMPARED = 8
const FIRST_CAPACITY = 64

/** A name that has a key, and its keys, lowest (version, key bytes) first. */
export interface NamedKeys {
  readonly name: string
  readonly keys: readonly KeyEntry[]
}

export interface ConversationIndex {
  /** Merges a body's entries in. `ERR_LOG_DAMAGED` when any is malformed: then none of them is. */
  readonly append: (body: Uint8Array) => void
  /** How many names have at least one key. */
  readonly countNames: () => number
  /** The keys of a name, lowest (version, key bytes) first. */
  readonly keysOf: (name: string) => readonly KeyEntry[]
  /** The version that a new key of this name takes. */
  readonly nextVersion: (name: string) => number
  /** Every name that has a key, in no order that means anything. */
  readonly all: () => Iterable<NamedKeys>
  /** Everything in it, merged, as bodies that fit a segment. */
  readonly bodies: () => readonly Uint8Array[]
  /** Overwrites the keys; every later call is `ERR_VAULT_LOCKED`. */
  readonly wipe: () => void
}

/** An index of the entries in some bodies. */
export function createConversationIndex(...bodies: readonly Uint8Array[]): ConversationIndex {
  const content = createContent()
  const there = (): Content => {
    if (content.wiped) throw new KeyhavenError('ERR_VAULT_LOCKED', undefined)
    return content
  }
  reserve(content, { bytes: bodies.reduce((sum, { length }) => sum + length, 0), entries: 0 })
  for (const body of bodies) append(content, body)
  return {
    append: (body) => {
      append(there(), body)
    },
    countNames: () => countNames(there()),
    keysOf: (name) => keysOf(there(), find(content, name)),
    nextVersion: (name) => tableOf(there(), find(content, name)).nextVersion(name),
    all: () => all(there()),
    bodies: () => writeBodies(there()),
    wipe: () => {
      content.bytes.fill(0)
      content.wiped = true
    },
  }
}

interface Content {
  bytes: Uint8Array
  used: number
  /** Where each entry starts in `bytes`. */
  starts: Uint32Array
  /** For each entry the one before it of the same name, counted from 1; 0 for none. */
  previous: Uint32Array
  entries: number
  /** For each name its newest entry, counted from 1. */
  newest: Uint32Array
  readonly names: NameTable
  /** Names that a removal mentions. */
  readonly withRemovals: Set<number>
  /** Of these, the ones that may have got or lost their last key since `withoutKeys` was found. */
  readonly unsettled: Set<number>
  readonly withoutKeys: Set<number>
  wiped: boolean
}

function createContent(): Content {
  const content: Content = {
    bytes: new Uint8Array(),
    used: 0,
    starts: new Uint32Array(FIRST_CAPACITY),
    previous: new Uint32Array(FIRST_CAPACITY),
    entries: 0,
    newest: new Uint32Array(FIRST_CAPACITY),
    names: createNameTable({
      bytes: () => content.bytes,
      startOf: (name) => startOf(content, (content.newest[name] ?? 0) - 1) + 1,
    }),
    withRemovals: new Set(),
    unsettled: new Set(),
    withoutKeys: new Set(),
    wiped: false,
  }
  return content
}

function append(content: Content, body: Uint8Array): void {
  const base = content.used
  const before = content.entries
  let arriving = 0
  scanConversationEntries(body, () => {
    arriving += 1
  })
  reserve(content, { bytes: body.length, entries: arriving })
  content.bytes.set(body, base)
  scanConversationEntries(body, (start, nameEnd, end) => {
    addEntry(content, base + start, base + nameEnd, base + end)
  })
  // A body that says nothing new leaves its room to the next one.
  if (content.entries > before) content.used += body.length
}

function addEntry(content: Content, start: number, nameEnd: number, end: number): void {
  const { bytes, names, entries } = content
  const known = names.size()
  const name = names.add(bytes, start + 1, nameEnd)
  const before = name < known ? (content.newest[name] ?? 0) : 0
  if (isRepeat(content, before, start, end)) return
  content.starts[entries] = start
  content.previous[entries] = before
  content.newest[name] = entries + 1
  content.entries += 1
  if (bytes[start] === REMOVED_ENTRY) content.withRemovals.add(name)
  if (content.withRemovals.has(name)) content.unsettled.add(name)
}

function isRepeat(content: Content, newest: number, start: number, end: number): boolean {
  let entry = newest
  for (let compared = 0; entry > 0 && compared < MOST_COMPARED; compared += 1) {
    if (isSameEntry(content.bytes, startOf(content, entry - 1), start, end)) return true
    entry = content.previous[entry - 1] ?? 0
  }
  return false
}

/** No entry is the beginning of another, since it holds its lengths. */
function isSameEntry(bytes: Uint8Array, known: number, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[known + at - start] !== bytes[at]) return false
  return true
}

function find(content: Content, name: string): number {
  const bytes = writeName(name)
  return content.names.find(bytes, 0, bytes.length)
}

/** What is said of one name, merged. */
function tableOf(content: Content, name: number): KeyTable {
  const table = createKeyTable()
  if (name === -1) return table
  for (let entry = content.newest[name] ?? 0; entry > 0; entry = content.previous[entry - 1] ?? 0) {
    const start = startOf(content, entry - 1)
    if (content.bytes[start] === REMOVED_ENTRY) {
      table.apply({ set: [], removed: [readRemoved(content.bytes, start)] })
    } else {
      table.apply({ set: [readKey(content.bytes, start)], removed: [] })
    }
  }
  return table
}

/** Most names have one key that was set once: that needs no merging. */
function keysOf(content: Content, number: number): readonly KeyEntry[] {
  const entry = content.newest[number] ?? 0
  if (content.previous[entry - 1] !== 0 || content.withRemovals.has(number)) {
    return tableOf(content, number).changes().set
  }
  return [readKey(content.bytes, startOf(content, entry - 1))]
}

function countNames(content: Content): number {
  for (const name of content.unsettled) {
    if (tableOf(content, name).names().length === 0) content.withoutKeys.add(name)
    else content.withoutKeys.delete(name)
  }
  content.unsettled.clear()
  return content.names.size() - content.withoutKeys.size
}

function* all(content: Content): Iterable<NamedKeys> {
  for (let number = 0; number < content.names.size(); number += 1) {
    const keys = keysOf(content, number)
    const [first] = keys
    if (first !== undefined) yield { name: first.name, keys }
  }
}

function writeBodies(content: Content): readonly Uint8Array[] {
  const writer = createBodyWriter(content.used)
  for (let name = 0; name < content.names.size(); name += 1) {
    const entry = content.newest[name] ?? 0
    const start = startOf(content, entry - 1)
    if (content.previous[entry - 1] === 0) {
      writer.put(content.bytes.subarray(start, entryEndAt(content.bytes, start)))
    } else {
      for (const body of conversationBodies(tableOf(content, name).changes())) writer.put(body)
    }
  }
  return writer.finish()
}

function startOf(content: Content, entry: number): number {
  return content.starts[entry] ?? 0
}

/** Makes room for entries more. A buffer that is given up is overwritten. */
function reserve(content: Content, more: { readonly bytes: number; readonly entries: number }): void {
  const { bytes, entries } = more
  const old = content.bytes
  if (content.used + bytes > old.length) {
    content.bytes = new Uint8Array(Math.max(content.used + bytes, old.length * 2))
    content.bytes.set(old)
    old.fill(0)
  }
  content.starts = withRoom(content.starts, content.entries + entries)
  content.previous = withRoom(content.previous, content.entries + entries)
  content.newest = withRoom(content.newest, content.names.size() + entries)
  content.names.reserve(entries)
}

function withRoom(numbers: Uint32Array, count: number): Uint32Array {
  if (count <= numbers.length) return numbers
  const larger = new Uint32Array(Math.max(count, numbers.length * 2))
  larger.set(numbers)
  return larger
}
