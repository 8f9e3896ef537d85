/**
 * The records of an unlocked vault: finding the state in force, reading one record, writing a batch.
 *
 * Other tabs and processes may write at any time. Each operation first compares the stored head with the one it
 * knows, and a writer does so under the storage's lock. A state older than one already seen here is refused; that a
 * whole vault was rolled back before it was opened is not noticed.
 */
import { openAead, sealAead } from '../crypto/aead.ts'
import { be8, concat, equal, lp, randomBytes, wipe } from '../crypto/bytes.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { openRoot, parseHead, sealHead } from './head.ts'
import type { Head, Root } from './head.ts'
import type { VaultKeys } from './keys.ts'
import { isNote, notesOf } from './leavings.ts'
import { openManifest, sealManifest } from './manifest.ts'
import type { Entry, Manifest } from './manifest.ts'
import { chooseMoves, manifestBlob, packBlob, placePieces } from './packs.ts'
import type { Piece } from './packs.ts'
import type { Slot } from './slot.ts'
import { HEAD, MOST_WHOLE_BYTES } from './storage.ts'
import type { VaultStorage, VaultWriter } from './storage.ts'
import type { VaultRecord } from './types.ts'

const NONCE_LENGTH = 12
const SEALED_AT_ONCE = 256
const MOST_READ_AGAIN = 20

/** One state of a vault. */
export interface VaultState {
  readonly headBytes: Uint8Array
  readonly head: Head
  readonly root: Root
  readonly manifest: Manifest
}

/** An unlocked vault's keys and the newest state that was seen. */
export interface Contents {
  readonly name: string
  readonly storage: VaultStorage
  readonly vaultId: Uint8Array
  readonly keys: VaultKeys
  state: VaultState
  /** Set by `lock`; whatever is under way then ends with `ERR_VAULT_LOCKED`. */
  closed: boolean
  swept: boolean
  /** Notes of device keys that are still to be deleted, as far as this session knows (leavings.ts). */
  readonly notes: Set<string>
}

/** A head as it was found, and read. */
export type FoundHead = Pick<VaultState, 'headBytes' | 'head'>

/** Asks the storage for the manifest that a head names. */
export function readManifest(
  { name, storage }: Pick<Contents, 'name' | 'storage'>,
  { manifestId }: Head,
): Promise<Uint8Array | undefined> {
  return storage.read(name, manifestBlob(manifestId))
}

/** Loads the state that a head names; `undefined` when it was replaced while it was read. */
export async function loadState(
  source: Pick<Contents, 'name' | 'storage' | 'vaultId' | 'keys'>,
  found: FoundHead,
  reading: Promise<Uint8Array | undefined> = readManifest(source, found.head),
): Promise<VaultState | undefined> {
  const { vaultId, keys } = source
  const { head, headBytes } = found
  if (!equal(head.vaultId, vaultId)) throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
  const root = await openRoot(head, keys.indexKey)
  const sealed = await reading
  if (sealed === undefined) {
    await requireReplaced(source, headBytes)
    return undefined
  }
  const manifest = await openManifest({ sealed, vaultId, root, indexKey: keys.indexKey })
  return { headBytes, head, root, manifest }
}

/** A blob that is missing is damage, unless the head that named it has been replaced meanwhile. */
async function requireReplaced(
  source: Pick<Contents, 'name' | 'storage'>,
  headBytes: Uint8Array,
): Promise<void> {
  const now = await source.storage.read(source.name, HEAD)
  if (now !== undefined && equal(now, headBytes)) {
    throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'missing' })
  }
}

/** The state in force now. */
export async function refresh(contents: Contents): Promise<VaultState> {
  for (let attempt = 0; attempt < MOST_READ_AGAIN; attempt += 1) {
    requireOpen(contents)
    // Before the head is read: what this session writes meanwhile does not make the head that is found an old one.
    const seen = contents.state.root.counter
    const headBytes = await contents.storage.read(contents.name, HEAD)
    if (headBytes === undefined) throw new KeyhavenError('ERR_VAULT_MISSING', undefined)
    requireOpen(contents)
    if (equal(headBytes, contents.state.headBytes)) return contents.state
    const loaded = await loadState(contents, { headBytes, head: await parseHead(headBytes) })
    if (loaded === undefined) continue
    if (loaded.root.counter < seen) throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'rolled-back' })
    requireOpen(contents)
    if (loaded.root.counter >= contents.state.root.counter) contents.state = loaded
    return loaded
  }
  throw new KeyhavenError('ERR_VAULT_BUSY', undefined)
}

/** Opens one record, or answers `undefined`. */
export async function readRecord(contents: Contents, name: string): Promise<VaultRecord | undefined> {
  for (let attempt = 0; attempt < MOST_READ_AGAIN; attempt += 1) {
    // Both at once: the state has mostly not changed, and then the ciphertext is the right one.
    const known = contents.state.manifest.entries.get(name)
    const [state, foreseen] = await Promise.all([
      refresh(contents),
      known && contents.storage.read(contents.name, packBlob(known.pack), known),
    ])
    const entry = state.manifest.entries.get(name)
    if (entry === undefined) return undefined
    const ciphertext =
      entry === known ? foreseen : await contents.storage.read(contents.name, packBlob(entry.pack), entry)
    requireOpen(contents)
    if (ciphertext === undefined) {
      await requireReplaced(contents, state.headBytes)
      continue
    }
    const bytes = await openRecord(contents, { name, entry, ciphertext })
    if (contents.closed) wipe(bytes)
    requireOpen(contents)
    return { type: entry.type, bytes }
  }
  throw new KeyhavenError('ERR_VAULT_BUSY', undefined)
}

/** Writes a batch: all of it, or nothing. `ERR_RECORD_EXISTS` if one must be missing and is there. */
export async function writeRecords(
  contents: Contents,
  changes: ReadonlyMap<string, VaultRecord | null>,
  options: { readonly ifMissing?: boolean } = {},
): Promise<void> {
  await contents.storage.exclusive(contents.name, async (writer) => {
    const state = await refresh(contents)
    if (options.ifMissing === true && [...changes.keys()].some((name) => state.manifest.entries.has(name))) {
      throw new KeyhavenError('ERR_RECORD_EXISTS', undefined)
    }
    const kept = new Map([...state.manifest.entries].filter(([name]) => !changes.has(name)))
    const moves = chooseMoves(kept, state.manifest.packs)
    const moved = await Promise.all(moves.map((name) => readPiece(contents, name, kept)))
    for (const name of moves) kept.delete(name)
    const sealed = await sealRecords(contents, changes, state.manifest)
    const { manifest, blobs } = placePieces(kept, state.manifest.packs, [...moved, ...sealed])
    await commitState(contents, writer, { manifest, slots: state.head.slots, blobs })
  })
}

/** Replaces the slots, and with them the whole head. The caller holds the lock and has refreshed. */
export async function commitSlots(
  contents: Contents,
  writer: VaultWriter,
  slots: readonly Slot[],
): Promise<void> {
  const { manifest, head } = contents.state
  const notes = notesOf(head.slots.filter((slot) => !slots.includes(slot)))
  const blobs = new Map(notes.map((note) => [note, new Uint8Array()]))
  await commitState(contents, writer, { manifest, slots, blobs })
  for (const note of notes) contents.notes.add(note)
}

async function commitState(
  contents: Contents,
  writer: VaultWriter,
  change: {
    readonly manifest: Manifest
    readonly slots: readonly Slot[]
    readonly blobs: ReadonlyMap<string, Uint8Array>
  },
): Promise<void> {
  const before = contents.state
  const next = await sealState(contents, { ...change, counter: before.root.counter + 1 })
  requireOpen(contents)
  const swept = contents.swept
  // What a commit that fails leaves is swept by the next one.
  contents.swept = false
  await writer.commit({ blobs: new Map([...change.blobs, ...next.blobs]), head: next.state.headBytes })
  contents.swept = swept
  contents.state = next.state
  await sweep(contents, writer, before)
}

/** Seals manifest, root and head of a new state; the blobs are the manifest's. */
export async function sealState(
  source: Pick<Contents, 'vaultId' | 'keys'>,
  change: { readonly manifest: Manifest; readonly slots: readonly Slot[]; readonly counter: number },
): Promise<{ readonly state: VaultState; readonly blobs: ReadonlyMap<string, Uint8Array> }> {
  const { vaultId } = source
  const { manifest, slots, counter } = change
  const { indexKey } = source.keys
  const root = { counter, manifestId: randomBytes(16), manifestNonce: randomBytes(NONCE_LENGTH) }
  const sealed = await sealManifest({ manifest, vaultId, root, indexKey })
  if (sealed.length > MOST_WHOLE_BYTES) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field: 'records', expected: 'a list of at most 64 MiB' })
  }
  const headBytes = await sealHead({ vaultId, slots, root, indexKey })
  const state = { headBytes, head: await parseHead(headBytes), root, manifest }
  return { state, blobs: new Map([[manifestBlob(root.manifestId), sealed]]) }
}

/**
 * Deletes what the new state no longer names; the first time also what crashed writes left. The write is done by
 * then, so a failure here is no failure of it: the next write tries again.
 */
async function sweep(contents: Contents, writer: VaultWriter, before: VaultState): Promise<void> {
  const used = blobsOf(contents.state)
  try {
    const candidates = contents.swept ? [...blobsOf(before)] : await writer.list()
    // A note of a slot that is in force is what a removal left that did not come to be.
    const inForce = notesOf(contents.state.head.slots)
    const notes = candidates.filter((blob) => isNote(blob) && !inForce.includes(blob))
    await writer.remove(candidates.filter((blob) => !used.has(blob) && !notes.includes(blob)))
    for (const note of notes) contents.notes.add(note)
    contents.swept = true
  } catch {
    contents.swept = false
  }
}

function blobsOf(state: VaultState): Set<string> {
  return new Set([manifestBlob(state.root.manifestId), ...[...state.manifest.packs.keys()].map(packBlob)])
}

async function sealRecords(
  contents: Contents,
  changes: ReadonlyMap<string, VaultRecord | null>,
  manifest: Manifest,
): Promise<Piece[]> {
  const pieces: Piece[] = []
  const written = [...changes].flatMap(([name, value]) => (value === null ? [] : [{ name, value }]))
  for (let start = 0; start < written.length; start += SEALED_AT_ONCE) {
    const group = written.slice(start, start + SEALED_AT_ONCE)
    const sealed = group.map(({ name, value }) => {
      const version = (manifest.entries.get(name)?.version ?? 0) + 1
      return sealRecord(contents, { name, value, version })
    })
    pieces.push(...(await Promise.all(sealed)))
  }
  return pieces
}

async function sealRecord(
  contents: Contents,
  record: { readonly name: string; readonly value: VaultRecord; readonly version: number },
): Promise<Piece> {
  const { name, value, version } = record
  const entry = { type: value.type, version, nonce: randomBytes(NONCE_LENGTH) }
  const associatedData = bindRecord(contents.vaultId, name, entry)
  const aead = { key: contents.keys.recordsKey, nonce: entry.nonce, associatedData }
  return { name, entry, ciphertext: await sealAead(aead, value.bytes) }
}

async function openRecord(
  contents: Contents,
  record: { readonly name: string; readonly entry: Entry; readonly ciphertext: Uint8Array },
): Promise<Uint8Array> {
  const { name, entry, ciphertext } = record
  const associatedData = bindRecord(contents.vaultId, name, entry)
  try {
    return await openAead({ key: contents.keys.recordsKey, nonce: entry.nonce, associatedData }, ciphertext)
  } catch (error) {
    if (!isKeyhavenError(error, 'ERR_ENVELOPE_REJECTED')) throw error
    throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'record' })
  }
}

async function readPiece(contents: Contents, name: string, kept: ReadonlyMap<string, Entry>): Promise<Piece> {
  const entry = kept.get(name)
  const ciphertext = entry && (await contents.storage.read(contents.name, packBlob(entry.pack), entry))
  if (entry === undefined || ciphertext === undefined) {
    throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'missing' })
  }
  return { name, entry: { type: entry.type, version: entry.version, nonce: entry.nonce }, ciphertext }
}

function bindRecord(
  vaultId: Uint8Array,
  name: string,
  entry: { readonly type: string; readonly version: number },
): Uint8Array {
  return concat(lp('keyhaven/vault/record/v1'), lp(vaultId), lp(name), lp(entry.type), be8(entry.version))
}

function requireOpen(contents: Contents): void {
  if (contents.closed) throw new KeyhavenError('ERR_VAULT_LOCKED', undefined)
}
