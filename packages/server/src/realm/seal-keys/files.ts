/**
 * Seal keys as files of 32 bytes: the first one under the name that settings give it, later ones beside it with their
 * ids in their names (`realm-seal.key`, `realm-seal-0123456789abcdef.key`).
 *
 * A key is destroyed by overwriting and removing its file. What a disk keeps of overwritten blocks, no program can say;
 * a token (token.ts) can.
 */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import { equal, randomBytes, toHex } from 'keyhaven/crypto'
import { FORBIDDEN_IN_NAMED, FORBIDDEN_IN_OWN, makeKey, readKey, syncFolder } from '../../data/key-file.ts'
import type { SealKeySource } from './source.ts'
import { SEAL_KEY_LENGTH, deriveKeyId } from './source.ts'

const SETTING = 'KEYHAVEN_REALM_SEAL_KEY_FILE'

/** `named`: the operator chose the path; then its first key is his to make, and reading it is his to allow. */
export function fileSealKeys(path: string, { named }: { readonly named: boolean }): SealKeySource {
  const stem = join(dirname(path), basename(path, extname(path)))
  const forbidden = named ? FORBIDDEN_IN_NAMED : FORBIDDEN_IN_OWN
  const fileOf = (keyId: Uint8Array): string => `${stem}-${toHex(keyId)}${extname(path)}`
  return {
    kind: 'files',
    read: () => {
      const later = listLater(path).map((file) => readLater(file, fileOf, forbidden))
      const first = existsSync(path) || (named && later.length === 0)
      return Promise.resolve(first ? [readKey(path, SETTING, forbidden), ...later] : later)
    },
    make: () => {
      const isFirst = !named && !existsSync(path) && listLater(path).length === 0
      const key = randomBytes(SEAL_KEY_LENGTH)
      const file = isFirst ? path : fileOf(deriveKeyId(key))
      makeKey(file, key)
      // Of two servers that make the first one, one of them has.
      return Promise.resolve(readKey(file, SETTING, forbidden))
    },
    destroy: (keyId) => {
      for (const file of [path, fileOf(keyId)]) {
        if (existsSync(file) && equal(deriveKeyId(readKey(file, SETTING, forbidden)), keyId)) destroy(file)
      }
      return Promise.resolve()
    },
  }
}

/** The files beside the first one that are named after it. */
function listLater(path: string): readonly string[] {
  const folder = dirname(path)
  const extension = extname(path)
  const prefix = `${basename(path, extension)}-`
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith(extension))
    .filter((name) => /^[0-9a-f]{16}$/.test(name.slice(prefix.length, name.length - extension.length)))
    .map((name) => join(folder, name))
}

function readLater(file: string, fileOf: (keyId: Uint8Array) => string, forbidden: number): Uint8Array {
  const key = readKey(file, SETTING, forbidden)
  if (fileOf(deriveKeyId(key)) === file) return key
  throw new KeyhavenError('ERR_SETTING_INVALID', {
    setting: SETTING,
    expected: 'key files that hold the keys of the ids in their names',
  })
}

function destroy(file: string): void {
  const handle = openSync(file, 'r+')
  try {
    writeSync(handle, randomBytes(statSync(file).size), 0, undefined, 0)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  rmSync(file)
  syncFolder(dirname(file))
}
