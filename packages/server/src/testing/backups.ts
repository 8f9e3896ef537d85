/**
 * A device's way through the log and the pointer, for tests: put, announce, commit, read.
 */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { parseHex, randomBytes, signEd25519, toBase64, toHex } from 'keyhaven/crypto'
import {
  encodeAnnouncementMessage,
  encodeAppendMessage,
  encodeSlotMessage,
} from '../backups/authority-proof.ts'
import type { TestAnswer, TestDevice } from './app.ts'
import { createAuthority, createSegment, randomId, signCommit } from './segments.ts'
import type { TestSegment } from './segments.ts'

/** The authority keys of the backups that were made here, by account: a device that has joined knows its own. */
const authorities = new Map<string, ReturnType<typeof createAuthority>>()

/** From now on this key is the account's. */
export function useAuthority(device: TestDevice, authority: ReturnType<typeof createAuthority>): void {
  authorities.set(device.accountId, authority)
}

/** The header by which the account's authority key signs `message`; none before there is a backup. */
export function prove(device: TestDevice, message: Uint8Array): Readonly<Record<string, string>> {
  const seed = authorities.get(device.accountId)?.seed
  return seed === undefined ? {} : { 'Keyhaven-Proof': toHex(signEd25519({ seed, message })) }
}

/** Puts a segment, visible or for the change of `registration`. */
export function putSegment(
  device: TestDevice,
  segment: TestSegment,
  registration?: string,
): Promise<TestAnswer> {
  const query = registration === undefined ? '' : `?registration=${registration}`
  const message = encodeAppendMessage(device.accountId, parseHex(segment.id, 'id', 32))
  const headers = { 'Content-Type': 'application/octet-stream', ...prove(device, message) }
  const path = `/v1/log/segments/${segment.id}${query}`
  return device.send(path, { method: 'PUT', body: segment.bytes, headers })
}

/** Puts a slot, of generation 1 or, for a change, of generation 2 unless told; returns what was put. */
export async function putSlot(
  device: TestDevice,
  wayId: string,
  registration?: string,
  generation?: number,
): Promise<{ readonly answer: TestAnswer; readonly slot: string }> {
  const bytes = randomBytes(1168)
  const slot = toBase64(bytes)
  const query = registration === undefined ? '' : `?registration=${registration}`
  const path = `/v1/log/slots/${wayId}${query}`
  const signed = { wayId, generation: generation ?? (registration === undefined ? 1 : 2), slot: bytes }
  const headers = prove(device, encodeSlotMessage(device.accountId, signed))
  return { answer: await device.send(path, { method: 'PUT', json: { slot, generation }, headers }), slot }
}

/** An account with its first backup committed. */
export interface TestBackup {
  readonly registration: string
  readonly realms: readonly string[]
  readonly authority: ReturnType<typeof createAuthority>
  readonly ways: TestSegment
  readonly etag: string
}

/** Commits a first backup: one `ways` segment, of sequence 1 and generation 1 unless told. */
export async function createBackup(
  device: TestDevice,
  { generation = 1, sequence = 1 }: { readonly generation?: number; readonly sequence?: number } = {},
): Promise<TestBackup> {
  const { accountId } = device
  const registration = randomId()
  const realms = [randomId(), randomId()]
  const announcement = { expectedEtag: null, registration, generation, realms }
  expect((await device.post('/v1/pointer/pending', announcement)).status).toBe(200)
  const ways = createSegment({ ...device, sequence, generation, kind: 'ways' })
  expect((await putSegment(device, ways, registration)).status).toBe(201)
  const authority = createAuthority()
  const commit = signCommit(
    { registration, expectedEtag: null, expectedHeads: [], anchor: ways.id },
    { accountId, generation, authority },
  )
  const { status, body } = await device.post('/v1/pointer/commit', commit)
  expect(status).toBe(200)
  useAuthority(device, authority)
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

/** Announces a change of the pointer, to generation 2 unless told. */
export function announce(
  device: TestDevice,
  change: {
    registration: string
    expectedEtag: string | null
    generation?: number
    realms?: readonly string[]
  },
): Promise<TestAnswer> {
  const json = { generation: 2, realms: [randomId()], ...change }
  const headers = prove(device, encodeAnnouncementMessage({ ...device, ...json }))
  return device.send('/v1/pointer/pending', { method: 'POST', json, headers })
}

/** A change that waits for its commit; `sign` makes the commit's body, with parts of it replaced. */
export interface Prepared {
  readonly registration: string
  readonly snapshot: TestSegment
  readonly commit: Parameters<typeof signCommit>[0]
  readonly sign: (
    change?: Partial<Parameters<typeof signCommit>[0]>,
    generation?: number,
  ) => ReturnType<typeof signCommit>
}

/** A change to generation 2 with its snapshot uploaded, ready to commit. */
export async function prepare(
  device: TestDevice,
  backup: TestBackup,
  heads: readonly string[] = [backup.ways.id],
): Promise<Prepared> {
  const registration = randomId()
  expect((await announce(device, { registration, expectedEtag: backup.etag })).status).toBe(200)
  const snapshot = createSegment({ ...device, sequence: 50, generation: 2, kind: 'snapshot', parents: heads })
  expect((await putSegment(device, snapshot, registration)).status).toBe(201)
  const commit = { registration, expectedEtag: backup.etag, expectedHeads: heads, anchor: snapshot.id }
  const { accountId } = device
  const { authority } = backup
  return {
    registration,
    snapshot,
    commit,
    sign: (change = {}, generation = 2) =>
      signCommit({ ...commit, ...change }, { accountId, generation, authority }),
  }
}

/** The answer of `GET /v1/pointer`, without the access log's head, which each refusal moves. */
export async function readPointer(device: TestDevice): Promise<Record<string, unknown>> {
  const { body } = await device.get('/v1/pointer')
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== 'accessLog'))
}
