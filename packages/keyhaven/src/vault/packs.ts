/**
 * Which ciphertexts lie in which blob. One write puts all its records into a few packs of at most 256 KiB, so
 * that ten thousand records cost a handful of blobs, and reading one record never needs a large one.
 *
 * Ciphertexts are never changed in place. Packs that are mostly dead, and small ones once there are many, are
 * rewritten by the way: their ciphertexts are copied as they are into the new packs.
 */
import { concat, randomBytes, toHex } from '../crypto/bytes.ts'
import type { Entry, Manifest } from './manifest.ts'

const PACK_BYTES = 256 * 1024
const SMALL_PACK_BYTES = 16 * 1024
const MOST_SMALL_PACKS = 32
const MOST_MOVED_BYTES = 1024 * 1024

/** A record's ciphertext on its way into a pack. */
export interface Piece {
  readonly name: string
  readonly entry: Omit<Entry, 'pack' | 'offset' | 'length'>
  readonly ciphertext: Uint8Array
}

/** The names of the records, among those that a write keeps, that should move into its new packs. */
export function chooseMoves(kept: ReadonlyMap<string, Entry>, packs: ReadonlyMap<string, number>): string[] {
  const live = new Map<string, number>()
  for (const { pack, length } of kept.values()) live.set(pack, (live.get(pack) ?? 0) + length)
  const small = [...live.keys()].filter((pack) => (packs.get(pack) ?? 0) < SMALL_PACK_BYTES)
  const victims = new Set(small.length > MOST_SMALL_PACKS ? small : [])
  let bytes = 0
  for (const [pack, alive] of live) {
    if (alive * 2 <= (packs.get(pack) ?? 0) && bytes + alive <= MOST_MOVED_BYTES) {
      victims.add(pack)
      bytes += alive
    }
  }
  if (victims.size === 0) return []
  return [...kept].filter(([, { pack }]) => victims.has(pack)).map(([name]) => name)
}

/** Puts the pieces into new packs, beside the entries that stay where they are. */
export function placePieces(
  staying: ReadonlyMap<string, Entry>,
  packs: ReadonlyMap<string, number>,
  pieces: readonly Piece[],
): { readonly manifest: Manifest; readonly blobs: ReadonlyMap<string, Uint8Array> } {
  const entries = new Map(staying)
  const blobs = new Map<string, Uint8Array>()
  for (const group of groupPieces(pieces)) {
    const pack = toHex(randomBytes(16))
    let offset = 0
    for (const { name, entry, ciphertext } of group) {
      entries.set(name, { ...entry, pack, offset, length: ciphertext.length })
      offset += ciphertext.length
    }
    blobs.set(packBlob(pack), concat(...group.map(({ ciphertext }) => ciphertext)))
  }
  return { manifest: { entries, packs: packSizes(entries, packs, blobs) }, blobs }
}

/** The blob that holds a pack. */
export function packBlob(pack: string): string {
  return `p-${pack}`
}

/** The blob that holds a manifest. */
export function manifestBlob(manifestId: Uint8Array): string {
  return `m-${toHex(manifestId)}`
}

function groupPieces(pieces: readonly Piece[]): Piece[][] {
  const groups: Piece[][] = []
  let room = 0
  for (const piece of pieces) {
    const last = groups.at(-1)
    if (last === undefined || piece.ciphertext.length > room) {
      groups.push([piece])
      room = PACK_BYTES - piece.ciphertext.length
    } else {
      last.push(piece)
      room -= piece.ciphertext.length
    }
  }
  return groups
}

function packSizes(
  entries: ReadonlyMap<string, Entry>,
  known: ReadonlyMap<string, number>,
  blobs: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>()
  for (const { pack } of entries.values()) {
    if (!sizes.has(pack)) sizes.set(pack, known.get(pack) ?? blobs.get(packBlob(pack))?.length ?? 0)
  }
  return sizes
}
