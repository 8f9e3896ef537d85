/**
 * Device protection where there is no keychain: a random key in a file of mode 0600, outside the vault's folder.
 *
 * It keeps the vault from whoever gets the vault's folder alone (a backup, a synchronised folder, a copied disk image
 * of it), and from other users of the machine. Whoever reads this user's files reads the key, too: encrypt the disk,
 * or add a password. One file may hold the keys of several vaults, each by its slot's id.
 */
import { statSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { concat, equal, randomBytes, toHex, utf8, wipe } from '../../crypto/bytes.ts'
import { sha256 } from '../../crypto/hkdf.ts'
import { KeyhavenError } from '../../errors.ts'
import type { FactorContext, Protection } from '../protection.ts'
import { takeFileLock } from '../storage/file-lock.ts'
import { fileOperations } from '../storage/file-operations.ts'
import type { FileOperations } from '../storage/file-operations.ts'
import { createQueue } from '../storage/queue.ts'
import { DEVICE_PROVIDERS, isProvider } from './device-parameters.ts'

const MAGIC = concat(utf8('KHDEVKEY'), Uint8Array.of(1))
const ID_LENGTH = 16
const KEY_LENGTH = 32
const ENTRY_LENGTH = ID_LENGTH + KEY_LENGTH
const CHECKSUM_LENGTH = 32
/** The keys of some 20,000 vaults. */
const MOST_FILE_BYTES = 1024 * 1024
const PATIENCE_MS = 10_000

const enqueue = createQueue()

export interface FileDeviceOptions {
  readonly keyFile: string
  readonly label?: string
}

interface Place {
  readonly path: string
  readonly operations: FileOperations
  readonly patienceMs: number
}

/**
 * A device protection that opens without a prompt, by a key in `keyFile`. The file is made with the first key.
 *
 * `ERR_DEVICE_KEY_REFUSED` when others may read the file, when it lies inside the vaults' folder, or when it is damaged.
 */
export function fileDeviceProtection(options: FileDeviceOptions): Protection {
  return createFileDeviceProtection(options, fileOperations)
}

/** As {@link fileDeviceProtection}, over the given file system calls. */
export function createFileDeviceProtection(
  options: FileDeviceOptions,
  operations: FileOperations,
  patienceMs: number = PATIENCE_MS,
): Protection {
  const place = { path: resolve(options.keyFile), operations, patienceMs }
  return {
    label: options.label,
    factors: [
      {
        type: 'device',
        prompts: false,
        matches: (parameters) => parameters.length === 1 && isProvider(parameters, 'file'),
        enroll: async (context) => {
          requireOutside(place.path, context)
          const secret = randomBytes(KEY_LENGTH)
          await changeKeys(place, (keys) => keys.set(toHex(context.slotId), secret))
          return { parameters: Uint8Array.of(DEVICE_PROVIDERS.file), secret }
        },
        open: async ({ slotId }) => {
          const secret = (await readKeys(place)).get(toHex(slotId))
          return secret === undefined ? { status: 'unavailable' } : { status: 'opened', secret }
        },
        forget: ({ slotId }) => changeKeys(place, (keys) => keys.delete(toHex(slotId))),
      },
    ],
  }
}

function requireOutside(path: string, { storageDirectory }: FactorContext): void {
  if (storageDirectory === undefined) return
  const way = relative(storageDirectory, path)
  if (way !== '..' && !way.startsWith(`..${sep}`) && resolve(way) !== way) {
    throw new KeyhavenError('ERR_DEVICE_KEY_REFUSED', { problem: 'inside-the-vault' })
  }
}

/** Reads the keys by slot id; none if there is no file. */
async function readKeys({ path, operations }: Place): Promise<Map<string, Uint8Array>> {
  requireFit(path)
  const bytes = await operations.read(path)
  if (bytes === undefined) return new Map()
  try {
    return parseKeys(bytes)
  } finally {
    wipe(bytes)
  }
}

/**
 * Before it is read. As OpenSSH does: a key that others may read is not used. Windows keeps its permissions elsewhere.
 */
function requireFit(path: string): void {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) return
  if (!status.isFile() || status.size > MOST_FILE_BYTES) {
    throw new KeyhavenError('ERR_DEVICE_KEY_REFUSED', { problem: 'damaged' })
  }
  if (process.platform === 'win32' || (status.mode & 0o077) === 0) return
  throw new KeyhavenError('ERR_DEVICE_KEY_REFUSED', { problem: 'permissions' })
}

function parseKeys(bytes: Uint8Array): Map<string, Uint8Array> {
  const body = bytes.subarray(0, Math.max(0, bytes.length - CHECKSUM_LENGTH))
  const entries = body.subarray(MAGIC.length)
  const sound =
    equal(body.subarray(0, MAGIC.length), MAGIC) &&
    entries.length % ENTRY_LENGTH === 0 &&
    equal(sha256(body), bytes.subarray(body.length))
  if (!sound) throw new KeyhavenError('ERR_DEVICE_KEY_REFUSED', { problem: 'damaged' })
  const keys = new Map<string, Uint8Array>()
  for (let offset = 0; offset < entries.length; offset += ENTRY_LENGTH) {
    const id = entries.subarray(offset, offset + ID_LENGTH)
    keys.set(toHex(id), entries.slice(offset + ID_LENGTH, offset + ENTRY_LENGTH))
  }
  return keys
}

/** Changes the file under its lock, by atomic replace; a file without keys is deleted. */
async function changeKeys(place: Place, change: (keys: Map<string, Uint8Array>) => void): Promise<void> {
  const { path, ...waiting } = place
  const { operations } = waiting
  await enqueue(path, async () => {
    await operations.makeDirectory(dirname(path))
    const lock = await takeFileLock(`${path}.lock`, waiting)
    try {
      const keys = await readKeys(place)
      change(keys)
      await replaceKeys(place, keys)
    } finally {
      await lock.release()
    }
  })
}

/** The draft's name is always the same, so that the next change, under the lock, removes what a killed one left. */
async function replaceKeys(
  { path, operations }: Place,
  keys: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const draft = `${path}.draft`
  await operations.remove(draft)
  if (keys.size === 0) {
    await operations.remove(path)
  } else {
    const body = concat(MAGIC, ...[...keys].map(([id, key]) => concat(Buffer.from(id, 'hex'), key)))
    const bytes = concat(body, sha256(body))
    await operations.create(draft, bytes)
    await operations.rename(draft, path)
    wipe(body, bytes)
  }
  await operations.syncDirectory(dirname(path))
}
