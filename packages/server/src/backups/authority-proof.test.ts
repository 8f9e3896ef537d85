import { beforeAll, describe, expect, test } from 'vitest'
import { parseHex, randomBytes, signEd25519, toBase64, toHex } from 'keyhaven/crypto'
import { startTestApp } from '../testing/app.ts'
import type { TestAnswer, TestApp, TestDevice } from '../testing/app.ts'
import {
  announce,
  createBackup,
  putSegment,
  putSlot,
  readLogTypes,
  readPointer,
  useAuthority,
} from '../testing/backups.ts'
import type { TestBackup } from '../testing/backups.ts'
import { createAuthority, createSegment, randomId } from '../testing/segments.ts'
import type { TestSegment } from '../testing/segments.ts'
import { encodeAnnouncementMessage, encodeAppendMessage, encodeSlotMessage } from './authority-proof.ts'

let server: TestApp
let owner: TestDevice
let backup: TestBackup
/** Signed in to the owner's account, without the root key. */
let stranger: TestDevice

beforeAll(async () => {
  server = await startTestApp()
  owner = await server.signIn()
  backup = await createBackup(owner)
  stranger = await server.signIn({ phone: owner.phone })
})

function segmentOf(device: TestDevice, sequence: number): TestSegment {
  return createSegment({ ...device, sequence, parents: [backup.ways.id] })
}

function sign(message: Uint8Array, authority = backup.authority): string {
  return toHex(signEd25519({ seed: authority.seed, message }))
}

function put(device: TestDevice, segment: TestSegment, proof?: string): Promise<TestAnswer> {
  const headers = { 'Content-Type': 'application/octet-stream', ...(proof && { 'Keyhaven-Proof': proof }) }
  return device.send(`/v1/log/segments/${segment.id}`, { method: 'PUT', body: segment.bytes, headers })
}

function append(segment: TestSegment, accountId = owner.accountId): Uint8Array {
  return encodeAppendMessage(accountId, parseHex(segment.id, 'id', 32))
}

describe('who is signed in without the backup’s key', () => {
  test('adds no segment, whatever he has for a proof', async () => {
    const before = (await owner.get('/v1/log/heads')).body
    const segment = segmentOf(stranger, 1)
    const other = segmentOf(stranger, 2)
    const proofs = [
      undefined,
      'ab'.repeat(64),
      sign(append(segment), createAuthority()),
      sign(append(other)),
      sign(append(segment, crypto.randomUUID())),
      sign(encodeSlotMessage(owner.accountId, { wayId: randomId(), generation: 1, slot: segment.bytes })),
    ]
    for (const proof of proofs) {
      const { status, code } = await put(stranger, segment, proof)
      expect([status, code]).toEqual([403, 'ERR_PROOF_REJECTED'])
    }
    expect((await put(stranger, segment, 'no proof')).code).toBe('ERR_BODY_MALFORMED')
    expect((await owner.get('/v1/log/heads')).body).toEqual(before)
    expect(await readLogTypes(owner)).toContain('backup_updated refused')
    expect((await put(stranger, segment, sign(append(segment)))).status).toBe(201)
  })

  test('puts no slot in the place of a good one, nor a new one', async () => {
    const wayId = randomId()
    const { slot } = await putSlot(owner, wayId)
    const bytes = randomBytes(1168)
    const signed = { wayId, generation: 1, slot: bytes }
    const proofs = [
      undefined,
      sign(encodeSlotMessage(owner.accountId, signed), createAuthority()),
      sign(encodeSlotMessage(owner.accountId, { ...signed, wayId: randomId() })),
      sign(encodeSlotMessage(owner.accountId, { ...signed, generation: 2 })),
      sign(encodeSlotMessage(owner.accountId, { ...signed, slot: randomBytes(1168) })),
    ]
    for (const proof of proofs) {
      const answer = await stranger.send(`/v1/log/slots/${wayId}`, {
        method: 'PUT',
        json: { slot: toBase64(bytes) },
        headers: { ...(proof !== undefined && { 'Keyhaven-Proof': proof }) },
      })
      expect([answer.status, answer.code]).toEqual([403, 'ERR_PROOF_REJECTED'])
    }
    expect((await owner.get('/v1/log/slots')).body['slots']).toEqual({ [wayId]: slot })
  })

  test('begins no change of the pointer, so that nobody waits for it and no registration is left over', async () => {
    const change = {
      registration: randomId(),
      generation: 2,
      expectedEtag: backup.etag,
      realms: [randomId(), randomId()],
    }
    const about = { accountId: owner.accountId, deviceId: stranger.deviceId, ...change }
    const proofs = [
      undefined,
      sign(encodeAnnouncementMessage(about), createAuthority()),
      sign(encodeAnnouncementMessage({ ...about, deviceId: owner.deviceId })),
      sign(encodeAnnouncementMessage({ ...about, realms: [...change.realms].reverse() })),
      sign(encodeAnnouncementMessage({ ...about, generation: 1 })),
      sign(encodeAnnouncementMessage({ ...about, registration: randomId() })),
    ]
    for (const proof of proofs) {
      const answer = await stranger.send('/v1/pointer/pending', {
        method: 'POST',
        json: change,
        headers: { ...(proof !== undefined && { 'Keyhaven-Proof': proof }) },
      })
      expect([answer.status, answer.code]).toEqual([403, 'ERR_PROOF_REJECTED'])
    }
    expect(await readPointer(owner)).toMatchObject({ pending: null, retired: [] })
  })

  test('adds nothing to a change that the owner’s device has begun, not even with that device’s session', async () => {
    const registration = randomId()
    expect((await announce(owner, { registration, expectedEtag: backup.etag })).status).toBe(200)
    const segment = createSegment({ ...owner, sequence: 90, generation: 2 })
    const path = `/v1/log/segments/${segment.id}?registration=${registration}`
    expect((await owner.put(path, segment.bytes)).code).toBe('ERR_PROOF_REJECTED')
    const json = { slot: toBase64(randomBytes(1168)) }
    const slots = `/v1/log/slots/${randomId()}?registration=${registration}`
    expect((await owner.send(slots, { method: 'PUT', json })).code).toBe('ERR_PROOF_REJECTED')
    expect((await owner.post('/v1/pointer/abandon', { registration })).status).toBe(204)
  })

  test('fills nobody’s quota', async () => {
    const small = await startTestApp({ quota: { segments: 3, bytes: 10_000 } })
    const device = await small.signIn()
    const { ways } = await createBackup(device)
    const thief = await small.signIn({ phone: device.phone })
    for (const sequence of [1, 2, 3, 4]) {
      expect((await put(thief, createSegment({ ...thief, sequence }))).code).toBe('ERR_PROOF_REJECTED')
    }
    const own = createSegment({ ...device, sequence: 2, parents: [ways.id] })
    expect((await putSegment(device, own)).status).toBe(201)
  })

  test('has no key of another account that would do here', async () => {
    const other = await server.signIn()
    const { authority } = await createBackup(other)
    const segment = segmentOf(stranger, 3)
    useAuthority(stranger, authority)
    expect((await putSegment(stranger, segment)).code).toBe('ERR_PROOF_REJECTED')
    useAuthority(stranger, backup.authority)
  })
})

test('A log has at most 512 ends; what follows one of them is taken', async () => {
  const device = await server.signIn()
  const { ways } = await createBackup(device)
  // So many by hand: the rows are what 511 segments without parents would have left.
  await server.database.asSuperuser(
    `INSERT INTO app.segments (user_id, segment_id, cursor, head, arrival, kind, generation, device_id, sequence, size, segment, created_at)
     SELECT $1, decode(lpad(to_hex(n), 64, '0'), 'hex'), n + 1, true, n + 1, 'conversation', 1, $2, n + 100, 1, '\\x00', now()
       FROM generate_series(1, 511) n`,
    [device.accountId, parseHex(device.deviceId, 'device', 16)],
  )
  await server.database.asSuperuser(
    'UPDATE app.logs SET last_cursor = 512, last_arrival = 512, segments = 512 WHERE user_id = $1',
    [device.accountId],
  )
  const { status, code } = await putSegment(device, createSegment({ ...device, sequence: 2 }))
  expect([status, code]).toEqual([409, 'ERR_TOO_MANY_HEADS'])
  const next = createSegment({ ...device, sequence: 2, parents: [ways.id] })
  expect((await putSegment(device, next)).status).toBe(201)
  const stale = createSegment({ ...device, sequence: 3, parents: [ways.id] })
  expect((await putSegment(device, stale)).code).toBe('ERR_TOO_MANY_HEADS')
  expect((await device.get('/v1/log/heads')).body['heads']).toHaveLength(512)
})
