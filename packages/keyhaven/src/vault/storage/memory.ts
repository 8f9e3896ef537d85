/**
 * Storage in this process's memory, for tests and for vaults that need not last. Do not keep keys here that
 * anyone wants back: nothing survives the process.
 */
import { HEAD } from '../storage.ts'
import type { BlobRange, StorageCommit, VaultStorage, VaultWriter } from '../storage.ts'
import { createQueue } from './queue.ts'

/** A fresh, empty storage in memory. */
export function memoryStorage(): VaultStorage {
  const vaults = new Map<string, Map<string, Uint8Array>>()
  const enqueue = createQueue()
  return {
    kind: 'memory',
    read: (vault, blob, range) => Promise.resolve(slice(vaults.get(vault)?.get(blob), range)),
    exclusive: (vault, work) => enqueue(vault, () => work(createWriter(vaults, vault))),
  }
}

function createWriter(vaults: Map<string, Map<string, Uint8Array>>, vault: string): VaultWriter {
  return {
    list: () => Promise.resolve([...(vaults.get(vault)?.keys() ?? [])].filter((name) => name !== HEAD)),
    commit: ({ blobs, head }: StorageCommit) => {
      const kept = vaults.get(vault) ?? new Map<string, Uint8Array>()
      for (const [name, bytes] of blobs) kept.set(name, bytes.slice())
      kept.set(HEAD, head.slice())
      vaults.set(vault, kept)
      return Promise.resolve()
    },
    remove: (names) => {
      for (const name of names) vaults.get(vault)?.delete(name)
      return Promise.resolve()
    },
    destroy: (notes) => {
      vaults.set(vault, new Map(notes.map((note) => [note, new Uint8Array()])))
      return Promise.resolve()
    },
  }
}

function slice(bytes: Uint8Array | undefined, range: BlobRange | undefined): Uint8Array | undefined {
  if (bytes === undefined || range === undefined) return bytes?.slice()
  if (range.offset + range.length > bytes.length) return undefined
  return bytes.slice(range.offset, range.offset + range.length)
}
