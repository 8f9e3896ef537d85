/**
 * Typed access to decoded maps, whether they came as CBOR or as JSON: `unknown` goes in, typed values come out, and the
 * caller says which fault a malformed input is. Unknown fields are ignored.
 */
import { parseBase64 } from '../../crypto/text.ts'
import { KeyhavenError } from '../../errors.ts'

/** Makes the error of a malformed input. */
export type Fault = () => KeyhavenError

/** The fault of a malformed part of the log; `problem` is a fixed word. */
export function logDamaged(problem: string): Fault {
  return () => new KeyhavenError('ERR_LOG_DAMAGED', { problem })
}

/** The fault of a malformed record of this device. */
export function recordDamaged(): KeyhavenError {
  return new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'sync record' })
}

/** The fault of a server's answer that is not what the protocol says. */
export function answerMalformed(): KeyhavenError {
  return new KeyhavenError('ERR_SERVER_UNAVAILABLE', { fault: 'body', retryable: false })
}

/** Typed access to the fields of one decoded map. */
export interface Fields {
  readonly bytes: (field: string, length?: number) => Uint8Array
  readonly text: (field: string) => string
  readonly integer: (field: string) => number
  readonly boolean: (field: string) => boolean
  readonly list: (field: string) => readonly unknown[]
  readonly map: (field: string) => ReadonlyMap<unknown, unknown>
  /** True when the field is present and not null. */
  readonly has: (field: string) => boolean
}

/** Typed access to an already decoded value, which must be a map. */
export function readFields(value: unknown, fault: Fault): Fields {
  if (!(value instanceof Map)) throw fault()
  const fields: ReadonlyMap<unknown, unknown> = value
  const read = <T>(field: string, accept: (found: unknown) => found is T): T => {
    const found = fields.get(field)
    if (!accept(found)) throw fault()
    return found
  }
  return {
    bytes: (field, length) => requireLength(read(field, isBytes), length, fault),
    text: (field) => read(field, (found): found is string => typeof found === 'string'),
    integer: (field) => read(field, isCount),
    boolean: (field) => read(field, (found): found is boolean => typeof found === 'boolean'),
    list: (field) => read(field, (found): found is readonly unknown[] => Array.isArray(found)),
    map: (field) => read(field, (found): found is ReadonlyMap<unknown, unknown> => found instanceof Map),
    has: (field) => fields.get(field) !== undefined && fields.get(field) !== null,
  }
}

/** Typed access to a part of a server's answer. */
export function fieldsOf(value: unknown): Fields {
  return readFields(value, answerMalformed)
}

/** So many lower-case hex digits of a server's answer. */
export function readId(value: unknown, digits: number): string {
  if (typeof value !== 'string' || value.length !== digits || !/^[0-9a-f]*$/.test(value))
    throw answerMalformed()
  return value
}

/** A time in a server's answer as `toISOString` writes it, so that no other text of the server's gets through as one. */
export function readTime(text: string): string {
  const time = Date.parse(text)
  if (Number.isNaN(time) || new Date(time).toISOString() !== text) throw answerMalformed()
  return text
}

/** Bytes in a server's answer. */
export function readBase64(text: string): Uint8Array {
  try {
    return parseBase64(text, 'answer')
  } catch {
    throw answerMalformed()
  }
}

/** A list whose items are all byte strings, of the given length if one is named. */
export function readBytesList(
  items: readonly unknown[],
  fault: Fault,
  length?: number,
): readonly Uint8Array[] {
  return items.map((item) => {
    if (!isBytes(item)) throw fault()
    return requireLength(item, length, fault)
  })
}

/** A map from text to whole numbers. */
export function readCounts(map: ReadonlyMap<unknown, unknown>, fault: Fault): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const [name, count] of map) {
    if (typeof name !== 'string' || !isCount(count)) throw fault()
    counts.set(name, count)
  }
  return counts
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function requireLength(bytes: Uint8Array, length: number | undefined, fault: Fault): Uint8Array {
  if (length !== undefined && bytes.length !== length) throw fault()
  return bytes
}
