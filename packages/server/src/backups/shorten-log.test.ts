import { beforeAll, describe, expect, test } from 'vitest'
import { startTestApp } from '../testing/app.ts'
import type { TestApp, TestDevice } from '../testing/app.ts'
import { announce, createBackup, parseFrames, putSegment, readLogTypes } from '../testing/backups.ts'
import type { TestBackup } from '../testing/backups.ts'
import { createAuthority, createSegment, signCommit } from '../testing/segments.ts'
import type { TestSegment } from '../testing/segments.ts'

let server: TestApp
let alice: TestDevice
let laptop: TestDevice
let backup: TestBackup
/** What is visible before each test. */
let log: readonly TestSegment[]

beforeAll(async () => {
  server = await startTestApp()
})

async function begin(): Promise<void> {
  alice = await server.signIn()
  laptop = await server.signIn({ phone: alice.phone })
  backup = await createBackup(alice)
  const one = createSegment({ ...alice, sequence: 2, parents: [backup.ways.id] })
  const two = createSegment({ ...laptop, sequence: 1, parents: [one.id] })
  expect((await putSegment(alice, one)).status).toBe(201)
  expect((await putSegment(laptop, two)).status).toBe(201)
  log = [backup.ways, one, two]
}

/** Announces a shortening and puts segments for it, each after the one before; the first follows `parents`. */
async function put(
  kinds: readonly ('conversation' | 'snapshot' | 'ways')[],
  parents: readonly string[],
): Promise<readonly TestSegment[]> {
  const { registration, realms, etag } = backup
  const announcement = { registration, realms, expectedEtag: etag, generation: 1 }
  expect((await announce(alice, announcement)).status).toBe(200)
  const segments: TestSegment[] = []
  for (const [index, kind] of kinds.entries()) {
    const follows = segments.at(-1) === undefined ? parents : [segments.at(-1)?.id ?? '']
    const segment = createSegment({ ...alice, sequence: 10 + index, kind, parents: follows })
    expect((await putSegment(alice, segment, registration)).status).toBe(201)
    segments.push(segment)
  }
  return segments
}

function sign(anchor: string, expectedHeads: readonly string[], authority = backup.authority): unknown {
  const { registration, etag } = backup
  const commit = { registration, expectedEtag: etag, expectedHeads, anchor }
  return signCommit(commit, { accountId: alice.accountId, generation: 1, authority })
}

async function visible(): Promise<readonly string[]> {
  return parseFrames((await alice.get('/v1/log/segments')).bytes).map(({ id }) => id)
}

describe('a commit that shortens the log', () => {
  test('drops what its snapshot covers, keeps registration and generation, and takes no segment after a dropped one', async () => {
    await begin()
    expect((await alice.get('/v1/log/heads')).body).toMatchObject({ coveredCursor: 0, tail: { segments: 2 } })
    const head = log[2]?.id ?? ''
    const [keys, snapshot, ways] = await put(['conversation', 'snapshot', 'ways'], [head])
    expect(await visible()).toEqual(log.map(({ id }) => id))
    const commit = sign(ways?.id ?? '', [head])
    const answers = [
      await alice.post('/v1/pointer/commit', commit),
      await alice.post('/v1/pointer/commit', commit),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(await visible()).toEqual([keys?.id, snapshot?.id, ways?.id])
    expect((await alice.get('/v1/log/heads')).body).toMatchObject({
      heads: [ways?.id],
      segments: 3,
      bytes: [keys, snapshot, ways].reduce((sum, segment) => sum + (segment?.bytes.length ?? 0), 0),
      cursor: 6,
      coveredCursor: 3,
      tail: { segments: 0, bytes: 0 },
    })
    const { registration } = backup
    expect((await alice.get('/v1/pointer')).body).toMatchObject({
      pointer: { registration, generation: 1, anchor: ways?.id },
      pending: null,
      retired: [],
    })
    expect((await readLogTypes(alice)).slice(0, 3)).toContain('log_shortened')
    const late = createSegment({ ...laptop, sequence: 2, parents: [head] })
    expect((await putSegment(laptop, late)).code).toBe('ERR_PARENT_MISSING')
    const next = createSegment({ ...laptop, sequence: 2, parents: [ways?.id ?? ''] })
    expect((await putSegment(laptop, next)).status).toBe(201)
    expect((await alice.get('/v1/log/heads')).body).toMatchObject({ heads: [next.id], tail: { segments: 1 } })
  })

  test('drops nothing without a snapshot, without following every head, by another key, or over a later segment', async () => {
    await begin()
    const [, one, two] = log
    const heads = [two?.id ?? '']
    const [plain] = await put(['ways'], heads)
    const [beside] = [plain?.id ?? '']
    expect((await alice.post('/v1/pointer/commit', sign(beside, heads))).code).toBe('ERR_POINTER_CONFLICT')
    await alice.post('/v1/pointer/abandon', { registration: backup.registration })
    const offside = await putOther('snapshot', one?.id ?? '')
    expect((await alice.post('/v1/pointer/commit', sign(offside.id, heads))).code).toBe(
      'ERR_POINTER_CONFLICT',
    )
    await alice.post('/v1/pointer/abandon', { registration: backup.registration })
    const good = await putOther('snapshot', two?.id ?? '')
    const foreign = await alice.post('/v1/pointer/commit', sign(good.id, heads, createAuthority()))
    expect(foreign.code).toBe('ERR_PROOF_REJECTED')
    const late = createSegment({ ...laptop, sequence: 2, parents: heads })
    expect((await putSegment(laptop, late)).status).toBe(201)
    expect((await alice.post('/v1/pointer/commit', sign(good.id, heads))).code).toBe('ERR_POINTER_CONFLICT')
    expect(await visible()).toEqual([...log, late].map(({ id }) => id))
  })

  test('keeps no other device waiting', async () => {
    await begin()
    await put(['snapshot'], [log[2]?.id ?? ''])
    const { registration, realms, etag } = backup
    const rotation = { registration, realms, expectedEtag: etag, generation: 2 }
    expect((await announce(laptop, rotation)).status).toBe(200)
    expect((await announce(alice, { ...rotation, generation: 1 })).code).toBe('ERR_PENDING_ELSEWHERE')
  })
})

let sequence = 100

/** One segment for a shortening, after one parent. */
async function putOther(kind: 'snapshot', parent: string): Promise<TestSegment> {
  const { registration, realms, etag } = backup
  await announce(alice, { registration, realms, expectedEtag: etag, generation: 1 })
  sequence += 1
  const segment = createSegment({ ...alice, sequence, kind, parents: [parent] })
  expect((await putSegment(alice, segment, registration)).status).toBe(201)
  return segment
}
