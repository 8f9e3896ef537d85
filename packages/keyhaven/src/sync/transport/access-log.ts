/**
 * The answers of "Access log" (docs/protocol.md), as typed values. What they say is verified elsewhere.
 */
import { parseHex } from '../../crypto/text.ts'
import type { ChainedRow, CommittedValue, ErasableField } from '../format/access-chain.ts'
import { answerMalformed, readFields } from '../format/fields.ts'
import type { Fields } from '../format/fields.ts'
import type { AccessLogPage, SignedHead } from './transport.ts'

/** A page of rows. */
export function readAccessLogPage(fields: Fields): AccessLogPage {
  return {
    head: readSignedHead(readFields(fields.map('head'), answerMalformed)),
    rows: fields.list('rows').map((row) => readRow(readFields(row, answerMalformed))),
  }
}

/** The signed head of the log. */
export function readSignedHead(fields: Fields): SignedHead {
  return {
    sequence: fields.integer('sequence'),
    hash: readHex(fields, 'hash', 32),
    signature: readHex(fields, 'signature', 64),
    key: readHex(fields, 'key', 32) ?? new Uint8Array(),
  }
}

function readRow(fields: Fields): ChainedRow {
  const success = fields.boolean('success')
  const time = Date.parse(fields.text('createdAt'))
  const hash = readHex(fields, 'hash', 32)
  if (!Number.isSafeInteger(time) || time < 0 || hash === undefined) throw answerMalformed()
  return {
    sequence: fields.integer('sequence'),
    hash,
    previous: readHex(fields, 'previous', 32),
    deviceId: readHex(fields, 'deviceId', 16),
    type: fields.text('type'),
    success,
    code: readText(fields, 'code'),
    message: fields.text('message'),
    time,
    values: readValues(fields),
  }
}

function readValues(fields: Fields): ChainedRow['values'] {
  const salts = readFields(fields.map('salts'), answerMalformed)
  const commitments = readFields(fields.map('commitments'), answerMalformed)
  const read = (field: ErasableField): CommittedValue => ({
    value: readText(fields, field),
    salt: readHex(salts, field, 16),
    commitment: readHex(commitments, field, 32),
  })
  return { deviceLabel: read('deviceLabel'), address: read('address'), userAgent: read('userAgent') }
}

function readText(fields: Fields, field: string): string | undefined {
  return fields.has(field) ? fields.text(field) : undefined
}

function readHex(fields: Fields, field: string, bytes: number): Uint8Array | undefined {
  if (!fields.has(field)) return undefined
  try {
    return parseHex(fields.text(field), field, bytes)
  } catch {
    throw answerMalformed()
  }
}
