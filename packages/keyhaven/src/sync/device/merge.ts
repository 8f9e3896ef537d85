/**
 * Merges changes of keys, in any order and any number of times, into the same table on every device.
 *
 * A key of a name is there when its highest set version is above the highest version at which it was removed; both
 * only ever grow, so the order of merging does not matter. All keys of a conversation are kept; the highest
 * (version, key bytes) is the current one. Several identity keys under one name are a conflict, which is reported and
 * never resolved here.
 */
import { equal } from '../../crypto/bytes.ts'
import { deriveKeyId } from '../format/key-changes.ts'
import type { KeyChanges, KeyEntry, RemovedKey } from '../format/key-changes.ts'
import { compareBytes } from '../format/segment.ts'

export interface KeyTable {
  /** Merges changes in. */
  readonly apply: (changes: KeyChanges) => void
  /** Names that have at least one key, sorted. */
  readonly names: () => readonly string[]
  /** The keys of a name, lowest (version, key bytes) first. */
  readonly keysOf: (name: string) => readonly KeyEntry[]
  /** The version that a new key of this name takes. */
  readonly nextVersion: (name: string) => number
  /** Everything in the table as changes, sorted: equal tables give equal changes. */
  readonly changes: () => KeyChanges
}

interface Slot {
  /** By key id; different keys of one id are together. None is empty. */
  readonly keys: Map<string, readonly KeyEntry[]>
  readonly removed: Map<string, number>
}

/** An empty table with `changes` merged in. */
export function createKeyTable(...changes: readonly KeyChanges[]): KeyTable {
  const slots = new Map<string, Slot>()
  const apply = ({ set, removed }: KeyChanges): void => {
    for (const entry of set) setKey(slotOf(slots, entry.name), entry)
    for (const entry of removed) removeKey(slotOf(slots, entry.name), entry)
  }
  for (const change of changes) apply(change)
  const sortedNames = (): string[] => [...slots.keys()].sort()
  return {
    apply,
    names: () => sortedNames().filter((name) => (slots.get(name)?.keys.size ?? 0) > 0),
    keysOf: (name) => keysOf(slots.get(name)),
    nextVersion: (name) => highestVersion(slots.get(name)) + 1,
    changes: () => ({
      set: sortedNames().flatMap((name) => keysOf(slots.get(name))),
      removed: sortedNames().flatMap((name) => removedOf(name, slots.get(name))),
    }),
  }
}

function slotOf(slots: Map<string, Slot>, name: string): Slot {
  const found = slots.get(name)
  if (found !== undefined) return found
  const made: Slot = { keys: new Map(), removed: new Map() }
  slots.set(name, made)
  return made
}

function setKey(slot: Slot, entry: KeyEntry): void {
  const keyId = deriveKeyId(entry.key)
  if (entry.version <= (slot.removed.get(keyId) ?? 0)) return
  const known = slot.keys.get(keyId) ?? []
  const same = known.find(({ key }) => equal(key, entry.key))
  if (same !== undefined && same.version >= entry.version) return
  slot.keys.set(keyId, [...known.filter((other) => other !== same), entry])
}

function removeKey(slot: Slot, { keyId, version }: RemovedKey): void {
  slot.removed.set(keyId, Math.max(slot.removed.get(keyId) ?? 0, version))
  const left = (slot.keys.get(keyId) ?? []).filter((entry) => entry.version > version)
  if (left.length > 0) slot.keys.set(keyId, left)
  else slot.keys.delete(keyId)
}

function keysOf(slot: Slot | undefined): readonly KeyEntry[] {
  return [...(slot?.keys.values() ?? [])].flat().sort(compareEntries)
}

function highestVersion(slot: Slot | undefined): number {
  if (slot === undefined) return 0
  let highest = 0
  for (const { version } of keysOf(slot)) highest = Math.max(highest, version)
  for (const version of slot.removed.values()) highest = Math.max(highest, version)
  return highest
}

function removedOf(name: string, slot: Slot | undefined): readonly RemovedKey[] {
  const removed = [...(slot?.removed ?? [])].map(([keyId, version]) => ({ name, keyId, version }))
  return removed.sort((left, right) => (left.keyId < right.keyId ? -1 : 1))
}

function compareEntries(left: KeyEntry, right: KeyEntry): number {
  return left.version - right.version || compareBytes(left.key, right.key)
}
