/**
 * The server's keys, 32 bytes each, in files beside the data directory and never in it or in the database: people back
 * up a data directory whole, and a thief of that backup must not have them.
 *
 * A key is made only for a database that has never seen one. Where the database was written under a key that is not
 * there any more, a new one would make everything in it unreadable: the server does not start.
 */
import { join } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import { deriveKey, equal, lp } from 'keyhaven/crypto'
import type { Installation } from '../db/installation.ts'
import type { KeyFiles } from '../settings/settings.ts'
import { FORBIDDEN_IN_NAMED, FORBIDDEN_IN_OWN, makeKey, readKey } from './key-file.ts'

/** 32 bytes each; those that the realm's records are sealed under are in realm/seal-keys. */
export interface ServerKeys {
  readonly phoneKey: Uint8Array
  readonly tokenKey: Uint8Array
  readonly chainKey: Uint8Array
}

const KEYS = [
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

/** The token key alone, for the operator's commands, which make none; `ERR_SETTING_INVALID` where it is not. */
export function readTokenKey(input: {
  readonly dataDirectory: string
  readonly keyFiles: KeyFiles
}): Uint8Array {
  const { tokenKey: given } = input.keyFiles
  const path = given ?? join(keyFolderOf(input.dataDirectory), 'token.key')
  return readKey(path, 'KEYHAVEN_TOKEN_KEY_FILE', given === undefined ? FORBIDDEN_IN_OWN : FORBIDDEN_IN_NAMED)
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
