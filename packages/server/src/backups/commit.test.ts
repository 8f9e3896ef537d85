import { beforeAll, describe, expect, test } from 'vitest'
import {
  be4,
  concat,
  lp,
  parseBase64,
  parseHex,
  randomBytes,
  sha256,
  signEd25519,
  toHex,
} from 'keyhaven/crypto'
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
  readPointer,
  useAuthority,
} from '../testing/backups.ts'
import type { Prepared } from '../testing/backups.ts'
import { createAuthority, createSegment, randomId, signCommit } from '../testing/segments.ts'
import { encodePointerStatement } from './commit-messages.ts'

const MINUTE = 60_000

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

describe('the first backup', () => {
  test('stays invisible until its commit, and is whole after it', async () => {
    const alice = await server.signIn()
    const registration = randomId()
    const realms = [randomId()]
    const announced = await announce(alice, { registration, expectedEtag: null, generation: 1, realms })
    expect(announced.body['expiresAt']).toBe(
      new Date(server.clock.now.getTime() + 24 * 60 * MINUTE).toISOString(),
    )
    const ways = createSegment({ ...alice, sequence: 1, kind: 'ways' })
    const keys = createSegment({ ...alice, sequence: 2, parents: [ways.id] })
    for (const segment of [ways, keys])
      expect((await putSegment(alice, segment, registration)).status).toBe(201)
    const wayId = randomId()
    const { slot } = await putSlot(alice, wayId, registration)
    expect((await alice.get('/v1/log/segments')).bytes).toHaveLength(0)
    expect((await alice.get('/v1/log/slots')).body['slots']).toEqual({})
    expect((await alice.get('/v1/log/heads')).body).toMatchObject({
      heads: [],
      segments: 0,
      bytes: 0,
      cursor: 0,
    })
    const authority = createAuthority()
    const commit = signCommit(
      { registration, expectedEtag: null, expectedHeads: [], anchor: ways.id },
      { accountId: alice.accountId, generation: 1, authority },
    )
    const committed = await alice.post('/v1/pointer/commit', commit)
    expect(committed.status).toBe(200)
    expect(await readPointer(alice)).toEqual({
      pointer: {
        registration,
        generation: 1,
        realms,
        anchor: ways.id,
        serial: 1,
        statement: null,
        registrationAuthority: authority.publicKey,
      },
      etag: committed.body['etag'],
      authority: authority.publicKey,
      pending: null,
      retired: [],
      removal: null,
      removed: null,
    })
    const bytes = ways.bytes.length + keys.bytes.length
    expect((await alice.get('/v1/log/heads')).body).toEqual({
      heads: [keys.id],
      segments: 2,
      bytes,
      cursor: 2,
      coveredCursor: 0,
      tail: { segments: 0, bytes: 0 },
    })
    expect((await alice.get('/v1/log/slots')).body).toEqual({ generation: 1, slots: { [wayId]: slot } })
    expect(parseFrames((await alice.get('/v1/log/segments')).bytes)).toEqual([
      { cursor: 1, id: ways.id },
      { cursor: 2, id: keys.id },
    ])
    expect(await readLogTypes(alice)).toEqual([
      'keys_accessed',
      'pointer_moved',
      'backup_created',
      'registration_started',
      'device_added',
      'signed_in',
    ])
  })
})

describe('a commit', () => {
  test('moves the pointer, retires the old registration, its generation and its slots', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    await putSlot(alice, randomId())
    const change = await prepare(alice, backup)
    const wayId = randomId()
    const { slot } = await putSlot(alice, wayId, change.registration)
    const { status, body } = await alice.post('/v1/pointer/commit', change.sign())
    expect(status).toBe(200)
    expect(body['etag']).not.toBe(backup.etag)
    expect((await alice.get('/v1/pointer')).body).toMatchObject({
      pointer: { registration: change.registration, generation: 2, anchor: change.snapshot.id },
      pending: null,
      retired: [{ registration: backup.registration, realms: backup.realms }],
    })
    expect((await alice.get('/v1/log/heads')).body['heads']).toEqual([change.snapshot.id])
    expect((await alice.get('/v1/log/slots')).body).toEqual({ generation: 2, slots: { [wayId]: slot } })
    const old = createSegment({ ...alice, sequence: 60, generation: 1 })
    expect((await putSegment(alice, old)).code).toBe('ERR_GENERATION_RETIRED')
    expect((await readLogTypes(alice)).slice(0, 3)).toEqual([
      'backup_updated refused',
      'pointer_moved',
      'backup_updated',
    ])
  })

  test('that says that the PIN is another writes that down, with whose word it is; the word is signed', async () => {
    const alice = await server.signIn()
    const change = await prepare(alice, await createBackup(alice))
    const silent = change.sign()
    const telling = change.sign({ newPin: true })
    const { newPin: _, ...muted } = telling
    for (const forged of [{ ...silent, newPin: true }, muted])
      expect((await alice.post('/v1/pointer/commit', forged)).code).toBe('ERR_PROOF_REJECTED')
    for (const newPin of [false, 'yes', null])
      expect((await alice.post('/v1/pointer/commit', { ...telling, newPin })).code).toBe('ERR_BODY_MALFORMED')
    for (let time = 0; time < 2; time += 1)
      expect((await alice.post('/v1/pointer/commit', telling)).status).toBe(200)
    const { body } = await alice.get('/v1/access-log?limit=3')
    expect(body['rows']).toMatchObject([
      { type: 'pin_changed', success: true, code: 'REPORTED_BY_CLIENT' },
      { type: 'pointer_moved' },
      { type: 'backup_updated' },
    ])
  })

  test('of the same generation keeps the slots that it does not replace', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const [kept, replaced] = [randomId(), randomId()]
    const before = await putSlot(alice, kept)
    await putSlot(alice, replaced)
    const registration = randomId()
    await announce(alice, { registration, expectedEtag: backup.etag, generation: 1 })
    const after = await putSlot(alice, replaced, registration, 1)
    const commit = signCommit(
      { registration, expectedEtag: backup.etag, expectedHeads: [backup.ways.id], anchor: backup.ways.id },
      { accountId: alice.accountId, generation: 1, authority: backup.authority },
    )
    expect((await alice.post('/v1/pointer/commit', commit)).status).toBe(200)
    expect((await alice.get('/v1/log/slots')).body['slots']).toEqual({
      [kept]: before.slot,
      [replaced]: after.slot,
    })
  })

  test('that says what it holds takes nothing else with it that came to wait meanwhile', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const change = await prepare(alice, backup)
    const wayId = randomId()
    const { slot } = await putSlot(alice, wayId, change.registration)
    const content = (slots: readonly [string, string][]): string =>
      toHex(
        sha256(
          concat(
            ...[lp('keyhaven/change/v1'), be4(1), lp(parseHex(change.snapshot.id, 'id', 32))],
            ...slots.map(([id, text]) => concat(lp(parseHex(id, 'id', 16)), lp(parseBase64(text, 'slot')))),
          ),
        ),
      )
    for (const wrong of [content([]), content([[wayId, (await putSlot(alice, wayId)).slot]])]) {
      expect((await alice.post('/v1/pointer/commit', change.sign({ content: wrong }))).code).toBe(
        'ERR_POINTER_CONFLICT',
      )
    }
    const body = change.sign({ content: content([[wayId, slot]]) })
    const stray = createSegment({ ...alice, sequence: 60, generation: 2, parents: [backup.ways.id] })
    await putSegment(alice, stray, change.registration)
    expect((await alice.post('/v1/pointer/commit', body)).code).toBe('ERR_POINTER_CONFLICT')
    expect((await alice.post('/v1/pointer/abandon', { registration: change.registration })).status).toBe(204)
    const again = await prepare(alice, backup)
    const exact = toHex(
      sha256(concat(lp('keyhaven/change/v1'), be4(1), lp(parseHex(again.snapshot.id, 'id', 32)))),
    )
    expect((await alice.post('/v1/pointer/commit', again.sign({ content: exact }))).status).toBe(200)
  })

  test('that is sent again by its device is answered the same', async () => {
    const alice = await server.signIn()
    const laptop = await server.signIn({ phone: alice.phone })
    const change = await prepare(alice, await createBackup(alice))
    const body = change.sign()
    const answers = await Promise.all([1, 2, 3, 4].map(() => alice.post('/v1/pointer/commit', body)))
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200])
    expect(new Set(answers.map((answer) => answer.body['etag'])).size).toBe(1)
    expect((await readLogTypes(alice)).filter((type) => type === 'pointer_moved')).toHaveLength(2)
    expect((await laptop.post('/v1/pointer/commit', body)).code).toBe('ERR_POINTER_CONFLICT')
    expect(
      (await alice.post('/v1/pointer/commit', { ...body, signature: toHex(randomBytes(64)) })).status,
    ).toBe(409)
  })

  test('of two different ones at once exactly one wins', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const change = await prepare(alice, backup)
    const other = createSegment({
      ...alice,
      sequence: 51,
      generation: 2,
      kind: 'snapshot',
      parents: [backup.ways.id],
    })
    expect((await putSegment(alice, other, change.registration)).status).toBe(201)
    const answers = await Promise.all([
      alice.post('/v1/pointer/commit', change.sign()),
      alice.post('/v1/pointer/commit', change.sign({ anchor: other.id })),
    ])
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409])
    expect((await alice.get('/v1/log/heads')).body['heads']).toEqual([change.snapshot.id, other.id].sort())
  })

  test('fails when the log has moved, changes nothing, and succeeds with the heads that there are', async () => {
    const alice = await server.signIn()
    const laptop = await server.signIn({ phone: alice.phone })
    const backup = await createBackup(alice)
    const change = await prepare(alice, backup)
    const late = createSegment({ ...laptop, sequence: 1, parents: [backup.ways.id] })
    expect((await putSegment(laptop, late)).status).toBe(201)
    const before = await readPointer(alice)
    const answer = await alice.post('/v1/pointer/commit', change.sign())
    expect([answer.status, answer.code]).toEqual([409, 'ERR_POINTER_CONFLICT'])
    expect(await readPointer(alice)).toEqual(before)
    expect((await alice.get('/v1/log/heads')).body['heads']).toEqual([late.id])
    expect((await alice.post('/v1/pointer/commit', change.sign({ expectedHeads: [late.id] }))).status).toBe(
      200,
    )
    expect((await alice.get('/v1/log/heads')).body['heads']).toEqual([late.id, change.snapshot.id].sort())
    expect(await readLogTypes(alice)).toContain('pointer_moved refused')
  })

  test.each<[string, (change: Prepared) => unknown, string]>([
    [
      'another etag',
      (change) => change.sign({ expectedEtag: toHex(randomBytes(16)) }),
      'ERR_POINTER_CONFLICT',
    ],
    ['no etag', (change) => change.sign({ expectedEtag: null }), 'ERR_POINTER_CONFLICT'],
    ['no heads', (change) => change.sign({ expectedHeads: [] }), 'ERR_POINTER_CONFLICT'],
    [
      'an anchor that is not stored',
      (change) => change.sign({ anchor: toHex(randomBytes(32)) }),
      'ERR_POINTER_CONFLICT',
    ],
    [
      'an anchor of the old generation',
      (change) => change.sign({ anchor: change.commit.expectedHeads[0] ?? '' }),
      'ERR_POINTER_CONFLICT',
    ],
    ['another registration', (change) => change.sign({ registration: randomId() }), 'ERR_POINTER_CONFLICT'],
    ['a signature for another generation', (change) => change.sign({}, 3), 'ERR_PROOF_REJECTED'],
    [
      'a signature of nothing',
      (change) => ({ ...change.sign(), signature: '00'.repeat(64) }),
      'ERR_PROOF_REJECTED',
    ],
    [
      'a signature for another anchor',
      (change) => ({ ...change.sign(), anchor: toHex(randomBytes(32)) }),
      'ERR_PROOF_REJECTED',
    ],
    [
      'a new authority that is not signed',
      (change) => ({ ...change.sign(), newAuthority: createAuthority().publicKey }),
      'ERR_PROOF_REJECTED',
    ],
    [
      'an authority of small order',
      (change) => ({ ...change.sign(), authority: `01${'00'.repeat(31)}` }),
      'ERR_PROOF_REJECTED',
    ],
  ])('with %s is refused and changes nothing', async (_, bodyOf, code) => {
    const alice = await server.signIn()
    const change = await prepare(alice, await createBackup(alice))
    const before = await readPointer(alice)
    expect((await alice.post('/v1/pointer/commit', bodyOf(change))).code).toBe(code)
    expect(await readPointer(alice)).toEqual(before)
    expect((await alice.post('/v1/pointer/commit', change.sign())).status).toBe(200)
  })

  test('by another authority key is refused, though its own signature is good', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const change = await prepare(alice, backup)
    const stranger = createAuthority()
    const context = { accountId: alice.accountId, generation: 2, authority: stranger }
    const answer = await alice.post('/v1/pointer/commit', signCommit(change.commit, context))
    expect([answer.status, answer.code]).toEqual([403, 'ERR_PROOF_REJECTED'])
    expect((await alice.get('/v1/pointer')).body['authority']).toBe(backup.authority.publicKey)
  })

  test('may hand the authority on to a new key, which alone signs from then on', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const heir = createAuthority()
    const change = await prepare(alice, backup)
    const { body } = await alice.post('/v1/pointer/commit', change.sign({ newAuthority: heir.publicKey }))
    const { accountId } = alice
    useAuthority(alice, heir)
    const registration = randomId()
    const expectedEtag = String(body['etag'])
    await announce(alice, { registration, expectedEtag, generation: 2 })
    const next = {
      registration,
      expectedEtag,
      expectedHeads: [change.snapshot.id],
      anchor: change.snapshot.id,
    }
    const old = signCommit(next, { accountId, generation: 2, authority: backup.authority })
    expect((await alice.post('/v1/pointer/commit', old)).code).toBe('ERR_PROOF_REJECTED')
    const right = signCommit(next, { accountId, generation: 2, authority: heir })
    expect((await alice.post('/v1/pointer/commit', right)).status).toBe(200)
  })

  test('takes a statement of what the pointer becomes, by the key from then on, and nothing else for one', async () => {
    const alice = await server.signIn()
    const backup = await createBackup(alice)
    const heir = createAuthority()
    const realms = [randomId(), randomId()]
    const { registration } = backup
    await announce(alice, { registration, expectedEtag: backup.etag, realms: backup.realms })
    const snapshot = createSegment({ ...alice, sequence: 50, generation: 2, kind: 'snapshot' })
    await putSegment(alice, snapshot, registration)
    const right = { registration, generation: 2, serial: 2, anchor: snapshot.id, realms: backup.realms }
    const state = (change: Partial<typeof right>, authority = heir): string =>
      toHex(
        signEd25519({
          seed: authority.seed,
          message: encodePointerStatement({ ...right, ...change }, alice.accountId),
        }),
      )
    const commit = signCommit(
      {
        registration,
        expectedEtag: backup.etag,
        expectedHeads: [backup.ways.id],
        anchor: snapshot.id,
        newAuthority: heir.publicKey,
      },
      { accountId: alice.accountId, generation: 2, authority: backup.authority },
    )
    const wrong = [
      state({}, backup.authority),
      state({ serial: 1 }),
      state({ serial: 3 }),
      state({ generation: 1 }),
      state({ realms }),
      state({ anchor: backup.ways.id }),
      state({ registration: randomId() }),
    ]
    for (const statement of wrong) {
      const answer = await alice.post('/v1/pointer/commit', { ...commit, statement })
      expect(answer.code).toBe('ERR_PROOF_REJECTED')
    }
    const statement = state({})
    expect((await alice.post('/v1/pointer/commit', { ...commit, statement })).status).toBe(200)
    expect((await alice.get('/v1/pointer')).body).toMatchObject({
      authority: heir.publicKey,
      pointer: { ...right, statement, registrationAuthority: backup.authority.publicKey },
    })
  })

  test('is too late after a day; what waited is gone and its registration is listed for deletion', async () => {
    const own = await startTestApp()
    const alice = await own.signIn()
    const change = await prepare(alice, await createBackup(alice))
    own.clock.now = new Date(own.clock.now.getTime() + 24 * 60 * MINUTE)
    await alice.refresh()
    expect((await alice.post('/v1/pointer/commit', change.sign())).code).toBe('ERR_POINTER_CONFLICT')
    const { pending, retired } = (await alice.get('/v1/pointer')).body
    expect(pending).toBe(null)
    expect(retired).toMatchObject([{ registration: change.registration }])
    expect(await own.database.asSuperuser('SELECT FROM app.segments WHERE pending IS NOT NULL')).toHaveLength(
      0,
    )
  })
})
