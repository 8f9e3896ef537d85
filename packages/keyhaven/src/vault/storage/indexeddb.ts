/**
 * Storage in a browser's IndexedDB: the default there. One database of the origin holds all vaults, and apart from them
 * the device keys, which are `CryptoKey`s that cannot be exported.
 *
 * A commit is one transaction with strict durability, so old or new is the database's own promise. Writers of all tabs
 * and workers queue by Web Locks. The browser may evict the whole database when the disk is full, unless the origin's
 * storage is persistent; `askForPersistence` asks for that.
 */
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { HEAD } from '../storage.ts'
import type { BlobRange, StorageCommit, VaultStorage, VaultWriter } from '../storage.ts'
import { createMarker } from './marker.ts'
import type { Marker } from './marker.ts'
import { askForPersistence } from './persistence.ts'
import { withWebLock } from './web-lock.ts'

const DATABASE = 'keyhaven'
const VERSION = 1
const BLOBS = 'blobs'
const DEVICE_KEYS = 'device-keys'

export interface IndexedDbStorageOptions {
  /** The database's name; `keyhaven` unless told. */
  readonly database?: string
  /** How long to wait for another tab that writes, in ms; 10,000 unless told. */
  readonly patienceMs?: number
}

/** Vaults in this origin's IndexedDB. Works on pages and in workers. */
export function indexedDbStorage(options: IndexedDbStorageOptions = {}): VaultStorage {
  const database = options.database ?? DATABASE
  const marker = createMarker(`keyhaven/${database}`)
  return {
    kind: 'indexeddb',
    read: async (vault, blob, range) => {
      const bytes = await readValue(database, BLOBS, [vault, blob])
      return bytes instanceof Uint8Array ? slice(bytes, range) : undefined
    },
    exclusive: (vault, work) =>
      withWebLock(`keyhaven/${database}/${vault}`, options.patienceMs, () =>
        work(createWriter(database, vault, marker)),
      ),
    wasHere: (vault) => marker.has(vault),
  }
}

function createWriter(database: string, vault: string, marker: Marker): VaultWriter {
  const range = (): IDBKeyRange => IDBKeyRange.bound([vault], [vault, []])
  return {
    list: async () => {
      const keys: unknown = await inStore(database, BLOBS, 'readonly', (store) => store.getAllKeys(range()))
      return (keys as readonly [string, string][]).map(([, blob]) => blob).filter((blob) => blob !== HEAD)
    },
    commit: async (change) => {
      await inStore(database, BLOBS, 'readwrite', (store) => {
        putAll(store, vault, change)
      })
      // Not waited for: a browser that asks the person would keep the vault's lock for as long as he thinks.
      if (await marker.add(vault)) void askForPersistence()
    },
    remove: async (blobs) => {
      if (blobs.length === 0) return
      await inStore(database, BLOBS, 'readwrite', (store) => {
        for (const blob of blobs) store.delete([vault, blob])
      })
    },
    destroy: async (notes) => {
      await inStore(database, BLOBS, 'readwrite', (store) => {
        store.delete(range())
        for (const note of notes) store.put(new Uint8Array(), [vault, note])
      })
      await marker.remove(vault)
    },
  }
}

function putAll(store: IDBObjectStore, vault: string, { blobs, head }: StorageCommit): void {
  for (const [blob, bytes] of blobs) store.put(new Uint8Array(bytes), [vault, blob])
  store.put(new Uint8Array(head), [vault, HEAD])
}

function slice(bytes: Uint8Array, range: BlobRange | undefined): Uint8Array | undefined {
  if (range === undefined) return bytes
  if (range.offset + range.length > bytes.length) return undefined
  return bytes.slice(range.offset, range.offset + range.length)
}

/** The device key of a slot, if it is there. */
export async function readDeviceKey(database: string, slot: string): Promise<CryptoKey | undefined> {
  const key = await readValue(database, DEVICE_KEYS, slot)
  return key instanceof CryptoKey ? key : undefined
}

/** Keeps the device key of a slot. */
export async function writeDeviceKey(database: string, slot: string, key: CryptoKey): Promise<void> {
  await inStore(database, DEVICE_KEYS, 'readwrite', (store) => store.put(key, slot))
}

/** Deletes the device key of a slot, if it is there. */
export async function deleteDeviceKey(database: string, slot: string): Promise<void> {
  await inStore(database, DEVICE_KEYS, 'readwrite', (store) => store.delete(slot))
}

interface Reading {
  readonly store: string
  readonly key: IDBValidKey
  readonly resolve: (value: unknown) => void
  readonly reject: (fault: KeyhavenError) => void
}

/** What is to be read of each database by its next transaction. */
const readings = new Map<string, Reading[]>()

/** Reads one value. What is asked for at once is read in one transaction, which costs a browser more than the values in it. */
function readValue(name: string, store: string, key: IDBValidKey): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const reading = { store, key, resolve, reject }
    const batch = readings.get(name)
    if (batch === undefined) void startBatch(name, reading)
    else batch.push(reading)
  })
}

/** Whoever comes until the database is there is read along. */
async function startBatch(name: string, first: Reading): Promise<void> {
  const batch = [first]
  readings.set(name, batch)
  try {
    const opening = openDatabase(name)
    const database = await opening.finally(() => readings.delete(name))
    readTogether(database, batch)
  } catch (error) {
    for (const { reject } of batch) reject(failed(error))
  }
}

/** Each answers as soon as its value is there: reading need not wait for the transaction's end. */
function readTogether(database: IDBDatabase, batch: readonly Reading[]): void {
  const stores = [...new Set(batch.map(({ store }) => store))]
  const transaction = database.transaction(stores, 'readonly')
  transaction.onabort = () => {
    for (const { reject } of batch) reject(failed(transaction.error))
  }
  for (const { store, key, resolve } of batch) {
    const request = transaction.objectStore(store).get(key)
    request.onsuccess = () => {
      resolve(request.result)
    }
  }
}

/** Runs one transaction over one store; resolves when it is durable, with the request's result. */
async function inStore(
  name: string,
  storeName: string,
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => unknown,
): Promise<unknown> {
  try {
    const database = await openDatabase(name)
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(storeName, mode, { durability: 'strict' })
      const request = orAbort(transaction, () => work(transaction.objectStore(storeName)))
      transaction.oncomplete = () => {
        resolve(request instanceof IDBRequest ? request.result : undefined)
      }
      transaction.onabort = () => {
        reject(failed(transaction.error))
      }
    })
  } catch (error) {
    throw failed(error)
  }
}

/** A call that throws ends the whole transaction: what was asked before it must not be committed alone. */
function orAbort<T>(transaction: IDBTransaction, work: () => T): T {
  try {
    return work()
  } catch (error) {
    transaction.abort()
    throw error
  }
}

const opened = new Map<string, Promise<IDBDatabase>>()

/** One connection for each database, kept; closed when another tab upgrades or deletes it. */
function openDatabase(name: string): Promise<IDBDatabase> {
  const known = opened.get(name)
  if (known !== undefined) return known
  const opening = new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name, VERSION)
    request.onupgradeneeded = () => {
      request.result.createObjectStore(BLOBS)
      request.result.createObjectStore(DEVICE_KEYS)
    }
    request.onerror = () => {
      reject(failed(request.error))
    }
    request.onsuccess = () => {
      const database = request.result
      const forget = (): void => {
        opened.delete(name)
        database.close()
      }
      database.onversionchange = forget
      database.onclose = forget
      resolve(database)
    }
  })
  opened.set(name, opening)
  opening.catch(() => opened.delete(name))
  return opening
}

/** Only the name of a browser's error is passed on, such as `QuotaExceededError`. */
function failed(error: unknown): KeyhavenError {
  if (isKeyhavenError(error)) return error
  const name = error instanceof DOMException ? error.name : 'unknown'
  return new KeyhavenError('ERR_STORAGE_FAILED', { fault: name })
}
