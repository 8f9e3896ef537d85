/**
 * Files of one 32-byte key each: read with a look at who else can, made whole and durably.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import { randomBytes, toHex } from 'keyhaven/crypto'

const KEY_LENGTH = 32

/**
 * Bits of a mode that a key file must not have: whoever can read it holds the key, whoever can write it chooses the key. Of
 * files that the operator named, reading is his to decide: some secret stores can mount them in one mode only.
 */
export const FORBIDDEN_IN_OWN = 0o027
export const FORBIDDEN_IN_NAMED = 0o002

const WRITERS = 0o022
const STICKY = 0o1000

/** No file of these has as many. */
const MOST_BYTES = 4096

/** What a token has at least, in characters. */
const SHORTEST_TOKEN = 32

/** Reads a token, one line of text; `ERR_SETTING_INVALID` names the setting by which it is found. */
export function readTokenFile(path: string, setting: string): string {
  const expected =
    'a readable file, closed to writers, with a token of at least 32 letters and digits in one line'
  const { key, mode } = readFile(path, setting, expected)
  const token = new TextDecoder().decode(key).trim()
  const isWhole = key.length < MOST_BYTES
  const isClosed = (mode & FORBIDDEN_IN_NAMED) === 0 || process.platform === 'win32'
  if (isWhole && isClosed && token.length >= SHORTEST_TOKEN && /^[\w.~+/=-]+$/.test(token)) return token
  throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected })
}

/** Reads a key; `ERR_SETTING_INVALID` names the setting by which it is found. */
export function readKey(path: string, setting: string, forbidden: number): Uint8Array {
  const { key, mode } = readFile(path, setting, MISSING_KEY)
  const isOpen = (mode & forbidden) !== 0 || isReplaceable(path, forbidden)
  if (isOpen && process.platform !== 'win32') {
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting,
      expected:
        'a key file that is closed to other users (mode 0600), in a folder where they can write nothing (mode 0700)',
    })
  }
  if (key.length === KEY_LENGTH) return key
  throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected: 'a file of exactly 32 bytes' })
}

/** Who can write to a folder that is not sticky can put another file in the place of one that is closed to him. */
function isReplaceable(path: string, forbidden: number): boolean {
  const { mode } = statSync(dirname(path))
  return (mode & STICKY) === 0 && (mode & forbidden & WRITERS) !== 0
}

const MISSING_KEY =
  'the readable key file that belongs to this database (by default in the folder <data>-keys)'

function readFile(
  path: string,
  setting: string,
  expected: string,
): { readonly key: Uint8Array; readonly mode: number } {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    return { key: readBounded(file), mode: fstatSync(file).mode }
  } catch {
    throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** The file's first bytes, which for a device such as /dev/zero are not all. */
function readBounded(file: number): Uint8Array {
  const bytes = new Uint8Array(MOST_BYTES)
  let length = 0
  for (;;) {
    const read = readSync(file, bytes, { offset: length, length: MOST_BYTES - length })
    length += read
    if (read === 0 || length === MOST_BYTES) return bytes.slice(0, length)
  }
}

/** Writes a new key whole and durably under its name, unless there is one: of two servers the first one's stays. */
export function makeKey(path: string, key: Uint8Array = randomBytes(KEY_LENGTH)): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${toHex(randomBytes(8))}`
  writeDurably(draft, key)
  try {
    linkSync(draft, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  syncFolder(dirname(path))
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Makes what was renamed, linked or removed in a folder last. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
