import { beforeAll, describe, expect, test } from 'vitest'
import { toHex } from 'keyhaven/crypto'
import { startTestApp } from '../testing/app.ts'
import type { TestApp, TestDevice } from '../testing/app.ts'
import { announce, createBackup, prepare, putSlot, readLogTypes } from '../testing/backups.ts'
import type { TestBackup } from '../testing/backups.ts'
import { postRemoval, signKeep, signRemoval } from '../testing/removals.ts'
import { createAuthority, randomId } from '../testing/segments.ts'

const DAY_MS = 86_400_000
let server: TestApp

beforeAll(async () => {
  server = await startTestApp()
})

async function person(): Promise<{ readonly device: TestDevice; readonly backup: TestBackup }> {
  const device = await server.signIn()
  return { device, backup: await createBackup(device) }
}

/** What of an account is left in the tables of its backup. */
async function countOf(device: TestDevice): Promise<Readonly<Record<string, unknown>>> {
  const [row] = await server.database.asSuperuser(
    `SELECT (SELECT count(*)::int FROM app.pointers WHERE user_id = $1) AS pointers,
            (SELECT count(*)::int FROM app.segments WHERE user_id = $1) AS segments,
            (SELECT count(*)::int FROM app.slots WHERE user_id = $1) AS slots,
            (SELECT count(*)::int FROM app.retired_registrations WHERE user_id = $1) AS retired,
            (SELECT count(*)::int FROM app.removal_requests WHERE user_id = $1) AS waiting`,
    [device.accountId],
  )
  return row ?? {}
}

const GONE = { pointers: 0, segments: 0, slots: 0, waiting: 0 }

/** Lets time pass on the server; the session is continued so that it goes on. */
async function pass(device: TestDevice, milliseconds: number): Promise<void> {
  server.clock.now = new Date(server.clock.now.getTime() + milliseconds)
  await device.refresh()
}

describe('a deletion that the authority key signed', () => {
  test('takes log, slots and pointer at once, lists what realms may still hold, and may be repeated', async () => {
    const { device, backup } = await person()
    await putSlot(device, randomId())
    const pending = randomId()
    await announce(device, { registration: pending, expectedEtag: backup.etag })
    const request = { etag: backup.etag, signature: signRemoval(device, backup) }
    expect((await postRemoval(device, request)).body).toEqual({ status: 'removed' })
    expect(await countOf(device)).toEqual({ ...GONE, retired: 2 })
    const { body } = await device.get('/v1/pointer')
    expect(body).toMatchObject({
      pointer: null,
      pending: null,
      removal: null,
      removed: { kind: 'backup', generation: 1, etag: backup.etag, signature: request.signature },
    })
    expect(
      (body['retired'] as { registration: string }[]).map(({ registration }) => registration).sort(),
    ).toEqual([backup.registration, pending].sort())
    expect((await postRemoval(device, request)).body).toEqual({ status: 'removed' })
    expect((await device.get('/v1/log/heads')).body).toMatchObject({ heads: [], segments: 0, bytes: 0 })
    expect((await readLogTypes(device)).filter((type) => type === 'backup_deleted')).toHaveLength(1)
    const realms = { registration: backup.registration, realmIds: backup.realms }
    expect((await device.post('/v1/realm-tokens', realms)).status).toBe(200)
  })

  test('is refused for another key, kind, account, generation or backup, and changes nothing', async () => {
    const { device, backup } = await person()
    const other = await person()
    const signatures = [
      signRemoval(device, { ...backup, authority: createAuthority() }),
      signRemoval(device, backup, { kind: 'account' }),
      signRemoval(device, backup, { generation: 2 }),
      signRemoval(device, { ...backup, etag: other.backup.etag }),
      signRemoval(other.device, backup),
    ]
    for (const signature of signatures) {
      const answer = await postRemoval(device, { etag: backup.etag, signature })
      expect([answer.status, answer.code]).toEqual([403, 'ERR_PROOF_REJECTED'])
    }
    const stale = { etag: other.backup.etag, signature: signRemoval(device, backup) }
    expect((await postRemoval(device, stale)).code).toBe('ERR_POINTER_CONFLICT')
    expect(await countOf(device)).toMatchObject({ pointers: 1, segments: 1, waiting: 0 })
  })

  test('is not repeated on the next backup, whose generation is another', async () => {
    const { device, backup } = await person()
    const request = { etag: backup.etag, signature: signRemoval(device, backup) }
    await postRemoval(device, request)
    const early = await announce(device, { registration: randomId(), expectedEtag: null, generation: 1 })
    expect(early.code).toBe('ERR_POINTER_CONFLICT')
    const next = await createBackup(device, { generation: 2, sequence: 2 })
    expect((await postRemoval(device, request)).code).toBe('ERR_POINTER_CONFLICT')
    expect((await postRemoval(device, { ...request, etag: next.etag })).code).toBe('ERR_PROOF_REJECTED')
    expect(await countOf(device)).toMatchObject({ pointers: 1 })
  })
})

describe('a deletion by a token alone', () => {
  test('waits seven days, however often it is asked for, and then is done', async () => {
    const { device, backup } = await person()
    const first = await postRemoval(device, { etag: backup.etag })
    expect(first.status).toBe(202)
    const due = Date.parse(String(first.body['dueAt']))
    expect(due - Date.parse(String(first.body['requestedAt']))).toBe(7 * DAY_MS)
    await pass(device, 7 * DAY_MS - 1)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => postRemoval(device, { etag: backup.etag })),
    )
    for (const answer of answers) expect(answer.body).toEqual(first.body)
    expect((await device.get('/v1/pointer')).body).toMatchObject({ removal: { kind: 'backup', due: false } })
    await pass(device, 1)
    expect((await postRemoval(device, { etag: backup.etag })).body).toEqual({ status: 'removed' })
    expect(await countOf(device)).toEqual({ ...GONE, retired: 1 })
    expect((await device.get('/v1/pointer')).body).toMatchObject({ removed: { signature: null } })
  })

  test('of another kind begins anew: its owner was told of the first kind only', async () => {
    const { device, backup } = await person()
    await postRemoval(device, { etag: backup.etag })
    await pass(device, 7 * DAY_MS)
    const other = await postRemoval(device, { etag: backup.etag, kind: 'fresh-start' })
    expect([other.status, other.body['kind']]).toEqual([202, 'fresh-start'])
    expect(await countOf(device)).toMatchObject({ pointers: 1, waiting: 1 })
  })

  test('is ended by the authority key and by nothing less', async () => {
    const { device, backup } = await person()
    const keep = (signature: string): ReturnType<TestDevice['post']> =>
      device.post('/v1/removals/keep', { signature })
    const old = String((await postRemoval(device, { etag: backup.etag })).body['requestedAt'])
    expect((await keep(signKeep(device, { authority: createAuthority() }, old))).code).toBe(
      'ERR_PROOF_REJECTED',
    )
    expect((await keep(signKeep(device, backup, old))).status).toBe(204)
    expect((await keep(signKeep(device, backup, old))).code).toBe('ERR_NOT_FOUND')
    await pass(device, 1000)
    await postRemoval(device, { etag: backup.etag })
    expect((await keep(signKeep(device, backup, old))).code).toBe('ERR_PROOF_REJECTED')
    const prepared = await prepare(device, backup)
    const committed = await device.post('/v1/pointer/commit', prepared.sign())
    expect(committed.status).toBe(200)
    expect(await countOf(device)).toMatchObject({ pointers: 1, waiting: 0 })
    const types = await readLogTypes(device)
    expect(types.filter((type) => type === 'removal_requested')).toHaveLength(2)
    expect(types.filter((type) => type === 'removal_cancelled')).toHaveLength(2)
  })
})

test('a wait that is over when its owner ends it is either carried out or ended, never both', async () => {
  const { device, backup } = await person()
  const { body } = await postRemoval(device, { etag: backup.etag })
  await pass(device, 7 * DAY_MS)
  const signature = signKeep(device, backup, String(body['requestedAt']))
  // Another process over the same database: within one, the requests of an account go one after the other.
  const now = (): Date => server.clock.now
  const other = await startTestApp({ shared: server.database, keys: server.keys, now })
  const authorization = { Authorization: `Bearer ${device.accessToken}` }
  const answers = await Promise.all([
    other.post('/v1/removals/keep', { signature }, authorization),
    ...Array.from({ length: 5 }, () => postRemoval(device, { etag: backup.etag })),
  ])
  const kept = answers.some(({ status }) => status === 204)
  const removed = answers.some((answer) => answer.body['status'] === 'removed')
  expect(kept).toBe(!removed)
  expect(await countOf(device)).toMatchObject({ pointers: kept ? 1 : 0 })
})

describe('closing an account', () => {
  test('leaves the access log and no number, session or name; the same number makes a new account', async () => {
    const { device, backup } = await person()
    const body = { kind: 'account', etag: backup.etag }
    const signature = signRemoval(device, backup, { kind: 'account' })
    expect((await postRemoval(device, { ...body, signature })).body).toEqual({ status: 'removed' })
    expect((await postRemoval(device, { ...body, etag: null })).code).toBe('ERR_REGISTRATION_REMAINS')
    await device.send(`/v1/pointer/retired/${backup.registration}`, { method: 'DELETE' })
    await device.send(`/v1/link/${randomId()}`, { method: 'PUT', json: { message: 'AAAA' } })
    expect((await postRemoval(device, { ...body, etag: null })).body).toEqual({ status: 'closed' })
    expect((await device.get('/v1/pointer')).code).toBe('ERR_SIGNED_OUT')
    const [left] = await server.database.asSuperuser(
      `SELECT (SELECT count(*)::int FROM app.access_log WHERE user_id = $1) > 5 AS log,
              (SELECT phone_sealed FROM app.accounts WHERE user_id = $1) AS phone,
              (SELECT count(*)::int FROM auth.phones WHERE user_id = $1) AS phones,
              (SELECT count(*)::int FROM app.sessions WHERE user_id = $1) AS sessions,
              (SELECT count(*)::int FROM app.links WHERE user_id = $1) AS links,
              (SELECT string_agg(label, ',') FROM app.devices WHERE user_id = $1) AS labels,
              (SELECT count(*)::int FROM app.access_log WHERE user_id = $1 AND num_nonnulls(
                 device_label, device_label_salt, address, address_salt, user_agent, user_agent_salt) > 0) AS named`,
      [device.accountId],
    )
    expect(left).toEqual({ log: true, phone: null, phones: 0, sessions: 0, links: 0, labels: '-', named: 0 })
    const again = await server.signIn({ phone: device.phone })
    expect(again.accountId).not.toBe(device.accountId)
    expect((await again.get('/v1/pointer')).body).toMatchObject({ pointer: null, removed: null, retired: [] })
  })

  test('by a token alone waits for the backup, and with registrations left behind is done only when told so', async () => {
    const { device, backup } = await person()
    expect((await postRemoval(device, { kind: 'account', etag: backup.etag })).status).toBe(202)
    await pass(device, 7 * DAY_MS)
    expect((await postRemoval(device, { kind: 'account', etag: backup.etag })).body).toEqual({
      status: 'removed',
    })
    const answer = await postRemoval(device, { kind: 'account', etag: null, leaveRegistrations: true })
    expect(answer.body).toEqual({ status: 'closed' })
  })
})

test('what the server holds of an account is told to its owner alone, without anything that opens a session', async () => {
  const device = await server.signIn({ label: 'Phone' })
  await device.send(`/v1/link/${randomId()}`, { method: 'PUT', json: { message: 'AAAA' } })
  const { body, status } = await device.get('/v1/account')
  expect(status).toBe(200)
  expect(body).toMatchObject({
    account: { id: device.accountId },
    devices: [{ id: device.deviceId, label: 'Phone' }],
    sessions: [{ device: device.deviceId, endedAt: null }],
    contacts: null,
    contactRequests: [],
    links: [{ offeredBy: device.deviceId, messages: ['AAAA'] }],
  })
  expect(JSON.stringify(body)).not.toContain(device.refreshToken)
  expect((await server.send('/v1/account')).code).toBe('ERR_SIGNED_OUT')
})

test.each([
  {},
  { kind: 'all', etag: null },
  { kind: 'backup' },
  { kind: 'backup', etag: 'x'.repeat(65) },
  { kind: 'backup', etag: null, signature: toHex(new Uint8Array(63)) },
])('a body such as %j is refused', async (body) => {
  const device = await server.signIn()
  expect((await device.post('/v1/removals', body)).code).toBe('ERR_BODY_MALFORMED')
  expect((await device.post('/v1/removals/keep', body)).code).toBe('ERR_BODY_MALFORMED')
})
