/**
 * Segments and commits as a device would make them, for tests of the log and the pointer. The payload is noise: the
 * server cannot open it anyway.
 */
import { createHash } from 'node:crypto'
import { concat, deriveEd25519PublicKey, parseHex, randomBytes, signEd25519, toHex } from 'keyhaven/crypto'
import { encodeCommitMessage } from '../backups/commit-messages.ts'
import type { CommitRequest } from '../backups/commit-messages.ts'
import { encodeSegmentHeader } from '../backups/segment-header.ts'
import type { SegmentKind } from '../backups/segment-header.ts'
import { parseUuid } from '../http/uuid.ts'

export interface TestSegment {
  readonly id: string
  readonly bytes: Uint8Array
}

/** A segment with a random payload of `size` bytes. */
export function createSegment(input: {
  readonly accountId: string
  readonly deviceId: string
  readonly sequence: number
  readonly generation?: number
  readonly kind?: SegmentKind
  readonly parents?: readonly string[]
  readonly size?: number
}): TestSegment {
  const sealed = randomBytes(input.size ?? 64)
  const header = encodeSegmentHeader({
    kind: input.kind ?? 'conversation',
    account: parseUuid(input.accountId),
    generation: input.generation ?? 1,
    device: parseHex(input.deviceId, 'device', 16),
    sequence: input.sequence,
    parents: [...(input.parents ?? [])].sort().map((parent) => parseHex(parent, 'parent', 32)),
    nonce: randomBytes(12),
    sealedLength: sealed.length,
  })
  const bytes = concat(header, sealed)
  return { id: createHash('sha256').update(bytes).digest('hex'), bytes }
}

/** An authority key: 32-byte seed and hex public key. */
export function createAuthority(): { readonly seed: Uint8Array; readonly publicKey: string } {
  const seed = randomBytes(32)
  return { seed, publicKey: toHex(deriveEd25519PublicKey(seed)) }
}

/** The body of a commit, signed. */
export function signCommit(
  request: Omit<CommitRequest, 'authority' | 'signature'>,
  context: {
    readonly accountId: string
    readonly generation: number
    readonly authority: { readonly seed: Uint8Array; readonly publicKey: string }
  },
): CommitRequest {
  const unsigned = { ...request, authority: context.authority.publicKey, signature: '' }
  const message = encodeCommitMessage(unsigned, context)
  return { ...unsigned, signature: toHex(signEd25519({ seed: context.authority.seed, message })) }
}

/** 16 random bytes as hex: a registration, a realm, a way. */
export function randomId(): string {
  return toHex(randomBytes(16))
}
