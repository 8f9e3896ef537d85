/**
 * Which names, types and sizes a vault takes.
 */
import { utf8 } from '../crypto/bytes.ts'
import { KeyhavenError } from '../errors.ts'
import type { VaultRecord } from './types.ts'

const MOST_VAULT_NAME_BYTES = 64
const MOST_RECORD_NAME_BYTES = 256
const MOST_TYPE_BYTES = 64
const MOST_RECORD_BYTES = 16 * 1024 * 1024

/** Refuses a vault's name that is empty, too long, or has control characters or lone surrogates. */
export function requireVaultName(name: string): string {
  return requireText('name', name, MOST_VAULT_NAME_BYTES)
}

/** Refuses a record's name that is empty, too long, or has control characters or lone surrogates. */
export function requireRecordName(name: string): string {
  return requireText('record', name, MOST_RECORD_NAME_BYTES)
}

/** The record with bytes of its own, so that the caller may change his while it is sealed. */
export function copyRecord(value: VaultRecord): VaultRecord {
  const type = requireText('type', value.type, MOST_TYPE_BYTES)
  if (!(value.bytes instanceof Uint8Array) || value.bytes.length > MOST_RECORD_BYTES) {
    throw new KeyhavenError('ERR_INPUT_INVALID', {
      field: 'bytes',
      expected: 'a Uint8Array of at most 16 MiB',
    })
  }
  return { type, bytes: value.bytes.slice() }
}

function requireText(field: string, text: string, most: number): string {
  const valid = typeof text === 'string' && text !== '' && !/[\p{Cc}\p{Cs}]/u.test(text)
  if (!valid || utf8(text).length > most) {
    throw new KeyhavenError('ERR_INPUT_INVALID', { field, expected: `1 to ${String(most)} bytes of UTF-8` })
  }
  return text
}
