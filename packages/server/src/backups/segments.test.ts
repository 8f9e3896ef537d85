import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { startTestApp } from '../testing/app.ts'
import type { TestApp } from '../testing/app.ts'
import {
  announce,
  createBackup,
  parseFrames,
  putSegment,
  putSlot,
  readLogTypes,
  readPointer,
} from '../testing/backups.ts'
import { createSegment, randomId } from '../testing/segments.ts'

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

describe('segments', () => {
  test('a segment is stored once, whoever asks how often', async () => {
    const alice = await server.signIn()
    const { ways } = await createBackup(alice)
    const segment = createSegment({ ...alice, sequence: 2, parents: [ways.id] })
    const answers = await Promise.all(Array.from({ length: 8 }, () => putSegment(alice, segment)))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201])
    const { heads, segments, cursor } = (await alice.get('/v1/log/heads')).body
    expect([heads, segments, cursor]).toEqual([[segment.id], 2, 2])
    expect((await readLogTypes(alice)).filter((type) => type === 'backup_updated')).toHaveLength(1)
  })

  test('two devices that write at once both keep what they wrote, as two heads', async () => {
    const alice = await server.signIn()
    const laptop = await server.signIn({ phone: alice.phone })
    const { ways } = await createBackup(alice)
    const one = createSegment({ ...alice, sequence: 2, parents: [ways.id] })
    const two = createSegment({ ...laptop, sequence: 1, parents: [ways.id] })
    const answers = await Promise.all([putSegment(alice, one), putSegment(laptop, two)])
    expect(answers.map((answer) => answer.status)).toEqual([201, 201])
    expect((await alice.get('/v1/log/heads')).body['heads']).toEqual([one.id, two.id].sort())
    const merge = createSegment({ ...laptop, sequence: 2, parents: [one.id, two.id] })
    expect((await putSegment(laptop, merge)).status).toBe(201)
    expect((await alice.get('/v1/log/heads')).body['heads']).toEqual([merge.id])
  })

  test('a reader that follows the cursor misses nothing that parallel writers store', async () => {
    const alice = await server.signIn()
    const { ways } = await createBackup(alice)
    const devices = [alice]
    for (let count = 0; count < 2; count += 1) devices.push(await server.signIn({ phone: alice.phone }))
    const written = new Set([ways.id])
    const write = async (device: typeof alice, first: number): Promise<void> => {
      for (let sequence = first; sequence < first + 12; sequence += 1) {
        const segment = createSegment({ ...device, sequence, parents: [ways.id] })
        expect((await putSegment(device, segment)).status).toBe(201)
        written.add(segment.id)
      }
    }
    let writing = true
    const seen: string[] = []
    const read = async (): Promise<void> => {
      let after = 0
      for (let last = false; ;) {
        const frames = parseFrames((await alice.get(`/v1/log/segments?after=${String(after)}`)).bytes)
        seen.push(...frames.map(({ id }) => id))
        after = frames.at(-1)?.cursor ?? after
        if (last && frames.length === 0) return
        last = !writing
      }
    }
    const reading = read()
    await Promise.all(devices.map((device, index) => write(device, 100 * (index + 1))))
    writing = false
    await reading
    expect(seen).toHaveLength(37)
    expect(new Set(seen)).toEqual(written)
  })

  test('an answer carries what fits 4 MiB, and at least one segment', async () => {
    const alice = await server.signIn()
    const { ways } = await createBackup(alice)
    const large = []
    for (let sequence = 2; sequence <= 6; sequence += 1) {
      const segment = createSegment({ ...alice, sequence, parents: [ways.id], size: 1024 * 1024 - 99 - 32 })
      large.push(segment.id)
      expect((await putSegment(alice, segment)).status).toBe(201)
    }
    const first = await alice.get('/v1/log/segments')
    expect(first.headers.get('keyhaven-cursor')).toBe('6')
    expect(first.headers.get('content-type')).toBe('application/octet-stream')
    expect(first.bytes.length).toBeLessThanOrEqual(4 * 1024 * 1024)
    const ids = parseFrames(first.bytes).map(({ id }) => id)
    expect(ids).toEqual([ways.id, ...large.slice(0, 3)])
    const second = parseFrames((await alice.get('/v1/log/segments?after=4')).bytes)
    expect(second.map(({ cursor, id }) => [cursor, id])).toEqual([
      [5, large[3]],
      [6, large[4]],
    ])
    expect((await alice.get('/v1/log/segments?after=6')).bytes).toHaveLength(0)
    expect((await alice.get('/v1/log/segments?after=999999')).bytes).toHaveLength(0)
  })

  test('reading keys is in the access log, asking whether there are any is not', async () => {
    const alice = await server.signIn()
    await createBackup(alice)
    await alice.get('/v1/log/segments?after=1')
    expect(await readLogTypes(alice)).not.toContain('keys_accessed')
    await alice.get('/v1/log/segments')
    expect((await readLogTypes(alice))[0]).toBe('keys_accessed')
  })

  test('a parent that is not stored is refused, and so is another account’s', async () => {
    const alice = await server.signIn()
    const bob = await server.signIn()
    await createBackup(alice)
    const { ways: foreign } = await createBackup(bob)
    for (const parent of [toHex(randomBytes(32)), foreign.id]) {
      const answer = await putSegment(alice, createSegment({ ...alice, sequence: 2, parents: [parent] }))
      expect([answer.status, answer.code]).toEqual([409, 'ERR_PARENT_MISSING'])
    }
    expect((await alice.get('/v1/log/heads')).body['segments']).toBe(1)
    expect((await readLogTypes(alice)).slice(0, 2)).toEqual([
      'backup_updated refused',
      'backup_updated refused',
    ])
  })

  test('another generation than the one in use is refused, and so is any before the first commit', async () => {
    const alice = await server.signIn()
    const early = await putSegment(alice, createSegment({ ...alice, sequence: 1 }))
    expect([early.status, early.code]).toEqual([409, 'ERR_GENERATION_RETIRED'])
    await createBackup(alice)
    for (const generation of [0, 2, 0xffffffff]) {
      const answer = await putSegment(alice, createSegment({ ...alice, sequence: 2, generation }))
      expect(answer.code).toBe('ERR_GENERATION_RETIRED')
    }
  })

  test('a sequence number is used once per device', async () => {
    const alice = await server.signIn()
    const { ways } = await createBackup(alice)
    const answer = await putSegment(alice, createSegment({ ...alice, sequence: 1, parents: [ways.id] }))
    expect([answer.status, answer.code]).toEqual([409, 'ERR_SEQUENCE_TAKEN'])
    expect((await putSegment(alice, createSegment({ ...alice, sequence: 2 }))).status).toBe(201)
  })

  test('a segment that names another id, account or device is refused', async () => {
    const alice = await server.signIn()
    const bob = await server.signIn()
    await createBackup(alice)
    const own = createSegment({ ...alice, sequence: 2 })
    const wrong = [
      { id: toHex(randomBytes(32)), bytes: own.bytes },
      createSegment({ ...alice, accountId: bob.accountId, sequence: 2 }),
      createSegment({ ...alice, deviceId: bob.deviceId, sequence: 2 }),
      createSegment({ ...bob, sequence: 2 }),
    ]
    for (const segment of wrong) {
      const answer = await putSegment(alice, segment)
      expect([answer.status, answer.code]).toEqual([400, 'ERR_BODY_MALFORMED'])
    }
    expect((await alice.get('/v1/log/heads')).body['segments']).toBe(1)
  })

  test('nobody sees another account’s log', async () => {
    const alice = await server.signIn()
    const bob = await server.signIn()
    await createBackup(alice)
    expect((await bob.get('/v1/log/segments')).bytes).toHaveLength(0)
    expect((await bob.get('/v1/log/heads')).body).toEqual({
      heads: [],
      segments: 0,
      bytes: 0,
      cursor: 0,
      coveredCursor: 0,
      tail: { segments: 0, bytes: 0 },
    })
    expect(await readPointer(bob)).toEqual({
      pointer: null,
      etag: null,
      authority: null,
      pending: null,
      retired: [],
      removal: null,
      removed: null,
    })
  })
})

describe('quotas', () => {
  test('the quotas of segments and bytes are kept, also by parallel uploads, and what is there stays', async () => {
    const small = await startTestApp({ quota: { segments: 4, bytes: 2000 } })
    const alice = await small.signIn()
    await createBackup(alice)
    const heavy = await putSegment(alice, createSegment({ ...alice, sequence: 9, size: 2000 }))
    expect([heavy.status, heavy.code]).toEqual([507, 'ERR_QUOTA_EXCEEDED'])
    const answers = await Promise.all(
      [2, 3, 4, 5, 6, 7].map((sequence) => putSegment(alice, createSegment({ ...alice, sequence }))),
    )
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(3)
    expect(answers.filter((answer) => answer.code === 'ERR_QUOTA_EXCEEDED')).toHaveLength(3)
    expect((await alice.get('/v1/log/heads')).body['segments']).toBe(4)
  })

  test('what waits for a commit counts, and counts no more when it is given up', async () => {
    const small = await startTestApp({ quota: { segments: 2, bytes: 10_000 } })
    const alice = await small.signIn()
    const { etag } = await createBackup(alice)
    const registration = randomId()
    await announce(alice, { expectedEtag: etag, registration })
    expect(
      (await putSegment(alice, createSegment({ ...alice, sequence: 2, generation: 2 }), registration)).status,
    ).toBe(201)
    expect((await putSegment(alice, createSegment({ ...alice, sequence: 3 }))).code).toBe(
      'ERR_QUOTA_EXCEEDED',
    )
    await alice.post('/v1/pointer/abandon', { registration })
    expect((await putSegment(alice, createSegment({ ...alice, sequence: 3 }))).status).toBe(201)
  })

  test('an account has at most 256 slots', async () => {
    const alice = await server.signIn()
    await createBackup(alice)
    await server.database.asSuperuser(
      `INSERT INTO app.slots SELECT $1, decode(lpad(to_hex(n), 32, '0'), 'hex'), 1, decode(repeat('00', 1168), 'hex') FROM generate_series(1, 256) n`,
      [alice.accountId],
    )
    expect((await putSlot(alice, randomId())).answer.code).toBe('ERR_QUOTA_EXCEEDED')
    expect((await putSlot(alice, `${'0'.repeat(31)}1`)).answer.status).toBe(204)
  })
})

describe('slots', () => {
  test('a slot that holds the root key of another generation is refused', async () => {
    const alice = await server.signIn()
    await createBackup(alice)
    const wayId = randomId()
    const { slot } = await putSlot(alice, wayId, undefined, 1)
    for (const generation of [2, 3]) {
      const late = await putSlot(alice, wayId, undefined, generation)
      expect(late.answer.code).toBe('ERR_GENERATION_RETIRED')
    }
    expect((await alice.get('/v1/log/slots')).body['slots']).toEqual({ [wayId]: slot })
  })

  test('a device that joins adds its slot to the generation in use', async () => {
    const alice = await server.signIn()
    expect((await alice.get('/v1/log/slots')).body).toEqual({ generation: null, slots: {} })
    expect((await putSlot(alice, randomId())).answer.code).toBe('ERR_GENERATION_RETIRED')
    await createBackup(alice)
    const wayId = randomId()
    expect((await putSlot(alice, wayId)).answer.status).toBe(204)
    const { slot } = await putSlot(alice, wayId)
    expect((await alice.get('/v1/log/slots')).body).toEqual({ generation: 1, slots: { [wayId]: slot } })
  })

  test.each(['', 'AAAA', 'A'.repeat(1560), 'not base64!'])('the slot %j is refused', async (slot) => {
    const alice = await server.signIn()
    await createBackup(alice)
    const answer = await alice.send(`/v1/log/slots/${randomId()}`, { method: 'PUT', json: { slot } })
    expect([answer.status, answer.code]).toEqual([400, 'ERR_BODY_MALFORMED'])
  })
})
