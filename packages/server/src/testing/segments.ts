/**
 * Segments and commits as a device would make them, for tests of the log and the pointer. The payload is noise: the
 * server cannot open it anyway.
 */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import {
  concat,
  deriveEd25519PublicKey,
  parseHex,
  randomBytes,
  signEd25519,
  toBase64,
  toHex,
} from 'keyhaven/crypto'
import { encodeCommitMessage } from '../backups/commit.ts'
import type { CommitRequest } from '../backups/commit.ts'
import { encodeSegmentHeader } from '../backups/segment-header.ts'
import type { SegmentKind } from '../backups/segment-header.ts'
import { parseUuid } from '../http/uuid.ts'
import type { TestAnswer, TestDevice } from './app.ts'

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

/** Puts a segment, visible or for the change of `registration`. */
export function putSegment(
  device: TestDevice,
  segment: TestSegment,
  registration?: string,
): Promise<TestAnswer> {
  const query = registration === undefined ? '' : `?registration=${registration}`
  return device.put(`/v1/log/segments/${segment.id}${query}`, segment.bytes)
}

/** Puts a slot; returns what was put. */
export async function putSlot(
  device: TestDevice,
  wayId: string,
  registration?: string,
): Promise<{ readonly answer: TestAnswer; readonly slot: string }> {
  const slot = toBase64(randomBytes(1168))
  const query = registration === undefined ? '' : `?registration=${registration}`
  const path = `/v1/log/slots/${wayId}${query}`
  return { answer: await device.send(path, { method: 'PUT', json: { slot } }), slot }
}

/** An account with its first backup committed. */
export interface TestBackup {
  readonly registration: string
  readonly realms: readonly string[]
  readonly authority: ReturnType<typeof createAuthority>
  readonly ways: TestSegment
  readonly etag: string
}

/** Commits a first backup: one `ways` segment of sequence 1, generation 1. */
export async function createBackup(device: TestDevice): Promise<TestBackup> {
  const { accountId } = device
  const registration = randomId()
  const realms = [randomId(), randomId()]
  const announcement = { expectedEtag: null, registration, generation: 1, realms }
  expect((await device.post('/v1/pointer/pending', announcement)).status).toBe(200)
  const ways = createSegment({ ...device, sequence: 1, kind: 'ways' })
  expect((await putSegment(device, ways, registration)).status).toBe(201)
  const authority = createAuthority()
  const commit = signCommit(
    { registration, expectedEtag: null, expectedHeads: [], anchor: ways.id },
    { accountId, generation: 1, authority },
  )
  const { status, body } = await device.post('/v1/pointer/commit', commit)
  expect(status).toBe(200)
  return { registration, realms, authority, ways, etag: String(body['etag']) }
}

/** The frames of `GET /v1/log/segments`. */
export function parseFrames(bytes: Uint8Array): readonly { readonly cursor: number; readonly id: string }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frames = []
  for (let offset = 0; offset < bytes.length;) {
    const length = view.getUint32(offset + 8)
    const segment = bytes.subarray(offset + 12, offset + 12 + length)
    frames.push({
      cursor: Number(view.getBigUint64(offset)),
      id: createHash('sha256').update(segment).digest('hex'),
    })
    offset += 12 + length
  }
  return frames
}

/** The types in an account's access log, newest first. */
export async function readLogTypes(device: TestDevice): Promise<readonly string[]> {
  const { body } = await device.get('/v1/access-log?limit=200')
  return (body['rows'] as { readonly type: string; readonly success: boolean }[]).map(({ type, success }) =>
    success ? type : `${type} refused`,
  )
}
