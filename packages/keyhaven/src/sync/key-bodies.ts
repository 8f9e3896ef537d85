/**
 * Cuts changes of keys into bodies that fit a segment.
 */
import { concat } from '../crypto/index.ts'
import { writeConversationKey, writeRemovedConversationKey } from './conversation-entries.ts'
import { writeIdentityEntries } from './identity-entries.ts'
import type { KeyChanges } from './key-changes.ts'

/** Leaves room for what a content has before its body. */
const MOST_BODY_BYTES = 880_000
/** What CBOR and the version add to an identity key's name and bytes, at most. */
const IDENTITY_OVERHEAD = 32

/** Bodies of conversation segments; none when there is nothing to say. */
export function conversationBodies(changes: KeyChanges): readonly Uint8Array[] {
  const entries = [
    ...changes.set.map(writeConversationKey),
    ...changes.removed.map(writeRemovedConversationKey),
  ]
  return group(entries, (entry) => entry.length).map((entriesOfBody) => concat(...entriesOfBody))
}

/** Bodies of identity segments; none when there is nothing to say. */
export function identityBodies(changes: KeyChanges): readonly Uint8Array[] {
  const pieces: readonly KeyChanges[] = [
    ...changes.set.map((entry) => ({ set: [entry], removed: [] })),
    ...changes.removed.map((entry) => ({ set: [], removed: [entry] })),
  ]
  return group(pieces, sizeOf).map((piecesOfBody) =>
    writeIdentityEntries({
      set: piecesOfBody.flatMap(({ set }) => set),
      removed: piecesOfBody.flatMap(({ removed }) => removed),
    }),
  )
}

function sizeOf(piece: KeyChanges): number {
  const keys = piece.set.reduce((sum, { name, key }) => sum + 3 * name.length + key.length, 0)
  return keys + piece.removed.reduce((sum, { name }) => sum + 3 * name.length, IDENTITY_OVERHEAD)
}

function group<T>(items: readonly T[], size: (item: T) => number): readonly (readonly T[])[] {
  const groups: T[][] = []
  let room = 0
  for (const item of items) {
    const last = groups.at(-1)
    if (last === undefined || size(item) > room) {
      groups.push([item])
      room = MOST_BODY_BYTES - size(item)
    } else {
      last.push(item)
      room -= size(item)
    }
  }
  return groups
}
