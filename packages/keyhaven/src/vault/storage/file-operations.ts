/**
 * The file system calls that storage in files makes, one function each, so that tests can fail and kill at every one.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { link, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { KeyhavenError, isKeyhavenError } from '../../errors.ts'
import { MOST_WHOLE_BYTES } from '../storage.ts'
import type { BlobRange } from '../storage.ts'

export interface FileOperations {
  /**
   * The file's bytes, or a part of them; `undefined` if there is no such file, or if it is shorter. `ERR_VAULT_DAMAGED`,
   * and nothing is read, for a whole file of more than 64 MiB and for what is no file: a device or a pipe has no end.
   */
  read(path: string, range?: BlobRange): Promise<Uint8Array | undefined>
  /** Writes a file that must not exist yet, mode 0600, and makes its bytes durable unless told not to. */
  create(path: string, bytes: Uint8Array, options?: { readonly durable: boolean }): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Gives a file a second name; false if that name is taken. */
  link(from: string, to: string): Promise<boolean>
  /** Deletes a file, if it is there. */
  remove(path: string): Promise<void>
  /** The names in a folder; none if there is no such folder. */
  list(directory: string): Promise<readonly string[]>
  /** Makes a folder and those above it, mode 0700. */
  makeDirectory(directory: string): Promise<void>
  removeDirectory(directory: string): Promise<void>
  /** Makes names in a folder durable. */
  syncDirectory(directory: string): Promise<void>
}

/** Opening a pipe waits for its writer unless told not to; Windows has no such flag. */
const READ = constants.O_RDONLY | ((constants as { readonly O_NONBLOCK?: number }).O_NONBLOCK ?? 0)

/** The real file system. Every fault is `ERR_STORAGE_FAILED` with the system's code, such as `ENOSPC`. */
export const fileOperations: FileOperations = {
  // At once: these files are small and local, and four turns through the thread pool cost more than reading one.
  read: (path, range) =>
    orMissing(
      () => Promise.resolve(range === undefined ? readWhole(path) : readRange(path, range)),
      undefined,
    ),
  create: (path, bytes, options) => guard(() => createFile(path, bytes, options?.durable ?? true)),
  rename: (from, to) => guard(() => rename(from, to)),
  link: (from, to) => guard(() => linkUnlessTaken(from, to)),
  remove: (path) => guard(() => rm(path, { force: true })),
  list: (directory) => orMissing(() => readdir(directory), []),
  makeDirectory: async (directory) => {
    await guard(() => mkdir(directory, { recursive: true, mode: 0o700 }))
  },
  removeDirectory: (directory) => orMissing(() => rmdir(directory), undefined),
  syncDirectory: (directory) => guard(() => syncNames(directory)),
}

/** As a plain Uint8Array: a Buffer's `slice` shares its memory, which nobody here expects. */
function readWhole(path: string): Uint8Array {
  const file = openSync(path, READ)
  try {
    const status = fstatSync(file)
    if (!status.isFile() || status.size > MOST_WHOLE_BYTES) {
      throw new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'length' })
    }
    const { buffer, byteOffset, length } = readFileSync(file)
    return new Uint8Array(buffer, byteOffset, length)
  } finally {
    closeSync(file)
  }
}

function readRange(path: string, range: BlobRange): Uint8Array | undefined {
  const file = openSync(path, READ)
  try {
    const buffer = new Uint8Array(range.length)
    return readSync(file, buffer, 0, range.length, range.offset) === range.length ? buffer : undefined
  } finally {
    closeSync(file)
  }
}

async function createFile(path: string, bytes: Uint8Array, durable: boolean): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(bytes)
    if (durable) await file.sync()
  } finally {
    await file.close()
  }
}

async function linkUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Windows has no fsync for folders; its file systems journal names. */
async function syncNames(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(directory, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function orMissing<T>(work: () => Promise<T>, missing: T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return missing
    if (isKeyhavenError(error)) throw error
    throw new KeyhavenError('ERR_STORAGE_FAILED', { fault: systemCode(error) })
  }
}

async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new KeyhavenError('ERR_STORAGE_FAILED', { fault: systemCode(error) })
  }
}

function systemCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^E[A-Z0-9]{1,20}$/.test(code) ? code : 'unknown'
}
