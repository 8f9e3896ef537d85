/**
 * Reads a row of QryptChat's table `encrypted_key_backups` as JSON.
 *
 * Its columns of bytes come in four spellings: `\x` and hex, as PostgreSQL and PostgREST write them; standard base64;
 * `{"0":1,"1":2,…}`, as which supabase-js sent a Uint8Array; and, since the column took that JSON for its bytes, either of
 * the first two around that JSON's text. Which one it is stands in the first characters.
 */
import { parseUtf8 } from '../crypto/bytes.ts'
import { parseHex } from '../crypto/text.ts'
import {
  decodeBase64,
  malformed,
  parseFields,
  parseIndexed,
  parseIterations,
  requireObject,
} from './qryptchat-fields.ts'
import type { Fields } from './qryptchat-fields.ts'

/** One block of plaintext and the tag: with less there is nothing to find a nonce by. */
const LEAST_SEALED = 32
const MOST_SEALED = 16 * 1024 * 1024
/** A byte takes up to ten characters as `"123456":255,`, and twice as many in hex. */
const MOST_SPELLED = MOST_SEALED * 16
/** The largest file that a row or an export is read from, in characters. */
export const MOST_TEXT: number = 64 * 1024 * 1024

/** A row whose columns have been read; a column that is empty is `undefined`. */
export interface QryptChatRow {
  readonly encryptedIdentityKeys: Uint8Array | undefined
  readonly encryptedConversationKeys: Uint8Array | undefined
  readonly iterations: number
  /** As it was when the row was written, and part of the key. */
  readonly phoneNumber: string | undefined
}

/** Reads a row, or a list of one row; `ERR_LEGACY_MALFORMED` names the column that is not in the format. */
export function parseQryptChatRow(text: string): QryptChatRow {
  if (text.length > MOST_TEXT) throw malformed('row')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed('row')
  }
  if (Array.isArray(value) && value.length !== 1) throw malformed('row')
  return readRow(requireObject(Array.isArray(value) ? value[0] : value, 'row'))
}

function readRow(fields: Fields): QryptChatRow {
  const row = {
    encryptedIdentityKeys: readColumn(fields, 'encrypted_identity_keys'),
    encryptedConversationKeys: readColumn(fields, 'encrypted_master_key'),
    iterations: parseIterations(fields['iterations'], 'iterations'),
    phoneNumber: readPhone(fields['phone_number']),
  }
  if (row.encryptedIdentityKeys ?? row.encryptedConversationKeys) return row
  throw malformed('encrypted_identity_keys')
}

function readPhone(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string' || value.length > 64) throw malformed('phone_number')
  return value
}

function readColumn(fields: Fields, column: string): Uint8Array | undefined {
  const value = fields[column]
  if (value === undefined || value === null) return undefined
  const bytes = readBytes(value, column)
  if (bytes.length < LEAST_SEALED || bytes.length > MOST_SEALED) throw malformed(column)
  return bytes
}

function readBytes(value: unknown, column: string): Uint8Array {
  if (typeof value !== 'string') return parseIndexed(requireObject(value, column), column)
  if (value.startsWith('{')) return readIndexedText(value, column)
  const bytes = value.startsWith('\\x') ? readHex(value.slice(2), column) : readBase64(value, column)
  return startsIndexed(bytes) ? readIndexedText(readText(bytes, column), column) : bytes
}

function readIndexedText(text: string, column: string): Uint8Array {
  return parseIndexed(parseFields(text, column, MOST_SPELLED), column)
}

/** Five fixed bytes: sealed ones begin so in one of 2^40 rows. */
function startsIndexed(bytes: Uint8Array): boolean {
  return Array.from('{"0":').every((character, at) => bytes[at] === character.charCodeAt(0))
}

function readText(bytes: Uint8Array, column: string): string {
  try {
    return parseUtf8(bytes)
  } catch {
    throw malformed(column)
  }
}

function readHex(text: string, column: string): Uint8Array {
  try {
    return parseHex(text.toLowerCase(), column)
  } catch {
    throw malformed(column)
  }
}

/** PostgreSQL's `encode(…, 'base64')` breaks lines. */
function readBase64(text: string, column: string): Uint8Array {
  return decodeBase64(text.replace(/\r?\n/g, ''), column)
}
