/**
 * The access log's chain as a client checks it (docs/formats.md, "Access log, format 1"). Pure; knows no server.
 *
 * What it proves: a row that follows from a head is what it was when the head was signed, and nothing before it was left
 * out. It proves nothing of rows that no client has seen a head of or after.
 */
import { be8, concat, equal, lp, sha256, verifyEd25519 } from '../../crypto/index.ts'
import { createByteReader } from './byte-reader.ts'

/** A place in the chain: the row's sequence, from 1, and its hash (32 bytes). */
export interface ChainHead {
  readonly sequence: number
  readonly hash: Uint8Array
}

/** What can be erased from a row without breaking the chain. */
export type ErasableField = 'deviceLabel' | 'address' | 'userAgent'

/** A value with what proves it; an erased one has only its commitment, one that never was has nothing. */
export interface CommittedValue {
  readonly value: string | undefined
  /** 16 bytes. */
  readonly salt: Uint8Array | undefined
  /** 32 bytes. */
  readonly commitment: Uint8Array | undefined
}

/** A row as the server serves it, with the hash of the row before it. */
export interface ChainedRow extends ChainHead {
  readonly previous: Uint8Array | undefined
  /** 16 bytes. */
  readonly deviceId: Uint8Array | undefined
  readonly type: string
  readonly success: boolean
  readonly code: string | undefined
  readonly message: string
  /** Milliseconds since 1970, by the server's clock. */
  readonly time: number
  readonly values: Readonly<Record<ErasableField, CommittedValue>>
}

/** True when the row is the one at `place`, and its values are those that the chain commits to. */
export function isRowAt(row: ChainedRow, place: ChainHead, account: Uint8Array): boolean {
  const first = row.sequence === 1
  return (
    row.sequence === place.sequence &&
    first === (row.previous === undefined) &&
    equal(row.hash, place.hash) &&
    equal(deriveRowHash(row, account), place.hash) &&
    ERASABLE.every(([field, name]) => isCommitted(row.values[field], name))
  )
}

/** True when `signature` (64 bytes) is the chain key's (32 bytes) of this head of this account (16 bytes). */
export function isSignedHead(
  head: ChainHead,
  signed: { readonly account: Uint8Array; readonly chainKey: Uint8Array; readonly signature: Uint8Array },
): boolean {
  const { account, chainKey, signature } = signed
  const message = concat(lp('keyhaven/access-log-head/v1'), lp(account), be8(head.sequence), lp(head.hash))
  return verifyEd25519({ publicKey: chainKey, message, signature })
}

/** The hash of a row, 32 bytes. */
export function deriveRowHash(row: Omit<ChainedRow, 'hash'>, account: Uint8Array): Uint8Array {
  return sha256(
    concat(
      lp('keyhaven/access-log/v1'),
      lp(account),
      be8(row.sequence),
      lp(row.previous ?? ''),
      lp(row.deviceId ?? ''),
      lp(row.type),
      Uint8Array.of(row.success ? 1 : 0),
      lp(row.code ?? ''),
      lp(row.message),
      be8(row.time),
      ...ERASABLE.map(([field]) => lp(row.values[field].commitment ?? '')),
    ),
  )
}

/** A head as segments carry it, 40 bytes: `be8(sequence) ‖ hash`; nothing for none. */
export function writeHead(head: ChainHead | undefined): Uint8Array {
  return head === undefined ? new Uint8Array() : concat(be8(head.sequence), head.hash)
}

/** The head that a segment carries; `undefined` where it carries none. */
export function readHead(bytes: Uint8Array): ChainHead | undefined {
  if (bytes.length !== HEAD_BYTES) return undefined
  const reader = createByteReader(bytes, 'access-log head')
  return { sequence: reader.integer(8), hash: reader.bytes(32) }
}

const HEAD_BYTES = 40

/** The fields in the order of the chain, with the names that commitments use. */
const ERASABLE = [
  ['deviceLabel', 'device_label'],
  ['address', 'address'],
  ['userAgent', 'user_agent'],
] as const

function isCommitted({ value, salt, commitment }: CommittedValue, name: string): boolean {
  if (value === undefined) return salt === undefined
  if (salt === undefined || commitment === undefined) return false
  const bytes = concat(lp('keyhaven/access-log-value/v1'), lp(name), lp(salt), lp(value))
  return equal(sha256(bytes), commitment)
}
