/**
 * A tenant's records on their way to another operator (docs/formats.md, "Tenant file, format 1"): lines of JSON in an age file for
 * the receiver's key. What is parsed here comes from another operator, and is taken for nothing that it does not prove.
 */
import { z } from 'zod'
import { KeyhavenError } from 'keyhaven'
import { parseBase64, parseHex, toBase64, toHex } from 'keyhaven/crypto'
import type { Registration, RealmRecord } from 'keyhaven/recovery/realm'
import { encodeCharged, parseCharged } from '../records.ts'
import { encodeRegistration, parseRegistration } from '../seal.ts'

const FORMAT = 1
const REGISTRATION_LENGTH = 385

/** What a file says about itself in its first line. */
export interface TransferHeader {
  /** 16 bytes. */
  readonly realmId: Uint8Array
  readonly tenant: string
  /** 16 bytes. */
  readonly transfer: Uint8Array
  readonly records: number
}

/** A record with what its seal held. */
export interface TransferredRecord {
  readonly recordId: Uint8Array
  readonly record: Exclude<RealmRecord, { readonly state: 'not-registered' }>
  readonly registration: Registration | undefined
}

const hex = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${String(2 * bytes)}}$`))
const time = z.int().min(0).nullable()
const guard = { authority: hex(32).nullable(), coolingUntil: time, version: hex(16).nullable() }

const headerSchema = z.strictObject({
  keyhavenTenant: z.literal(FORMAT),
  realm: hex(16),
  tenant: z.string().regex(/^(test-)?[a-zA-Z0-9]{1,100}$/),
  transfer: hex(16),
  records: z.int().min(1),
})
const recordSchema = z.discriminatedUnion('state', [
  z.strictObject({
    id: hex(32),
    state: z.literal('registered'),
    ...guard,
    version: hex(16),
    numGuesses: z.int().min(1).max(65_535),
    guessCount: z.int().min(0).max(65_535),
    tagHash: hex(32),
    charged: z.base64(),
    lastAttemptUntil: time,
    spentDay: z.int().min(0).max(1_000_000),
    spent: z.int().min(0).max(1_000_000_000),
    registration: z.base64(),
  }),
  z.strictObject({ id: hex(32), state: z.literal('no-guesses'), ...guard }),
])
const endSchema = z.strictObject({ end: z.int() })

type RecordLine = z.infer<typeof recordSchema>

export function formatHeader({ realmId, tenant, transfer, records }: TransferHeader): string {
  const line: z.infer<typeof headerSchema> = {
    keyhavenTenant: FORMAT,
    realm: toHex(realmId),
    tenant,
    transfer: toHex(transfer),
    records,
  }
  return `${JSON.stringify(line)}\n`
}

export function formatRecord({ recordId, record, registration }: TransferredRecord): string {
  const about = record.state === 'registered' ? record : record.guarded
  const line = {
    id: toHex(recordId),
    version: about === undefined ? null : toHex(about.version),
    authority: about?.guard === undefined ? null : toHex(about.guard.authority),
    coolingUntil: about?.guard?.coolingUntil ?? null,
  }
  if (record.state === 'no-guesses') return format({ ...line, state: 'no-guesses' })
  if (registration === undefined) throw malformed()
  return format({
    ...line,
    state: 'registered',
    version: toHex(record.version),
    numGuesses: record.numGuesses,
    guessCount: record.guessCount,
    tagHash: toHex(record.unlockKeyTagHash),
    charged: toBase64(encodeCharged(record.charged)),
    lastAttemptUntil: record.lastAttemptUntil ?? null,
    spentDay: record.spent.day,
    spent: record.spent.evaluations,
    registration: toBase64(encodeRegistration(registration)),
  })
}

function format(line: RecordLine): string {
  return `${JSON.stringify(line)}\n`
}

export function formatEnd(records: number): string {
  return `${JSON.stringify({ end: records })}\n`
}

/** `ERR_ENVELOPE_MALFORMED` for any other line, also of a later format. */
export function parseHeader(line: string): TransferHeader {
  const { realm, tenant, transfer, records } = parse(headerSchema, line)
  return {
    realmId: parseHex(realm, 'realm', 16),
    tenant,
    transfer: parseHex(transfer, 'transfer', 16),
    records,
  }
}

/** A record, or how many there were; `ERR_ENVELOPE_MALFORMED` for any other line. */
export function parseLine(line: string): TransferredRecord | { readonly end: number } {
  return line.startsWith('{"end"') ? parse(endSchema, line) : readRecord(parse(recordSchema, line))
}

function readRecord(line: RecordLine): TransferredRecord {
  const recordId = parseHex(line.id, 'id', 32)
  const bound =
    line.authority === null
      ? undefined
      : { authority: parseHex(line.authority, 'authority', 32), coolingUntil: line.coolingUntil ?? undefined }
  if (line.state === 'no-guesses') {
    if ((bound === undefined) !== (line.version === null)) throw malformed()
    const version = parseHex(line.version ?? '', 'version')
    const guarded = bound && { version, guard: bound }
    return { recordId, record: { state: 'no-guesses', guarded }, registration: undefined }
  }
  const charged = readBase64(line.charged)
  const registration = readBase64(line.registration)
  const isWhole = charged.length % 41 === 0 && registration.length === REGISTRATION_LENGTH
  if (!isWhole || line.guessCount > line.numGuesses) throw malformed()
  return {
    recordId,
    record: {
      state: 'registered',
      version: parseHex(line.version, 'version', 16),
      numGuesses: line.numGuesses,
      guessCount: line.guessCount,
      unlockKeyTagHash: parseHex(line.tagHash, 'tagHash', 32),
      charged: parseCharged(charged),
      lastAttemptUntil: line.lastAttemptUntil ?? undefined,
      spent: { day: line.spentDay, evaluations: line.spent },
      guard: bound,
    },
    registration: parseRegistration(registration),
  }
}

/** Stricter than zod: bytes have one spelling. */
function readBase64(text: string): Uint8Array {
  try {
    return parseBase64(text, 'base64')
  } catch {
    throw malformed()
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, line: string): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(line))
  } catch {
    throw malformed()
  }
}

export function malformed(): KeyhavenError {
  return new KeyhavenError('ERR_ENVELOPE_MALFORMED', { problem: 'parameters' })
}
