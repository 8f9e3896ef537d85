/**
 * Cuts changes of keys into bodies that fit a segment.
 */
import { concat } from '../../crypto/bytes.ts'
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

/** Gathers entries, which stay the caller's, into bodies that fit a segment; `most` is what all of them take together. */
export function createBodyWriter(most: number): {
  readonly put: (entries: Uint8Array) => void
  readonly finish: () => readonly Uint8Array[]
} {
  const bodies: Uint8Array[] = []
  let body = new Uint8Array(Math.min(most, MOST_BODY_BYTES))
  let used = 0
  let rest = most
  const close = (): void => {
    if (used > 0) bodies.push(body.subarray(0, used))
    used = 0
  }
  return {
    put: (entries) => {
      if (used + entries.length > body.length) {
        close()
        body = new Uint8Array(Math.max(entries.length, Math.min(rest, MOST_BODY_BYTES)))
      }
      body.set(entries, used)
      used += entries.length
      rest -= entries.length
    },
    finish: () => {
      close()
      return bodies
    },
  }
}

/** The same bodies in as few as fit a segment. */
export function packBodies(bodies: readonly Uint8Array[]): readonly Uint8Array[] {
  const writer = createBodyWriter(bodies.reduce((sum, { length }) => sum + length, 0))
  for (const body of bodies) writer.put(body)
  return writer.finish()
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
