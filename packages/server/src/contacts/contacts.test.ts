import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { startTestApp } from '../testing/app.ts'
import type { TestAnswer, TestApp, TestDevice } from '../testing/app.ts'
import { createBackup, prove, readLogTypes, useAuthority } from '../testing/backups.ts'
import type { TestBackup } from '../testing/backups.ts'
import { answerAsked, askContacts, putContacts, putRequest } from '../testing/contacts.ts'
import { signRemoval } from '../testing/removals.ts'
import { createAuthority, randomId } from '../testing/segments.ts'
import { encodeContactsRemovalMessage, encodeVetoMessage } from './messages.ts'
import { sweepDue } from '../sweep-due.ts'

const DAY_MS = 86_400_000
let server: TestApp
let bob: TestDevice
let carol: TestDevice

beforeAll(async () => {
  const many = { most: 10_000, seconds: 600 }
  const limits = { codesPerPhone: many, codesPerPhoneAndDay: many, codesPerAddressPhoneAndDay: many }
  server = await startTestApp({ notify: true, limits })
  bob = await server.signIn({ label: 'Bob' })
  carol = await server.signIn({ label: 'Carol' })
})

interface Owner {
  readonly device: TestDevice
  readonly backup: TestBackup
}

async function newOwner(contacts = [bob, carol]): Promise<Owner> {
  const device = await server.signIn()
  const backup = await createBackup(device)
  expect(
    await putContacts(
      device,
      backup,
      contacts.map(({ accountId }) => accountId),
    ),
  ).toMatchObject({ status: 204 })
  return { device, backup }
}

/** Lets time pass; the sessions of these devices go on. */
async function pass(milliseconds: number, ...devices: readonly TestDevice[]): Promise<void> {
  server.clock.now = new Date(server.clock.now.getTime() + milliseconds)
  for (const device of [bob, carol, ...devices]) await device.refresh()
}

async function askedOf(contact: TestDevice, owner: TestDevice): Promise<readonly Record<string, unknown>[]> {
  const { body } = await contact.get('/v1/contacts/asked')
  const all = body['asked'] as readonly Record<string, unknown>[]
  return all.filter(({ ownerId }) => ownerId === owner.accountId)
}

function veto(by: TestDevice, id: string, about: TestDevice = by): Promise<TestAnswer> {
  const { 'Keyhaven-Proof': signature } = prove(by, encodeVetoMessage(about.accountId, id))
  return by.post(`/v1/contacts/requests/${id}/veto`, { signature })
}

describe('setting contacts', () => {
  test('takes the authority key’s signature of just this set, of this state of the backup', async () => {
    const { device, backup } = await newOwner()
    const accounts = [bob.accountId, carol.accountId]
    for (const changed of [{ threshold: 2, waitDays: 1 }, { wayId: randomId() }]) {
      expect((await putContacts(device, backup, accounts, changed)).code).toBe('ERR_PROOF_REJECTED')
    }
    expect((await putContacts(device, { etag: 'other' }, accounts)).code).toBe('ERR_POINTER_CONFLICT')
    const before = await server.signIn()
    expect((await putContacts(before, backup, accounts)).code).toBe('ERR_PROOF_REJECTED')
    const thief = await server.signIn({ phone: device.phone })
    useAuthority(thief, createAuthority())
    expect((await putContacts(thief, backup, accounts)).code).toBe('ERR_PROOF_REJECTED')
    useAuthority(device, backup.authority)
    const message = encodeContactsRemovalMessage(device.accountId, 'other')
    const removal = { method: 'DELETE', headers: prove(device, message) }
    expect((await device.send('/v1/contacts', removal)).code).toBe('ERR_PROOF_REJECTED')
    expect((await device.get('/v1/contacts')).body).toMatchObject({
      set: {
        threshold: 2,
        waitDays: 0,
        contacts: accounts.map((accountId, at) => ({ place: at + 1, accountId })),
      },
      requests: [],
    })
    expect((await bob.get('/v1/contacts')).body).toEqual({ set: null, requests: [] })
    const { contacts, contactOf } = (await bob.get('/v1/account')).body
    expect([contacts, contactOf]).toEqual([null, expect.arrayContaining([device.accountId])])
    expect((await device.get('/v1/account')).body).toMatchObject({
      contacts: { threshold: 2 },
      contactOf: [],
    })
  })

  test('takes nothing of another shape', async () => {
    const device = await server.signIn()
    const backup = await createBackup(device)
    const some = [bob.accountId, carol.accountId]
    for (const accounts of [
      [],
      [bob.accountId],
      [bob.accountId, bob.accountId],
      [bob.accountId, device.accountId],
    ]) {
      expect((await putContacts(device, backup, accounts)).code).toBe('ERR_BODY_MALFORMED')
    }
    const many = Array.from({ length: 11 }, () => randomUUID())
    expect((await putContacts(device, backup, many)).code).toBe('ERR_BODY_MALFORMED')
    const short = [{ accountId: bob.accountId, names: 'AAAA', share: 'AAAA' }]
    for (const changed of [
      { threshold: 1 },
      { threshold: 3 },
      { waitDays: 91 },
      { contacts: short },
      { wayId: 'x' },
    ]) {
      expect((await putContacts(device, backup, some, changed)).code).toBe('ERR_BODY_MALFORMED')
    }
    expect((await putRequest(device, randomId(), new Uint8Array(1215))).code).toBe('ERR_BODY_MALFORMED')
    expect((await putRequest(device, randomId())).code).toBe('ERR_NOT_FOUND')
  })
})

test('what is asked of a contact comes page by page, and nobody who fills his list hides another’s request', async () => {
  const contacts = [await server.signIn(), await server.signIn()]
  const [busy] = contacts as [TestDevice]
  const [crowd, alone] = [await newOwner(contacts), await newOwner(contacts)]
  await server.database.asSuperuser(
    `INSERT INTO app.contact_requests (user_id, device_id, request_id, label, public_key, requested_at, due_at, expires_at)
     SELECT $1, substring(sha256(int4send(n)) FROM 1 FOR 16), substring(sha256(int4send(n)) FROM 17 FOR 16), 'Noise', $2,
            now() - interval '1 day', now(), now() + interval '1 day' FROM generate_series(1, 399) AS n`,
    [crowd.device.accountId, new Uint8Array(1216)],
  )
  const id = await askContacts(await server.signIn({ phone: alone.device.phone }))
  const seen: string[] = []
  let after = ''
  do {
    const answered = (await busy.get(`/v1/contacts/asked${after}`)).body as {
      readonly asked: readonly { readonly ownerId: string; readonly id: string }[]
      readonly next: string | null
    }
    const { asked: page, next } = answered
    expect(page.length).toBeLessThanOrEqual(200)
    seen.push(...page.map((request) => `${request.ownerId}.${request.id}`))
    after = next === null ? '' : `?after=${next}`
  } while (after !== '')
  expect(seen).toContain(`${alone.device.accountId}.${id}`)
  expect(seen.filter((place) => place.startsWith(crowd.device.accountId))).toHaveLength(399)
  expect(seen).toEqual([...new Set(seen)].sort())
  for (const other of ['', 'x', `${alone.device.accountId}.`, `${alone.device.accountId}.${id}00`])
    expect((await busy.get(`/v1/contacts/asked?after=${other}`)).status).toBe(400)
})

describe('a request', () => {
  test('shows each contact the names at once and his share after the wait, and nobody another’s', async () => {
    const { device } = await newOwner()
    const fresh = await server.signIn({ phone: device.phone, label: 'Fresh' })
    const id = await askContacts(fresh)
    const [asked] = await askedOf(bob, device)
    expect(asked).toMatchObject({ id, label: 'Fresh', share: null, answered: false })
    expect((await answerAsked(bob, { owner: device, id })).code).toBe('ERR_NOT_FOUND')
    await pass(7 * DAY_MS - 1, fresh)
    expect((await askedOf(bob, device))[0]).toMatchObject({ share: null })
    await pass(1, fresh)
    const [ofBob] = await askedOf(bob, device)
    const [ofCarol] = await askedOf(carol, device)
    expect(ofBob?.['share']).not.toBe(ofCarol?.['share'])
    expect(ofBob?.['names']).toBe(asked?.['names'])
    const stranger = await server.signIn()
    expect((await stranger.get('/v1/contacts/asked')).body).toEqual({ asked: [], next: null })
    expect((await answerAsked(stranger, { owner: device, id })).code).toBe('ERR_NOT_FOUND')
    expect((await answerAsked(fresh, { owner: device, id })).code).toBe('ERR_NOT_FOUND')
    expect((await answerAsked(bob, { owner: device, id })).status).toBe(204)
    expect((await answerAsked(bob, { owner: device, id })).status).toBe(204)
    expect((await askedOf(bob, device))[0]).toMatchObject({ answered: true })
    expect((await askedOf(carol, device))[0]).toMatchObject({ answered: false })
    const { body } = await fresh.get(`/v1/contacts/requests/${id}`)
    expect(body['answers']).toMatchObject([{ place: 1 }])
    await device.refresh()
    expect((await device.get(`/v1/contacts/requests/${id}`)).code).toBe('ERR_NOT_FOUND')
    const types = await readLogTypes(device)
    expect(types.filter((type) => type.startsWith('contacts_'))).toEqual([
      'contacts_answered',
      'contacts_asked',
      'contacts_changed',
    ])
    const told = await server.database.asSuperuser(
      "SELECT type FROM app.webhook_events WHERE user_id = $1 AND type LIKE 'contacts%' ORDER BY sequence",
      [device.accountId],
    )
    expect(told.map(({ type }) => type)).toEqual(['contacts_changed', 'contacts_asked', 'contacts_answered'])
  })

  test('goes on when it is made again, begins anew under another id, and leaves other devices’ alone', async () => {
    const { device } = await newOwner()
    const [one, two] = [
      await server.signIn({ phone: device.phone }),
      await server.signIn({ phone: device.phone }),
    ]
    const id = randomId()
    const first = await putRequest(one, id)
    await pass(DAY_MS, one, two, device)
    expect((await putRequest(one, id)).body).toEqual(first.body)
    expect((await putRequest(one, id, new Uint8Array(1216))).code).toBe('ERR_BODY_MALFORMED')
    expect((await putRequest(two, id)).code).toBe('ERR_BODY_MALFORMED')
    const other = await putRequest(two, randomId())
    expect((await two.send(`/v1/contacts/requests/${id}`, { method: 'DELETE' })).status).toBe(204)
    const again = await putRequest(one, randomId())
    expect(Date.parse(String(again.body['dueAt']))).toBe(Date.parse(String(first.body['dueAt'])) + DAY_MS)
    const listed = (await device.get('/v1/contacts')).body['requests'] as readonly { readonly id: string }[]
    expect(listed.map((request) => request.id).sort()).toEqual([other.body['id'], again.body['id']].sort())
    for (let device3 = 0; device3 < 6; device3 += 1) {
      await askContacts(await server.signIn({ phone: device.phone }))
    }
    const last = await server.signIn({ phone: device.phone })
    expect((await putRequest(last, randomId())).code).toBe('ERR_QUOTA_EXCEEDED')
    expect((await putRequest(two, randomId())).status).toBe(200)
  })

  test('is stopped by the authority key, by nothing less, and never beside an answer', async () => {
    const { device, backup } = await newOwner()
    const fresh = await server.signIn({ phone: device.phone })
    const id = await askContacts(fresh)
    useAuthority(fresh, createAuthority())
    expect((await veto(fresh, id)).code).toBe('ERR_PROOF_REJECTED')
    useAuthority(device, backup.authority)
    expect((await veto(device, randomId())).code).toBe('ERR_NOT_FOUND')
    expect((await veto(device, id, fresh)).status).toBe(204)
    expect((await veto(device, id)).code).toBe('ERR_NOT_FOUND')
    // The same once more is a new request with a wait of its own.
    const { body: replayed } = await putRequest(fresh, id)
    expect([replayed['dueAt'], replayed['answers']]).toEqual([
      new Date(server.clock.now.getTime() + 7 * DAY_MS).toISOString(),
      0,
    ])
    const next = await askContacts(fresh)
    await pass(7 * DAY_MS, device, fresh)
    // Another process over the same database: within one, the requests of an account go one after the other.
    const now = (): Date => server.clock.now
    const other = await startTestApp({ shared: server.database, keys: server.keys, now })
    const { 'Keyhaven-Proof': signature } = prove(device, encodeVetoMessage(device.accountId, next))
    const authorization = { Authorization: `Bearer ${device.accessToken}` }
    const [stopped, ...answers] = await Promise.all([
      other.post(`/v1/contacts/requests/${next}/veto`, { signature }, authorization),
      answerAsked(bob, { owner: device, id: next }),
      answerAsked(carol, { owner: device, id: next }),
    ])
    expect(stopped.status).toBe(204)
    for (const { status } of answers) expect([204, 404]).toContain(status)
    expect((await fresh.get(`/v1/contacts/requests/${next}`)).code).toBe('ERR_NOT_FOUND')
    expect(await askedOf(bob, device)).toEqual([])
    const [left] = await server.database.asSuperuser(
      'SELECT count(*)::int AS answers FROM app.contact_answers WHERE user_id = $1',
      [device.accountId],
    )
    expect(left).toEqual({ answers: 0 })
  })

  test('whose account is closed while a contact answers leaves nothing, and no fault', async () => {
    const { device, backup } = await newOwner()
    const id = await askContacts(await server.signIn({ phone: device.phone }))
    await pass(7 * DAY_MS, device)
    const now = (): Date => server.clock.now
    const other = await startTestApp({ shared: server.database, keys: server.keys, now })
    const { etag } = backup
    const signature = signRemoval(device, backup, { kind: 'account' })
    const authorization = { Authorization: `Bearer ${device.accessToken}` }
    const json = { kind: 'account', etag, signature, leaveRegistrations: true }
    const [closed, ...answers] = await Promise.all([
      other.post('/v1/removals', json, authorization),
      answerAsked(bob, { owner: device, id }),
      answerAsked(carol, { owner: device, id }),
    ])
    expect(closed.status).toBe(200)
    for (const { status } of answers) expect([204, 404]).toContain(status)
    expect((await answerAsked(bob, { owner: device, id })).code).toBe('ERR_NOT_FOUND')
    const [left] = await server.database.asSuperuser(
      `SELECT (SELECT count(*)::int FROM app.contact_answers WHERE user_id = $1) AS answers,
              (SELECT count(*)::int FROM app.contact_requests WHERE user_id = $1) AS requests`,
      [device.accountId],
    )
    expect(left).toEqual({ answers: 0, requests: 0 })
  })

  test('ends with its device, and is swept two weeks after the wait, other requests not', async () => {
    const { device, backup } = await newOwner()
    const [gone, late, young] = [
      await server.signIn({ phone: device.phone }),
      await server.signIn({ phone: device.phone }),
      await server.signIn({ phone: device.phone }),
    ]
    for (const asking of [gone, late, young]) await askContacts(asking)
    expect((await gone.send(`/v1/devices/${gone.deviceId}`, { method: 'DELETE' })).status).toBe(204)
    await server.database.asSuperuser(
      `UPDATE app.contact_requests SET requested_at = now() - interval '3 weeks', due_at = now() - interval '2 weeks',
              expires_at = now() - interval '1 second' WHERE user_id = $1 AND device_id = decode($2, 'hex')`,
      [device.accountId, late.deviceId],
    )
    expect(await sweepDue(server.database.database, 'contactRequests')).toBe(1)
    const rows = await server.database.asSuperuser(
      "SELECT encode(device_id, 'hex') AS device FROM app.contact_requests WHERE user_id = $1",
      [device.accountId],
    )
    expect(rows).toEqual([{ device: young.deviceId }])
    expect((await putContacts(device, backup, [bob.accountId, randomUUID()])).status).toBe(204)
    expect((await device.get('/v1/contacts')).body['requests']).toEqual([])
  })
})
