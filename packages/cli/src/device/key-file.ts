/**
 * The file with keys in clear: `{"identityKeys":{name:base64,…},"conversationKeys":{id:base64,…}}`.
 *
 * Reading is strict, so that no key is lost on the way: unknown fields, a name given twice, base64 that is not exactly
 * standard, an empty key, each refuses the whole file before anything is imported.
 */
import { parseBase64, toBase64 } from 'keyhaven/crypto'
import type { KeySet } from 'keyhaven/sync'
import { CommandError } from '../command-line/command-error.ts'

const FIELDS = ['identityKeys', 'conversationKeys'] as const
/** What the backup takes as one key, 65,536 bytes, in base64. */
const MOST_KEY_CHARACTERS = 87_384
/** The largest file with keys that is taken, in bytes. */
export const MOST_BYTES: number = 64 * 1024 * 1024

/** The keys in the bytes of such a file; `ERR_KEY_FILE_INVALID` says what is wrong and where. */
export function parseKeyFile(bytes: Uint8Array): KeySet {
  if (bytes.length > MOST_BYTES) throw invalid('it is larger than 64 MiB')
  const text = decode(bytes)
  const value = parseJson(text)
  if (!isObject(value)) throw invalid('it is not a JSON object')
  const unknown = Object.keys(value).find((name) => !FIELDS.some((field) => field === name))
  if (unknown !== undefined) throw invalid(`it has an unknown field ${quote(unknown)}`)
  const keys = {
    identityKeys: parseKeys(value, 'identityKeys'),
    conversationKeys: parseKeys(value, 'conversationKeys'),
  }
  const names = FIELDS.filter((field) => field in value).length
  const entries = Object.keys(keys.identityKeys).length + Object.keys(keys.conversationKeys).length
  if (countNames(text) !== names + entries) throw invalid('a name is given twice')
  return keys
}

/** The same shape again, as a value for JSON. */
export function serializeKeys(
  keys: KeySet,
): Readonly<Record<(typeof FIELDS)[number], Readonly<Record<string, string>>>> {
  return { identityKeys: encodeKeys(keys.identityKeys), conversationKeys: encodeKeys(keys.conversationKeys) }
}

/** How many keys of each kind there are. */
export function countKeys(keys: KeySet): {
  readonly identityKeys: number
  readonly conversationKeys: number
} {
  return {
    identityKeys: Object.keys(keys.identityKeys).length,
    conversationKeys: Object.keys(keys.conversationKeys).length,
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalid('it is not UTF-8 text')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('it is not JSON')
  }
}

function parseKeys(
  file: Readonly<Record<string, unknown>>,
  field: (typeof FIELDS)[number],
): KeySet['identityKeys'] {
  const value = file[field]
  if (value === undefined) return {}
  if (!isObject(value)) throw invalid(`"${field}" is not an object of names and base64 texts`)
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [name, parseKey(text, `${field}: ${quote(name)}`)]),
  )
}

function parseKey(text: unknown, where: string): Uint8Array {
  if (typeof text !== 'string') throw invalid(`${where} is not a text`)
  if (text === '') throw invalid(`${where} is empty`)
  if (text.length > MOST_KEY_CHARACTERS) throw invalid(`${where} is longer than 65,536 bytes`)
  try {
    return parseBase64(text, 'key')
  } catch {
    throw invalid(`${where} is not standard base64 with padding`)
  }
}

function encodeKeys(keys: Readonly<Record<string, Uint8Array>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, toBase64(key)]))
}

/** Counts the names in valid JSON text; `JSON.parse` itself keeps silent about a name that comes twice. */
function countNames(text: string): number {
  const strings = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g
  return [...text.matchAll(strings)].filter(([, colon]) => colon !== undefined).length
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function quote(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name)
}

function invalid(problem: string): CommandError {
  return new CommandError(
    'ERR_KEY_FILE_INVALID',
    `The file with keys cannot be used: ${problem}. Nothing was imported.`,
  )
}
