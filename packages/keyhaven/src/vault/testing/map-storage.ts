/**
 * Storage in a map that tests can read and change behind the vault's back.
 */
import { HEAD } from '../storage.ts'
import type { VaultStorage } from '../storage.ts'

export type Blobs = Map<string, Uint8Array>

/** A storage for one vault whose blobs are `blobs`. */
export function mapStorage(blobs: Blobs): VaultStorage {
  return {
    kind: 'memory',
    read: (_vault, blob, range) => {
      const bytes = blobs.get(blob)
      if (bytes === undefined || range === undefined) return Promise.resolve(bytes?.slice())
      const part = bytes.slice(range.offset, range.offset + range.length)
      return Promise.resolve(part.length === range.length ? part : undefined)
    },
    exclusive: (_vault, work) =>
      work({
        list: () => Promise.resolve([...blobs.keys()].filter((name) => name !== HEAD)),
        commit: (change) => {
          for (const [name, bytes] of change.blobs) blobs.set(name, bytes)
          blobs.set(HEAD, change.head)
          return Promise.resolve()
        },
        remove: (names) => {
          for (const name of names) blobs.delete(name)
          return Promise.resolve()
        },
        destroy: () => {
          blobs.clear()
          return Promise.resolve()
        },
      }),
  }
}
