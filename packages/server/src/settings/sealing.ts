/**
 * Where the keys of the realm's records come from, and how long each is used and kept.
 */
import { resolve } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import type { EpochTerms } from '../realm/sealing.ts'
import { parseSealKeys } from '../realm/seal-keys/environment.ts'
import type { TokenAddress } from '../realm/seal-keys/token-address.ts'
import { parseTokenAddress } from '../realm/seal-keys/token-address.ts'
import { parseWhole } from './realm-limits.ts'

/** One place of keys. */
export type SealKeySettings =
  /** Files beside `path`; `undefined`: `realm-seal.key` in `<data>-keys/`. */
  | { readonly kind: 'files'; readonly path: string | undefined }
  | { readonly kind: 'environment'; readonly keys: readonly Uint8Array[] }
  | { readonly kind: 'token'; readonly address: TokenAddress }

const FILE = 'KEYHAVEN_REALM_SEAL_KEY_FILE'
const KEYS = 'KEYHAVEN_REALM_SEAL_KEYS'
const TOKEN = 'KEYHAVEN_REALM_SEAL_TOKEN'
const EPOCH_DAYS = 'KEYHAVEN_REALM_EPOCH_DAYS'
const BACKUP_DAYS = 'KEYHAVEN_BACKUP_DAYS'

export const SEALING_VARIABLES: readonly string[] = [FILE, KEYS, TOKEN, EPOCH_DAYS, BACKUP_DAYS]

const DAY_MS = 86_400_000
const DEFAULT_EPOCH_DAYS = 7
const DEFAULT_BACKUP_DAYS = 30

type Environment = Readonly<Record<string, string | undefined>>
type ReadVariable = <Value>(
  env: Environment,
  name: string,
  parse: (text: string, setting: string) => Value,
) => Value | undefined

/** `ERR_SETTING_INVALID` where two places are named. */
export function parseSealKeySettings(env: Environment, read: ReadVariable): SealKeySettings {
  const named = [FILE, KEYS, TOKEN].filter((name) => env[name] !== undefined)
  if (named[1] !== undefined) {
    const expected = `not to be set beside ${named[0] ?? ''}`
    throw new KeyhavenError('ERR_SETTING_INVALID', { setting: named[1], expected })
  }
  const keys = read(env, KEYS, parseSealKeys)
  if (keys !== undefined) return { kind: 'environment', keys }
  const address = read(env, TOKEN, parseTokenAddress)
  if (address !== undefined) return { kind: 'token', address }
  return { kind: 'files', path: read(env, FILE, (text) => resolve(text)) }
}

export function parseEpochTerms(env: Environment, read: ReadVariable): EpochTerms {
  const epoch = read(env, EPOCH_DAYS, (text, setting) =>
    text === 'off' ? 'off' : parseWhole(text, { setting, least: 1, most: 365 }),
  )
  const backup = read(env, BACKUP_DAYS, (text, setting) =>
    parseWhole(text, { setting, least: 1, most: 3650 }),
  )
  return {
    epochMs: epoch === 'off' ? undefined : (epoch ?? DEFAULT_EPOCH_DAYS) * DAY_MS,
    backupMs: (backup ?? DEFAULT_BACKUP_DAYS) * DAY_MS,
  }
}
