/**
 * What a vault asks of the place where its bytes lie: named blobs for each vault, and one small `head` that is
 * replaced atomically. A storage never sees a key, a record's name or a plaintext.
 *
 * A vault's blobs are written once under a random name and never changed; only the head says which of them count.
 * So a crash between any two steps leaves the old head or the new one, and at most some blobs that nobody names.
 */

/** The name of the blob that is replaced with each write. */
export const HEAD = 'head'

/** No head and no manifest is larger; a larger one is refused before it is read. Records are read by their own length. */
export const MOST_WHOLE_BYTES: number = 64 * 1024 * 1024

/** A part of a blob, in bytes. */
export interface BlobRange {
  readonly offset: number
  readonly length: number
}

/** One step from a vault's old state to its new one. */
export interface StorageCommit {
  /** New blobs by name; durable before the head is replaced. */
  readonly blobs: ReadonlyMap<string, Uint8Array>
  readonly head: Uint8Array
}

/** What the holder of a vault's write lock may do. */
export interface VaultWriter {
  /** The names of all blobs but the head, with the leavings of crashed writes. */
  list(): Promise<readonly string[]>
  /** Stores the blobs, then replaces the head atomically; durable on return. */
  commit(change: StorageCommit): Promise<void>
  /** Deletes blobs that no head names any more. */
  remove(blobs: readonly string[]): Promise<void>
  /** Deletes the head, then everything else of this vault but these empty blobs, which are there before the head goes. */
  destroy(notes: readonly string[]): Promise<void>
}

/** A place for vaults. `fileStorage`, `memoryStorage` and the browser's storages are such places. */
export interface VaultStorage {
  readonly kind: 'file' | 'memory' | 'indexeddb' | 'web-storage'
  /** The folder that holds the vaults, if there is one; a device key must lie outside it. */
  readonly directory?: string
  /** Whether a vault of this name was made here, as far as a note apart from the vaults says. */
  wasHere?(vault: string): Promise<boolean>
  /**
   * The blob, or the asked part of it; `undefined` if there is none, or if it is shorter than asked. `ERR_VAULT_DAMAGED`
   * for a whole one that is larger than any of ours, unread where the storage can tell.
   */
  read(vault: string, blob: string, range?: BlobRange): Promise<Uint8Array | undefined>
  /** Runs `work` while no other writer of this vault runs, here or elsewhere; `ERR_VAULT_BUSY` after a while. */
  exclusive<T>(vault: string, work: (writer: VaultWriter) => Promise<T>): Promise<T>
}
