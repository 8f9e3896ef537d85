/**
 * Storage in a browser's localStorage, for apps that must. Small (some 5 MB for an origin, in base64), synchronous, and
 * the browser says nothing of when it is on disk: after a power failure the newest writes may be gone, never half there.
 *
 * Each entry is replaced as a whole, and the head after everything that it names.
 */
import { parseBase64, toBase64 } from '../../crypto/text.ts'
import { KeyhavenError } from '../../errors.ts'
import { HEAD } from '../storage.ts'
import type { StorageCommit, VaultStorage, VaultWriter } from '../storage.ts'
import { withWebLock } from './web-lock.ts'

/** What is used of the Web Storage API. */
export type WebStorageArea = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>

export interface WebStorageOptions {
  /** `localStorage` unless told. In `sessionStorage` a vault ends with its tab. */
  readonly area?: WebStorageArea
  /** How long to wait for another tab that writes, in ms; 10,000 unless told. */
  readonly patienceMs?: number
}

/** Vaults in Web Storage. */
export function webStorage(options: WebStorageOptions = {}): VaultStorage {
  const area = options.area ?? globalThis.localStorage
  return {
    kind: 'web-storage',
    read: (vault, blob, range) => {
      const bytes = readEntry(area, keyOf(vault, blob))
      if (bytes === undefined || range === undefined) return Promise.resolve(bytes)
      const fits = range.offset + range.length <= bytes.length
      return Promise.resolve(fits ? bytes.slice(range.offset, range.offset + range.length) : undefined)
    },
    exclusive: (vault, work) =>
      withWebLock(`keyhaven/web-storage/${vault}`, options.patienceMs, () => work(createWriter(area, vault))),
  }
}

function createWriter(area: WebStorageArea, vault: string): VaultWriter {
  const prefix = keyOf(vault, '')
  const list = (): readonly string[] =>
    Array.from({ length: area.length }, (_, index) => area.key(index) ?? '')
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
      // A blob has no slash in its name; what has one is another storage's note (marker.ts).
      .filter((blob) => !blob.includes('/'))
  return {
    list: () => Promise.resolve(list().filter((blob) => blob !== HEAD)),
    commit: (change) =>
      settle(() => {
        commit(area, vault, change)
      }),
    remove: (blobs) =>
      settle(() => {
        for (const blob of blobs) area.removeItem(keyOf(vault, blob))
      }),
    destroy: (notes) =>
      settle(() => {
        for (const note of notes) area.setItem(keyOf(vault, note), '')
        area.removeItem(keyOf(vault, HEAD))
        for (const blob of list()) if (!notes.includes(blob)) area.removeItem(keyOf(vault, blob))
      }),
  }
}

/** When the quota is used up, what was stored of the new blobs is taken back: nobody names them. */
function commit(area: WebStorageArea, vault: string, { blobs, head }: StorageCommit): void {
  try {
    for (const [blob, bytes] of blobs) area.setItem(keyOf(vault, blob), toBase64(bytes))
    area.setItem(keyOf(vault, HEAD), toBase64(head))
  } catch (error) {
    for (const blob of blobs.keys()) area.removeItem(keyOf(vault, blob))
    throw error
  }
}

function settle(work: () => void): Promise<void> {
  try {
    work()
    return Promise.resolve()
  } catch (error) {
    const fault = error instanceof DOMException ? error.name : 'unknown'
    return Promise.reject(new KeyhavenError('ERR_STORAGE_FAILED', { fault }))
  }
}

/** An entry that is no base64 any more is damage like any other: its bytes are none. */
function readEntry(area: WebStorageArea, key: string): Uint8Array | undefined {
  const text = area.getItem(key)
  if (text === null) return undefined
  try {
    return parseBase64(text, key)
  } catch {
    return new Uint8Array(0)
  }
}

function keyOf(vault: string, blob: string): string {
  return `keyhaven/${encodeURIComponent(vault)}/${blob}`
}
