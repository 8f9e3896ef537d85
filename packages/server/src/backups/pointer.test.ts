import { beforeAll, describe, expect, test } from 'vitest'
import { startTestApp } from '../testing/app.ts'
import type { TestApp } from '../testing/app.ts'
import {
  announce,
  createBackup,
  parseFrames,
  prepare,
  putSegment,
  putSlot,
  readLogTypes,
} from '../testing/backups.ts'
import { createSegment, randomId, signCommit } from '../testing/segments.ts'

const MINUTE = 60_000

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

describe('a change that has begun', () => {
  test('keeps out another device for ten minutes, and yields to it after', async () => {
    const own = await startTestApp()
    const alice = await own.signIn()
    const laptop = await own.signIn({ phone: alice.phone })
    const backup = await createBackup(alice)
    const change = await prepare(alice, backup)
    const startedAt = own.clock.now.toISOString()
    const registration = randomId()
    const early = await announce(laptop, { registration, expectedEtag: backup.etag })
    expect([early.status, early.code]).toEqual([409, 'ERR_PENDING_ELSEWHERE'])
    expect(early.body['error']).toMatchObject({ details: { device: alice.deviceId, startedAt } })
    expect((await laptop.post('/v1/pointer/abandon', { registration: change.registration })).code).toBe(
      'ERR_PENDING_ELSEWHERE',
    )
    expect((await alice.get('/v1/pointer')).body['pending']).toEqual({
      registration: change.registration,
      device: alice.deviceId,
      startedAt,
    })
    own.clock.now = new Date(own.clock.now.getTime() + 10 * MINUTE - 1)
    await laptop.refresh()
    expect((await announce(laptop, { registration, expectedEtag: backup.etag })).code).toBe(
      'ERR_PENDING_ELSEWHERE',
    )
    own.clock.now = new Date(own.clock.now.getTime() + 1)
    expect((await announce(laptop, { registration, expectedEtag: backup.etag })).status).toBe(200)
    const { pending, retired } = (await laptop.get('/v1/pointer')).body
    expect([pending, retired]).toMatchObject([{ registration }, [{ registration: change.registration }]])
    expect(await own.database.asSuperuser('SELECT FROM app.segments WHERE pending IS NOT NULL')).toHaveLength(
      0,
    )
  })

  test('is replaced by the same device at once, and announced again is the same', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const first = await prepare(alice, backup)
    const second = { registration: randomId(), expectedEtag: backup.etag, realms: [randomId()] }
    const answers = [await announce(alice, second), await announce(alice, second)]
    expect(answers.map((answer) => answer.status)).toEqual([200, 200])
    expect(answers[0]?.body).toEqual(answers[1]?.body)
    expect((await alice.get('/v1/pointer')).body['retired']).toMatchObject([
      { registration: first.registration },
    ])
    expect(
      (await putSegment(alice, createSegment({ ...alice, sequence: 70, generation: 2 }), first.registration))
        .code,
    ).toBe('ERR_POINTER_CONFLICT')
    const reused = createSegment({ ...alice, sequence: 50, generation: 2 })
    expect((await putSegment(alice, reused, second.registration)).status).toBe(201)
  })

  test('is refused with another etag, a generation out of turn, or a registration that was used', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const change = await prepare(alice, backup)
    await alice.post('/v1/pointer/commit', change.sign())
    const { etag } = (await alice.get('/v1/pointer')).body as { etag: string }
    const cases = [
      { registration: randomId(), expectedEtag: backup.etag },
      { registration: randomId(), expectedEtag: null },
      { registration: randomId(), expectedEtag: etag, generation: 1 },
      { registration: randomId(), expectedEtag: etag, generation: 4 },
      { registration: change.registration, expectedEtag: etag },
      { registration: backup.registration, expectedEtag: etag },
    ]
    for (const announcement of cases)
      expect((await announce(alice, announcement)).code).toBe('ERR_POINTER_CONFLICT')
    expect((await readLogTypes(alice))[0]).toBe('registration_started refused')
  })

  test('leaves nothing of it visible when it is given up, however its segments hang together', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const { registration, snapshot } = await prepare(alice, backup)
    const child = createSegment({ ...alice, sequence: 51, generation: 2, parents: [snapshot.id] })
    expect((await putSegment(alice, child, registration)).status).toBe(201)
    await putSlot(alice, randomId(), registration)
    expect((await alice.post('/v1/pointer/abandon', { registration })).status).toBe(204)
    expect((await alice.post('/v1/pointer/abandon', { registration })).status).toBe(204)
    const { accountId } = alice
    const left = await server.database.asSuperuser(
      `SELECT (SELECT count(*)::int FROM app.segments WHERE user_id = $1) AS segments,
              (SELECT count(*)::int FROM app.segment_parents WHERE user_id = $1) AS parents,
              (SELECT count(*)::int FROM app.pending_slots WHERE user_id = $1) AS slots,
              (SELECT pending_segments + pending_bytes FROM app.logs WHERE user_id = $1)::int AS counted`,
      [accountId],
    )
    expect(left).toEqual([{ segments: 1, parents: 0, slots: 0, counted: 0 }])
    expect((await alice.post('/v1/pointer/abandon', { registration: backup.registration })).code).toBe(
      'ERR_POINTER_CONFLICT',
    )
    expect((await alice.post('/v1/pointer/abandon', { registration: randomId() })).code).toBe('ERR_NOT_FOUND')
  })

  test('takes segments and slots only from its own device', async () => {
    const alice = await server.signIn()
    const laptop = await server.signIn({ phone: alice.phone })
    const { registration } = await prepare(alice, await createBackup(alice))
    const segment = createSegment({ ...laptop, sequence: 1, generation: 2 })
    expect((await putSegment(laptop, segment, registration)).code).toBe('ERR_POINTER_CONFLICT')
    expect((await putSlot(laptop, randomId(), registration)).answer.code).toBe('ERR_POINTER_CONFLICT')
    expect((await putSegment(alice, createSegment({ ...alice, sequence: 52 }), registration)).code).toBe(
      'ERR_GENERATION_RETIRED',
    )
  })

  test('keeps its segments out of the visible log: none may be a parent there or be put there', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const registration = randomId()
    await announce(alice, { registration, expectedEtag: backup.etag, generation: 1 })
    const waiting = createSegment({ ...alice, sequence: 2 })
    expect((await putSegment(alice, waiting, registration)).status).toBe(201)
    expect((await putSegment(alice, waiting, registration)).status).toBe(200)
    expect((await putSegment(alice, waiting)).code).toBe('ERR_POINTER_CONFLICT')
    const child = createSegment({ ...alice, sequence: 3, parents: [waiting.id] })
    expect((await putSegment(alice, child)).code).toBe('ERR_PARENT_MISSING')
    expect((await putSegment(alice, child, registration)).status).toBe(201)
  })
})

describe('retired registrations', () => {
  test('are listed until the device says that all realms have deleted them', async () => {
    const alice = await server.signIn()
    const bob = await server.signIn()
    const backup = await createBackup(alice)
    const change = await prepare(alice, backup)
    await alice.post('/v1/pointer/commit', change.sign())
    const path = `/v1/pointer/retired/${backup.registration}`
    expect((await bob.send(path, { method: 'DELETE' })).status).toBe(204)
    expect((await alice.get('/v1/pointer')).body['retired']).toHaveLength(1)
    expect((await alice.send(path, { method: 'DELETE' })).status).toBe(204)
    expect((await alice.send(path, { method: 'DELETE' })).status).toBe(204)
    const current = `/v1/pointer/retired/${change.registration}`
    expect((await alice.send(current, { method: 'DELETE' })).code).toBe('ERR_POINTER_CONFLICT')
    expect((await alice.get('/v1/pointer')).body['retired']).toEqual([])
    expect((await readLogTypes(alice))[0]).toBe('registration_deleted')
  })
})

describe('an old generation', () => {
  test('stays, with its root key under the next one, until every registration of it is deleted, and goes then', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const before = await prepare(alice, backup)
    const previousRoot = 'ab'.repeat(48)
    const commit = { ...before.sign(), previousRoot }
    expect((await alice.post('/v1/pointer/commit', commit)).status).toBe(200)
    const { registration, realms, authority } = backup
    const kept = { generation: 1, previousRoot, authority: authority.publicKey }
    expect((await alice.get('/v1/pointer')).body['retired']).toEqual([{ registration, realms, ...kept }])
    expect((await alice.get('/v1/log/heads')).body).toMatchObject({ segments: 2, cursor: 2 })
    await alice.send(`/v1/pointer/retired/${registration}`, { method: 'DELETE' })
    const { snapshot } = before
    expect((await alice.get('/v1/log/heads')).body).toMatchObject({
      heads: [snapshot.id],
      segments: 1,
      bytes: snapshot.bytes.length,
      cursor: 2,
    })
    expect(parseFrames((await alice.get('/v1/log/segments')).bytes)).toEqual([{ cursor: 2, id: snapshot.id }])
    const next = createSegment({ ...alice, sequence: 51, generation: 2, parents: [snapshot.id] })
    expect((await putSegment(alice, next)).status).toBe(201)
  })

  test('does not go while an earlier registration of it is listed, nor when an abandoned change is released', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const { accountId } = alice
    const renewed = randomId()
    await announce(alice, { registration: renewed, expectedEtag: backup.etag, generation: 1 })
    const renewal = { registration: renewed, expectedEtag: backup.etag, expectedHeads: [backup.ways.id] }
    const signed = signCommit(
      { ...renewal, anchor: backup.ways.id },
      { accountId, generation: 1, authority: backup.authority },
    )
    const { body } = await alice.post('/v1/pointer/commit', signed)
    const change = await prepare(alice, { ...backup, etag: String(body['etag']) })
    expect((await alice.post('/v1/pointer/commit', change.sign())).status).toBe(200)
    const abandoned = randomId()
    const { etag } = (await alice.get('/v1/pointer')).body as { etag: string }
    await announce(alice, { registration: abandoned, expectedEtag: etag, generation: 3 })
    await alice.post('/v1/pointer/abandon', { registration: abandoned })
    for (const registration of [abandoned, renewed]) {
      await alice.send(`/v1/pointer/retired/${registration}`, { method: 'DELETE' })
      expect((await alice.get('/v1/log/heads')).body['segments']).toBe(2)
    }
    await alice.send(`/v1/pointer/retired/${backup.registration}`, { method: 'DELETE' })
    expect((await alice.get('/v1/log/heads')).body['segments']).toBe(1)
  })
})

describe('a rotation', () => {
  test('keeps the registration in use and drops the old generation at its commit', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const { registration, realms } = backup
    const rotation = { registration, realms, expectedEtag: backup.etag }
    expect((await announce(alice, { ...rotation, realms: [randomId()] })).code).toBe('ERR_POINTER_CONFLICT')
    expect((await announce(alice, rotation)).status).toBe(200)
    const parents = [backup.ways.id]
    const snapshot = createSegment({ ...alice, sequence: 2, generation: 2, kind: 'snapshot', parents })
    expect((await putSegment(alice, snapshot, registration)).status).toBe(201)
    // What it says of a new PIN counts for nothing: the registration stays.
    const said = { expectedEtag: backup.etag, expectedHeads: parents, newPin: true } as const
    const commit = signCommit(
      { registration, ...said, anchor: snapshot.id },
      { accountId: alice.accountId, generation: 2, authority: backup.authority },
    )
    const answers = [
      await alice.post('/v1/pointer/commit', commit),
      await alice.post('/v1/pointer/commit', commit),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect((await alice.get('/v1/pointer')).body).toMatchObject({
      pointer: { registration, generation: 2, realms, anchor: snapshot.id },
      pending: null,
      retired: [],
    })
    expect((await alice.get('/v1/log/heads')).body).toMatchObject({ heads: [snapshot.id], segments: 1 })
    expect((await readLogTypes(alice)).slice(0, 2)).toEqual(['root_rotated', 'backup_updated'])
  })

  test('that is given up, by its device or by time, leaves the registration in use', async () => {
    const own = await startTestApp()
    const alice = await own.signIn()
    const { registration, realms, etag } = await createBackup(alice)
    for (const give of ['abandon', 'wait'] as const) {
      expect((await announce(alice, { registration, realms, expectedEtag: etag })).status).toBe(200)
      if (give === 'abandon')
        expect((await alice.post('/v1/pointer/abandon', { registration })).status).toBe(204)
      else own.clock.now = new Date(own.clock.now.getTime() + 24 * 60 * MINUTE)
      await alice.refresh()
      expect((await alice.get('/v1/pointer')).body).toMatchObject({
        pointer: { registration, generation: 1 },
        pending: null,
        retired: [],
      })
    }
  })
})
