import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseHex, toHex } from '../../crypto/index.ts'
import { deriveRowHash, isRowAt, isSignedHead, readHead, writeHead } from './access-chain.ts'
import type { ChainedRow, CommittedValue } from './access-chain.ts'
import { parseAccountId } from '../steps/context.ts'

interface Vectors {
  readonly accountId: string
  readonly publicKey: string
  readonly values: readonly { field: string; salt: string; value: string; commitment: string }[]
  readonly rows: readonly {
    readonly sequence: number
    readonly deviceId: string | null
    readonly type: string
    readonly success: boolean
    readonly code: string | null
    readonly message: string
    readonly createdAt: string
    readonly commitments: Readonly<Record<'deviceLabel' | 'address' | 'userAgent', string | null>>
    readonly hash: string
    readonly signature: string
  }[]
}

const file = new URL('../../../../../vectors/access-log-format-1.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const account = parseAccountId(vectors.accountId)
const rows = vectors.rows.map(readVector)

describe('the access log’s chain, format 1, frozen', () => {
  test('verifies row by row from the newest, and its heads are signed', () => {
    for (const [index, row] of rows.entries()) {
      expect(toHex(deriveRowHash(row, account))).toBe(vectors.rows[index]?.hash)
      const place = { sequence: index + 1, hash: row.hash }
      expect(isRowAt(row, place, account)).toBe(true)
      const signature = parseHex(vectors.rows[index]?.signature ?? '', 'signature', 64)
      const chainKey = parseHex(vectors.publicKey, 'publicKey', 32)
      expect(isSignedHead(place, { account, chainKey, signature })).toBe(true)
      expect(isSignedHead(place, { account: account.map((byte) => byte ^ 1), chainKey, signature })).toBe(
        false,
      )
    }
  })

  test('verifies when values were erased with their salts', () => {
    for (const row of rows) {
      const gone = ({ commitment }: CommittedValue): CommittedValue => ({
        value: undefined,
        salt: undefined,
        commitment,
      })
      const { deviceLabel, address, userAgent } = row.values
      const values = { deviceLabel: gone(deviceLabel), address: gone(address), userAgent: gone(userAgent) }
      expect(isRowAt({ ...row, values }, row, account)).toBe(true)
    }
  })

  const [, second] = rows as [ChainedRow, ChainedRow]
  const other = new Uint8Array(32).fill(1)
  const { address, userAgent, deviceLabel } = second.values
  test.each<readonly [string, Partial<ChainedRow>]>([
    ['another sequence', { sequence: 3 }],
    ['another row before', { previous: other }],
    ['no row before', { previous: undefined }],
    ['another device', { deviceId: new Uint8Array(16) }],
    ['no device', { deviceId: undefined }],
    ['another type', { type: 'signed_out' }],
    ['another outcome', { success: false }],
    ['a code', { code: 'ERR_NOT_FOUND' }],
    ['another message', { message: 'A device signed out.' }],
    ['another time', { time: second.time + 1 }],
    ['another hash', { hash: other }],
    ['another address', { values: { ...second.values, address: { ...address, value: '192.0.2.1' } } }],
    ['another salt', { values: { ...second.values, address: { ...address, salt: new Uint8Array(16) } } }],
    ['an address without a salt', { values: { ...second.values, address: { ...address, salt: undefined } } }],
    ['swapped values', { values: { deviceLabel: userAgent, address, userAgent: deviceLabel } }],
    [
      'no commitment',
      { values: { ...second.values, address: { value: undefined, salt: undefined, commitment: undefined } } },
    ],
    [
      'an empty commitment',
      { values: { ...second.values, address: { ...address, commitment: new Uint8Array() } } },
    ],
  ])('refuses a row with %s', (_, change) => {
    expect(isRowAt(second, second, account)).toBe(true)
    expect(isRowAt({ ...second, ...change }, second, account)).toBe(false)
  })

  test('its head is carried in 40 bytes, and other lengths carry none', () => {
    const head = { sequence: 300, hash: other }
    expect(readHead(writeHead(head))).toEqual(head)
    expect(writeHead(head)).toHaveLength(40)
    expect(readHead(writeHead(undefined))).toBeUndefined()
    for (const length of [1, 32, 39, 41]) expect(readHead(new Uint8Array(length))).toBeUndefined()
  })
})

function readVector(row: Vectors['rows'][number], index: number): ChainedRow {
  const hex = (text: string | null): Uint8Array | undefined =>
    text === null ? undefined : parseHex(text, 'vector')
  const value = (commitment: string | null): CommittedValue => {
    const known = vectors.values.find((candidate) => candidate.commitment === commitment)
    return { value: known?.value, salt: hex(known?.salt ?? null), commitment: hex(commitment) }
  }
  const { deviceLabel, address, userAgent } = row.commitments
  return {
    sequence: row.sequence,
    hash: parseHex(row.hash, 'hash', 32),
    previous: hex(vectors.rows[index - 1]?.hash ?? null),
    deviceId: hex(row.deviceId),
    type: row.type,
    success: row.success,
    code: row.code ?? undefined,
    message: row.message,
    time: Date.parse(row.createdAt),
    values: { deviceLabel: value(deviceLabel), address: value(address), userAgent: value(userAgent) },
  }
}
