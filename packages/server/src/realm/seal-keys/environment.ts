/**
 * Seal keys from the environment, for operators whose secret store hands them out there. They make and destroy them
 * themselves: a new key in the last place begins an epoch, in any other it is only known.
 */
import { KeyhavenError } from 'keyhaven'
import { parseHex } from 'keyhaven/crypto'
import type { SealKeySource } from './source.ts'

/** Reads `KEYHAVEN_REALM_SEAL_KEYS`: keys of 64 hex digits, separated by commas; the last is to be used. */
export function parseSealKeys(text: string, setting: string): readonly Uint8Array[] {
  const keys = text.split(',').map((key) => key.trim().toLowerCase())
  if (keys.some((key) => !/^[0-9a-f]{64}$/.test(key)) || new Set(keys).size !== keys.length) {
    const expected = 'different keys of 64 hex digits, separated by commas'
    throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected })
  }
  return keys.map((key) => parseHex(key, setting))
}

export function environmentSealKeys(keys: readonly Uint8Array[]): SealKeySource {
  return { kind: 'environment', read: () => Promise.resolve(keys) }
}
