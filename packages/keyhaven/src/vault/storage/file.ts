/**
 * Storage in files: one folder for each vault, in it the head and the blobs. Node, Deno and Bun.
 *
 * A file gets its name only when its bytes are durable; the head is replaced by rename(2), and the folder is synced
 * before a write is called done. Only the owner may read (0700, 0600). Beside a vault's folder lies its lock while
 * somebody writes. Several processes of one machine may share it; several machines over a network file system may not.
 */
import { join, resolve } from 'node:path'
import { randomBytes, toHex, utf8 } from '../../crypto/bytes.ts'
import { HEAD } from '../storage.ts'
import type { StorageCommit, VaultStorage, VaultWriter } from '../storage.ts'
import { takeFileLock } from './file-lock.ts'
import type { HeldLock } from './file-lock.ts'
import { fileOperations } from './file-operations.ts'
import type { FileOperations } from './file-operations.ts'
import { createQueue } from './queue.ts'

const PATIENCE_MS = 10_000

/** One line of writers per folder, for all storages of this process. */
const enqueue = createQueue()

export interface FileStorageOptions {
  /** The folder that holds the vaults; it is made when the first vault is. */
  readonly directory: string
  /** How long to wait for another process that writes, in ms; 10,000 unless told. */
  readonly patienceMs?: number
}

/** Vaults as files below `directory`. */
export function fileStorage(options: FileStorageOptions): VaultStorage {
  return createFileStorage(options, fileOperations)
}

/** As {@link fileStorage}, over the given file system calls. */
export function createFileStorage(options: FileStorageOptions, operations: FileOperations): VaultStorage {
  const directory = resolve(options.directory)
  const patienceMs = options.patienceMs ?? PATIENCE_MS
  const folderOf = (vault: string): string => join(directory, encodeName(vault))
  return {
    kind: 'file',
    directory,
    read: (vault, blob, range) => operations.read(join(folderOf(vault), blob), range),
    exclusive: (vault, work) => {
      const folder = folderOf(vault)
      return enqueue(folder, async () => {
        await operations.makeDirectory(directory)
        const lock = await takeFileLock(`${folder}.lock`, { operations, patienceMs })
        try {
          return await work(createWriter({ directory, folder, lock, operations }))
        } finally {
          await lock.release()
        }
      })
    },
  }
}

interface Place {
  readonly directory: string
  readonly folder: string
  readonly lock: HeldLock
  readonly operations: FileOperations
}

function createWriter(place: Place): VaultWriter {
  const { folder, operations } = place
  return {
    list: async () => (await operations.list(folder)).filter((name) => name !== HEAD),
    commit: (change) => commit(place, change),
    remove: async (blobs) => {
      for (const blob of blobs) await operations.remove(join(folder, blob))
    },
    destroy: (notes) => destroy(place, notes),
  }
}

async function commit(place: Place, { blobs, head }: StorageCommit): Promise<void> {
  const { directory, folder, lock, operations } = place
  await operations.makeDirectory(folder)
  await operations.syncDirectory(directory)
  await allDone([...blobs].map(([name, bytes]) => operations.create(join(folder, name), bytes)))
  const draft = join(folder, `${HEAD}.${toHex(randomBytes(8))}`)
  await operations.create(draft, head)
  await operations.syncDirectory(folder)
  await lock.requireHeld()
  await operations.rename(draft, join(folder, HEAD))
  await operations.syncDirectory(folder)
}

/** As `Promise.all`, but waits for every one also when one fails: nothing may be written after the lock is released. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work)
  await Promise.all(work)
}

/** The head goes first: without it nothing that is left can be opened. */
async function destroy({ directory, folder, operations }: Place, notes: readonly string[]): Promise<void> {
  const there = await operations.list(folder)
  const missing = notes.filter((name) => !there.includes(name))
  await allDone(missing.map((name) => operations.create(join(folder, name), new Uint8Array())))
  if (missing.length > 0) await operations.syncDirectory(folder)
  if (there.length > 0) {
    await operations.remove(join(folder, HEAD))
    await operations.syncDirectory(folder)
  }
  const rest = (await operations.list(folder)).filter((name) => !notes.includes(name))
  for (const name of rest) await operations.remove(join(folder, name))
  if (notes.length > 0) return
  await operations.removeDirectory(folder)
  await operations.syncDirectory(directory)
}

/** A vault's name as a file name: what is not a-z, 0-9, `-` or `_` becomes `%` and hex, so that names never collide. */
function encodeName(vault: string): string {
  return [...utf8(vault)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[a-z0-9_-]/.test(character) ? character : `%${toHex(Uint8Array.of(byte))}`
    })
    .join('')
}
