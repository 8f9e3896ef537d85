/**
 * The server's keys, 32 bytes each, in files beside the data directory and never in it or in the database: people back
 * up a data directory whole, and a thief of that backup must not have them.
 *
 * A key is made only for a database that has never seen one. Where the database was written under a key that is not
 * there any more, a new one would make everything in it unreadable: the server does not start.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import { deriveKey, equal, lp, randomBytes, toHex } from 'keyhaven/crypto'
import type { Installation } from '../db/installation.ts'
import type { KeyFiles } from '../settings/settings.ts'

/** 32 bytes each. */
export interface ServerKeys {
  readonly realmSealKey: Uint8Array
  readonly phoneKey: Uint8Array
  readonly tokenKey: Uint8Array
  readonly chainKey: Uint8Array
}

const KEY_LENGTH = 32

const KEYS = [
  { name: 'realmSealKey', file: 'realm-seal.key', setting: 'KEYHAVEN_REALM_SEAL_KEY_FILE' },
  { name: 'phoneKey', file: 'phone.key', setting: 'KEYHAVEN_PHONE_KEY_FILE' },
  { name: 'tokenKey', file: 'token.key', setting: 'KEYHAVEN_TOKEN_KEY_FILE' },
  { name: 'chainKey', file: 'chain.key', setting: 'KEYHAVEN_CHAIN_KEY_FILE' },
] as const

/** The folder of the keys that the server makes itself. */
export function keyFolderOf(dataDirectory: string): string {
  return `${dataDirectory}-keys`
}

/** Reads or makes the keys, and holds each against the fingerprint that the database knows. */
export async function loadServerKeys(input: {
  readonly dataDirectory: string
  readonly keyFiles: KeyFiles
  readonly installation: Installation
}): Promise<ServerKeys> {
  const keys: Partial<Record<keyof ServerKeys, Uint8Array>> = {}
  for (const { name, file, setting } of KEYS) {
    const given = input.keyFiles[name]
    const path = given ?? join(keyFolderOf(input.dataDirectory), file)
    const known = await input.installation.read(name)
    if (known === undefined && given === undefined) makeKey(path)
    const key = readKey(path, setting, given === undefined ? FORBIDDEN_IN_OWN : FORBIDDEN_IN_NAMED)
    await requireKnown(input.installation, name, deriveFingerprint(key, name))
    keys[name] = key
  }
  return keys as ServerKeys
}

/** The 32 bytes that the operator's webhook checks signatures with. */
export function loadWebhookSecret(path: string): Uint8Array {
  return readKey(path, 'KEYHAVEN_WEBHOOK_SECRET_FILE', FORBIDDEN_IN_NAMED)
}

/** What the database keeps to tell one key from another; nothing about the key follows from it. */
function deriveFingerprint(key: Uint8Array, name: string): Uint8Array {
  return deriveKey({ secret: key, info: lp(`keyhaven/key-fingerprint/v1/${name}`), length: 16 })
}

async function requireKnown(
  installation: Installation,
  name: string,
  fingerprint: Uint8Array,
): Promise<void> {
  if (equal(await installation.keep(name, fingerprint), fingerprint)) return
  throw new KeyhavenError('ERR_START_REFUSED', {
    problem: `The database was written under another ${name} than this one; bring back the key file that belongs to it.`,
  })
}

/**
 * Bits of a mode that a key file must not have: whoever can read it holds the key, whoever can write it chooses the key. Of
 * files that the operator named, reading is his to decide: some secret stores can mount them in one mode only.
 */
const FORBIDDEN_IN_OWN = 0o027
const FORBIDDEN_IN_NAMED = 0o002

function readKey(path: string, setting: string, forbidden: number): Uint8Array {
  const { key, mode } = readFile(path, setting)
  if ((mode & forbidden) !== 0 && process.platform !== 'win32') {
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting,
      expected: 'a key file that is closed to other users (mode 0600)',
    })
  }
  if (key.length === KEY_LENGTH) return key
  throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected: 'a file of exactly 32 bytes' })
}

function readFile(path: string, setting: string): { readonly key: Uint8Array; readonly mode: number } {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    return { key: new Uint8Array(readFileSync(file)), mode: fstatSync(file).mode }
  } catch {
    throw new KeyhavenError('ERR_SETTING_INVALID', {
      setting,
      expected: 'the readable key file that belongs to this database (by default in the folder <data>-keys)',
    })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Writes a new key whole and durably under its name, unless there is one: of two servers the first one's stays. */
function makeKey(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${toHex(randomBytes(8))}`
  writeDurably(draft, randomBytes(KEY_LENGTH))
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

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
