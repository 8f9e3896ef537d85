/**
 * The access log as a hash chain (docs/formats.md, "Access log, format 1"): what a row's hash is taken over, and the
 * signature of the newest row by a key that lies outside the database.
 *
 * Who only writes to the database cannot add, change or reorder a row: the server checks the head's signature before
 * it adds to it. What he can do is put an older head back; clients that saw a newer one notice.
 */
import { createHash, randomBytes, sign, verify } from 'node:crypto'
import { be8, concat, lp } from 'keyhaven/crypto'
import type { SigningKey } from '../auth/keys.ts'
import { parseUuid } from '../http/uuid.ts'

/** The newest row of an account's log: its hash is 32 bytes, the signature 64; sequence 0 has neither. */
export interface ChainHead {
  readonly sequence: number
  readonly hash: Uint8Array | null
  readonly signature: Uint8Array | null
}

/** What a row's hash is taken over, beside its account, its sequence and the hash before it. */
export interface ChainedFields {
  /** 16 bytes. */
  readonly deviceId: Uint8Array | null
  readonly type: string
  readonly success: boolean
  readonly code: string | null
  readonly message: string
  readonly time: Date
  /** 32 bytes each; none where there was no value. */
  readonly commitments: Readonly<Record<ErasableField, Uint8Array | null>>
}

/** Fields that can be erased: only a commitment to them is in the chain. */
export type ErasableField = 'device_label' | 'address' | 'user_agent'

/** A value with its salt (16 bytes), and the commitment to both (32 bytes). */
export interface Committed {
  readonly value: string
  readonly salt: Uint8Array
  readonly commitment: Uint8Array
}

/** Commits to a value under a new salt; nothing for no value. */
export function commitTo(field: ErasableField, value: string | null): Committed | undefined {
  if (value === null) return undefined
  const salt = new Uint8Array(randomBytes(16))
  return { value, salt, commitment: deriveCommitment({ field, value, salt }) }
}

/** SHA-256 over field name, salt and value. */
export function deriveCommitment(input: {
  readonly field: ErasableField
  readonly value: string
  readonly salt: Uint8Array
}): Uint8Array {
  return hash(concat(lp('keyhaven/access-log-value/v1'), lp(input.field), lp(input.salt), lp(input.value)))
}

/** The hash of the row that follows `before`. */
export function deriveRowHash(row: {
  readonly accountId: string
  readonly before: Pick<ChainHead, 'sequence' | 'hash'>
  readonly fields: ChainedFields
}): Uint8Array {
  const { before, fields } = row
  const { device_label, address, user_agent } = fields.commitments
  return hash(
    concat(
      lp('keyhaven/access-log/v1'),
      lp(parseUuid(row.accountId)),
      be8(before.sequence + 1),
      lp(before.hash ?? NOTHING),
      lp(fields.deviceId ?? NOTHING),
      lp(fields.type),
      Uint8Array.of(fields.success ? 1 : 0),
      lp(fields.code ?? NOTHING),
      lp(fields.message),
      be8(fields.time.getTime()),
      ...[device_label, address, user_agent].map((commitment) => lp(commitment ?? NOTHING)),
    ),
  )
}

/** Signs a head, 64 bytes. */
export function signHead(
  head: { readonly accountId: string; readonly sequence: number; readonly hash: Uint8Array },
  key: SigningKey,
): Uint8Array {
  return new Uint8Array(sign(null, encodeHead(head), key.privateKey))
}

/** True for the empty log, and for a head that this server signed. */
export function isSignedHead(accountId: string, head: ChainHead, key: SigningKey): boolean {
  const { sequence, hash, signature } = head
  if (hash === null || signature === null) return sequence === 0
  return verify(null, encodeHead({ accountId, sequence, hash }), key.publicKey, signature)
}

function encodeHead(head: {
  readonly accountId: string
  readonly sequence: number
  readonly hash: Uint8Array
}): Uint8Array {
  return concat(
    lp('keyhaven/access-log-head/v1'),
    lp(parseUuid(head.accountId)),
    be8(head.sequence),
    lp(head.hash),
  )
}

const NOTHING = new Uint8Array()

function hash(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
