/** Trusted contacts against the real server: who opens a backup together, what stops it, and what a liar gets. */
import { beforeAll, describe, expect, test } from 'vitest'
import { parseBase64, randomBytes, toBase64 } from 'keyhaven/crypto'
import { generateIdentity } from 'keyhaven/identity'
import type { ContactRestoreOutcome } from 'keyhaven/sync'
import { deriveXWingPublicKey } from '../packages/keyhaven/src/crypto/x-wing.ts'
import { answer, ask, askedOf, cardsOf, inputOf } from './testing/contacts.ts'
import type { Contact } from './testing/contacts.ts'
import { attempt, cutAfter, forEachCut } from './testing/cuts.ts'
import { bendAnswer, bendBody } from './testing/bent-json.ts'
import type { Json } from './testing/bent-json.ts'
import { OTHER_PIN, PIN, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

const DAY_MS = 86_400_000
/** A soak takes every step. */
const FEW_CUTS = { from: 4, by: 9 }
const WEEK_MS = 7 * DAY_MS

let place: Place
let friends: readonly Contact[]

beforeAll(async () => {
  place = await openPlace()
  friends = await Promise.all(['Bob', 'Carol', 'Dave'].map(newContact))
})

async function newContact(name: string): Promise<Contact> {
  return { ...(await place.newDevice({ label: name })), name, identity: await generateIdentity() }
}

/** A person with a backup, two of whose three friends open it. */
async function newOwner(contacts: readonly Contact[] = friends): Promise<TestPerson> {
  const owner = await place.newDevice({ label: 'First' })
  await owner.keys.importKeys(makeKeys(2))
  await (await owner.sync()).backup({ pin: PIN })
  const set = await (await owner.sync()).contacts.set(inputOf(cardsOf(contacts)))
  expect(set).toMatchObject({ status: 'set', oldRegistrationRemainsOn: [] })
  return owner
}

async function restore(device: TestPerson): Promise<ContactRestoreOutcome> {
  return (await device.sync()).contacts.restore()
}

async function countOf(accountId: string): Promise<unknown> {
  const [row] = await place.app.database.asSuperuser(
    `SELECT (SELECT count(*)::int FROM app.contact_sets WHERE user_id = $1) AS sets,
            (SELECT count(*)::int FROM app.contact_shares WHERE user_id = $1) AS shares,
            (SELECT count(*)::int FROM app.contact_requests WHERE user_id = $1) AS requests,
            (SELECT count(*)::int FROM app.contact_answers WHERE user_id = $1) AS answers`,
    [accountId],
  )
  return row
}

const NOTHING = { sets: 0, shares: 0, requests: 0, answers: 0 }

describe('two of three contacts', () => {
  test('open the backup for a new device after the wait, and not one of them alone, and not before', async () => {
    const owner = await newOwner()
    const [bob, carol, dave] = friends as [Contact, Contact, Contact]
    await (await owner.sync()).getNotices()
    const fresh = await place.newDevice({ phone: owner.phone, label: 'Second' })
    expect(await restore(fresh)).toEqual({ status: 'not-asked' })
    const asked = await ask(fresh)
    expect(asked).toMatchObject({ threshold: 2, contacts: 3, answers: 0 })
    expect(asked.digits).toMatch(/^\d{5}( \d{5}){5}$/)
    expect((await (await owner.sync()).getNotices()).notices.map(({ kind }) => kind)).toEqual([
      'new-device',
      'contacts-asked',
    ])
    expect(await askedOf(bob, owner.accountId)).toMatchObject([
      { ownerName: 'Alice', label: 'Second', due: false, answered: false, dueAt: asked.dueAt },
    ])
    place.passTime(WEEK_MS - 60_000)
    expect(await ask(fresh)).toEqual(asked)
    expect(await answer(bob, { owner, digits: asked.digits })).toBe('waiting')
    place.passTime(60_000)
    expect(await answer(bob, { owner, digits: asked.digits })).toBe('answered')
    expect(await answer(bob, { owner, digits: asked.digits })).toBe('not-asked')
    expect(await restore(fresh)).toMatchObject({ status: 'too-few', answers: 1 })
    expect(await answer(carol, { owner, digits: '00000 '.repeat(6).trim() })).toBe('refused')
    expect(await answer(dave, { owner, digits: asked.digits })).toBe('answered')
    expect(await restore(fresh)).toMatchObject({ status: 'restored', conversationKeys: 2, wrongShares: [] })
    expect(await fresh.keys.exportKeys()).toEqual(await owner.keys.exportKeys())
    expect(await countOf(owner.accountId)).toMatchObject({ sets: 1, shares: 3, requests: 0, answers: 0 })
    expect(await restore(fresh)).toEqual({ status: 'not-asked' })
    expect(await (await fresh.sync()).changePin({ pin: OTHER_PIN })).toMatchObject({ status: 'pin-changed' })
    const { set, requests } = await (await fresh.sync()).contacts.list()
    expect(set).toMatchObject({
      threshold: 2,
      members: [{ name: 'Bob', present: true }, { name: 'Carol' }, { name: 'Dave' }],
    })
    expect(requests).toEqual([])
    expect((await (await owner.sync()).getNotices()).notices.map(({ kind }) => kind)).toContain(
      'contacts-answered',
    )
  })

  test('bring a device back that is killed again and again while it asks and restores', async () => {
    const owner = await newOwner()
    const fresh = await place.newDevice({ phone: owner.phone })
    for (const steps of [1, 2, 3]) {
      await attempt(async () => (await fresh.sync(cutAfter(fresh.vault, steps))).contacts.ask())
    }
    const { digits } = await ask(fresh)
    place.passTime(WEEK_MS)
    for (const contact of friends.slice(0, 2))
      expect(await answer(contact, { owner, digits })).toBe('answered')
    let killed = true
    for (let steps = 2; killed; steps += 4) {
      const cut = cutAfter(fresh.vault, steps)
      await attempt(async () => (await fresh.sync(cut)).contacts.restore())
      killed = cut.killed()
    }
    expect(await fresh.keys.exportKeys()).toEqual(await owner.keys.exportKeys())
    expect(await restore(fresh)).toEqual({ status: 'not-asked' })
    expect(await countOf(owner.accountId)).toMatchObject({ requests: 0, answers: 0 })
    expect(await (await fresh.sync()).backup()).toMatchObject({ status: 'backed-up' })
  })

  test('are asked for as long as the owner said, and no shorter than the server’s own wait', async () => {
    const owner = await newOwner()
    const input = { ...inputOf(cardsOf(friends)), waitDays: 30 }
    await (await owner.sync()).contacts.set(input)
    const fresh = await place.newDevice({ phone: owner.phone })
    const { dueAt, digits } = await ask(fresh)
    expect(Date.parse(dueAt) - Date.now()).toBeGreaterThan(29 * DAY_MS)
    place.passTime(WEEK_MS)
    const [bob] = friends as [Contact]
    expect(await answer(bob, { owner, digits })).toBe('waiting')
  })
})

describe('what is asked', () => {
  test('is stopped by a device that has the backup, also after the wait; the device that asked has nothing then', async () => {
    const owner = await newOwner()
    const [bob, carol] = friends as [Contact, Contact]
    const thief = await place.newDevice({ phone: owner.phone, label: 'Thief' })
    await expect((await thief.sync()).contacts.stop()).rejects.toMatchObject({
      code: 'ERR_AUTHORITY_REQUIRED',
    })
    const first = await ask(thief)
    expect(await (await owner.sync()).contacts.stop()).toEqual({ status: 'stopped', count: 1 })
    expect(await (await owner.sync()).contacts.stop()).toEqual({ status: 'nothing-asked' })
    expect(await askedOf(bob, owner.accountId)).toEqual([])
    const second = await ask(thief)
    expect(second.digits).not.toBe(first.digits)
    place.passTime(WEEK_MS)
    expect(await answer(bob, { owner, digits: second.digits })).toBe('answered')
    const { requests } = await (await owner.sync()).contacts.list()
    expect(requests).toMatchObject([{ label: 'Thief', answers: 1 }])
    expect(await (await owner.sync()).contacts.stop({ id: requests[0]?.id ?? '' })).toMatchObject({
      count: 1,
    })
    expect(await answer(carol, { owner, digits: second.digits })).toBe('not-asked')
    expect(await restore(thief)).toEqual({ status: 'stopped' })
    expect(await countOf(owner.accountId)).toMatchObject({ requests: 0, answers: 0 })
  })

  test('is over after two weeks; a device takes it back; another device’s goes on', async () => {
    const owner = await newOwner()
    const [bob] = friends as [Contact]
    const devices = [
      await place.newDevice({ phone: owner.phone, label: 'One' }),
      await place.newDevice({ phone: owner.phone, label: 'Two' }),
    ] as const
    const [one, two] = [await ask(devices[0]), await ask(devices[1])]
    expect(one.digits).not.toBe(two.digits)
    expect(await (await devices[0].sync()).contacts.endAsking()).toEqual({ status: 'ended' })
    expect(await restore(devices[0])).toEqual({ status: 'not-asked' })
    expect((await askedOf(bob, owner.accountId)).map(({ label }) => label)).toEqual(['Two'])
    place.passTime(WEEK_MS + 14 * DAY_MS)
    expect(await askedOf(bob, owner.accountId)).toEqual([])
    expect(await restore(devices[1])).toEqual({ status: 'stopped' })
  })
})

describe('a liar', () => {
  test('who gives another share than his is named, and three more digits of luck do not help him', async () => {
    const owner = await newOwner()
    const [bob, carol, dave] = friends as [Contact, Contact, Contact]
    const fresh = await place.newDevice({ phone: owner.phone })
    const { digits } = await ask(fresh)
    place.passTime(WEEK_MS)
    const other = await newOwner()
    const otherDevice = await place.newDevice({ phone: other.phone })
    const { digits: otherDigits } = await ask(otherDevice)
    place.passTime(WEEK_MS)
    // Carol's answer to one person, sent to another; Bob's own is some bytes.
    const stolen: { answer?: unknown } = {}
    const taking = bendBody(place.network, '/v1/contacts/asked/', (json) => {
      stolen.answer = json['answer']
      return json
    })
    expect(await answer(carol, { owner: other, digits: otherDigits }, { fetch: taking })).toBe('answered')
    const replaying = bendBody(place.network, '/v1/contacts/asked/', (json) => ({ ...json, ...stolen }))
    expect(await answer(carol, { owner, digits }, { fetch: replaying })).toBe('answered')
    expect(await answer(bob, { owner, digits })).toBe('answered')
    expect(await restore(fresh)).toMatchObject({ status: 'too-few', answers: 2 })
    // One of an unknown format is left out as well, and ends nothing.
    const later = bendAnswer(place.network, '/v1/contacts/requests/', (json) => ({
      ...json,
      answers: (json['answers'] as Json[]).map((given) =>
        given['place'] === 2 ? { ...given, answer: ofLaterFormat(given['answer']) } : given,
      ),
    }))
    const bent = await (await fresh.sync({ fetch: later })).contacts.restore()
    expect(bent).toMatchObject({ status: 'too-few', answers: 2 })
    expect(await answer(dave, { owner, digits })).toBe('answered')
    expect(await restore(fresh)).toMatchObject({ status: 'restored', wrongShares: ['Carol'] })
  })

  test('between device and contacts shows other digits when he puts his own key there', async () => {
    const owner = await newOwner()
    const [bob] = friends as [Contact]
    const fresh = await place.newDevice({ phone: owner.phone })
    const own = toBase64(deriveXWingPublicKey(randomBytes(32)))
    const swapping = bendBody(place.network, '/v1/contacts/requests/', (json) => ({
      ...json,
      publicKey: own,
    }))
    const { digits } = await ask(fresh, { fetch: swapping })
    place.passTime(WEEK_MS)
    const shown: string[] = []
    const [request] = await askedOf(bob, owner.accountId)
    const outcome = await (
      await bob.sync()
    ).contacts.answer({
      identity: bob.identity,
      ownerId: owner.accountId,
      requestId: request?.requestId ?? '',
      confirm: (asked) => {
        shown.push(asked.digits)
        return Promise.resolve(asked.digits === digits)
      },
    })
    expect(outcome).toEqual({ status: 'refused' })
    expect(shown).toHaveLength(1)
    expect(await countOf(owner.accountId)).toMatchObject({ answers: 0 })
  })

  test('who gives a contact another person’s share, or an altered one, is refused', async () => {
    const [one, two] = [await newOwner(), await newOwner()]
    const [bob] = friends as [Contact]
    const { digits } = await ask(await place.newDevice({ phone: one.phone }))
    await ask(await place.newDevice({ phone: two.phone }))
    place.passTime(WEEK_MS)
    const list = await rawAsked(bob)
    const foreign = list.find(({ ownerId }) => ownerId === two.accountId)
    const flipped = parseBase64(String(foreign?.['share']), 'share')
    flipped[0] = (flipped[0] ?? 0) ^ 1
    for (const lie of [
      { names: foreign?.['names'], share: foreign?.['share'] },
      { share: foreign?.['share'] },
      { share: toBase64(flipped) },
    ]) {
      const lying = bendAnswer(place.network, '/v1/contacts/asked', (json) => ({
        ...json,
        asked: (json['asked'] as Record<string, unknown>[]).map((request) =>
          request['ownerId'] === one.accountId ? { ...request, ...lie } : request,
        ),
      }))
      await expect(answer(bob, { owner: one, digits }, { fetch: lying })).rejects.toMatchObject({
        code: 'ERR_ENVELOPE_REJECTED',
      })
    }
    const circling = bendAnswer(place.network, '/v1/contacts/asked', (json) => ({
      ...json,
      next: `${one.accountId}.${'0'.repeat(32)}`,
    }))
    const endless = (await bob.sync({ fetch: circling })).contacts.asked({ identity: bob.identity })
    await expect(endless).rejects.toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
    const later = bendAnswer(place.network, '/v1/contacts/asked', (json) => ({
      ...json,
      asked: (json['asked'] as Json[]).map((request) =>
        request['ownerId'] === two.accountId
          ? { ...request, names: ofLaterFormat(request['names']) }
          : request,
      ),
    }))
    const shown = await (await bob.sync({ fetch: later })).contacts.asked({ identity: bob.identity })
    const nameOf = (owner: TestPerson): string | undefined =>
      shown.find(({ ownerId }) => ownerId === owner.accountId)?.ownerName
    expect([nameOf(one), nameOf(two)]).toEqual(['Alice', undefined])
    const stranger = { ...bob, identity: await generateIdentity() }
    expect((await askedOf(stranger, one.accountId))[0]?.ownerName).toBeUndefined()
    expect(await answer(bob, { owner: one, digits })).toBe('answered')
  })
})

describe('contacts that are changed', () => {
  test('or removed open nothing any more, also with what they were given before', async () => {
    const owner = await newOwner()
    const [bob, carol, dave] = friends as [Contact, Contact, Contact]
    const thief = await place.newDevice({ phone: owner.phone })
    const { digits } = await ask(thief)
    place.passTime(WEEK_MS)
    const answers: unknown[] = []
    const taking = bendBody(place.network, '/v1/contacts/asked/', (json) => {
      answers.push(json['answer'])
      return json
    })
    for (const contact of [bob, carol]) {
      expect(await answer(contact, { owner, digits }, { fetch: taking })).toBe('answered')
    }
    const next = await (await owner.sync()).contacts.set(inputOf(cardsOf([carol, dave])))
    expect(next).toMatchObject({ status: 'set' })
    expect((await (await owner.sync()).listWays()).filter(({ type }) => type === 'contacts')).toHaveLength(1)
    expect(await askedOf(bob, owner.accountId)).toEqual([])
    // A server that kept the two answers of before gives them out once more.
    const keeping = bendAnswer(place.network, '/v1/contacts/requests/', () => ({
      ...REQUEST,
      answers: answers.map((sealed, index) => ({ place: index + 1, answer: sealed })),
    }))
    const outcome = await (await thief.sync({ fetch: keeping })).contacts.restore()
    expect(outcome).toEqual({ status: 'unknown-way' })
    expect(await (await owner.sync()).contacts.remove()).toMatchObject({ status: 'removed' })
    expect(await (await owner.sync()).contacts.remove()).toEqual({ status: 'no-contacts' })
    expect(await (await thief.sync()).contacts.ask()).toEqual({ status: 'no-contacts' })
    expect(await countOf(owner.accountId)).toEqual(NOTHING)
    const wayId = next.status === 'set' ? next.wayId : ''
    expect((await (await owner.sync()).listWays()).map(({ id }) => id)).not.toContain(wayId)
  })

  test('are taken out of use by their own call, and go with the backup and with an account', async () => {
    const leaving = await newContact('Erin')
    const owner = await newOwner([...friends, leaving])
    const ways = await (await owner.sync()).listWays()
    const way = ways.find(({ type }) => type === 'contacts')
    expect(await (await owner.sync()).removeWay({ id: way?.id ?? '' })).toEqual({
      status: 'has-its-own-call',
    })
    await ask(await place.newDevice({ phone: owner.phone }))
    expect(await (await leaving.sync()).deleteAccount()).toMatchObject({ status: 'account-deleted' })
    const { set } = await (await owner.sync()).contacts.list()
    expect(set?.members.map(({ name, present }) => [name, present])).toEqual([
      ['Bob', true],
      ['Carol', true],
      ['Dave', true],
      ['Erin', false],
    ])
    expect(await countOf(owner.accountId)).toEqual({ sets: 1, shares: 3, requests: 1, answers: 0 })
    expect(await (await owner.sync()).deleteBackup()).toMatchObject({ status: 'deleted' })
    expect(await countOf(owner.accountId)).toEqual(NOTHING)
  })

  test('by a device that is killed after any step are set by the next try, and no others are left', async () => {
    const cards = cardsOf(friends.slice(0, 2))
    const owner = await newOwner()
    await forEachCut(async (steps) => {
      const cut = cutAfter(owner.vault, steps)
      const done = await attempt(async () => (await owner.sync(cut)).contacts.set(inputOf(cards)))
      expect(await (await owner.sync()).contacts.set(inputOf(cards))).toMatchObject({ status: 'set' })
      const { set } = await (await owner.sync()).contacts.list()
      expect(set?.members.map(({ name, present }) => [name, present])).toEqual([
        ['Bob', true],
        ['Carol', true],
      ])
      expect((await (await owner.sync()).listWays()).filter(({ type }) => type === 'contacts')).toHaveLength(
        1,
      )
      return done === undefined
    }, FEW_CUTS)
  })
})

test('what cannot be is refused before anything is made', async () => {
  const owner = await place.newDevice()
  await owner.keys.importKeys(makeKeys(0))
  const good = inputOf(cardsOf(friends))
  expect(await (await owner.sync()).contacts.set(good)).toEqual({ status: 'no-backup' })
  await (await owner.sync()).backup({ pin: PIN })
  const [bob = good.contacts[0]] = good.contacts
  if (bob === undefined) throw new Error('There are contacts.')
  for (const wrong of [
    { threshold: 1 },
    { threshold: 4 },
    { contacts: [bob] },
    { contacts: [bob, bob] },
    { contacts: [...good.contacts.slice(1), { ...bob, accountId: owner.accountId }] },
    { contacts: [...good.contacts.slice(1), { ...bob, name: '' }] },
    { ownerName: 'A\n' },
    { waitDays: 91 },
  ]) {
    const setting = (await owner.sync()).contacts.set({ ...good, ...wrong })
    await expect(setting).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
  }
  expect((await (await owner.sync()).listWays()).map(({ type }) => type)).toEqual(['pin', 'device'])
})

/** A request as a server tells it that makes things up. */
const REQUEST = {
  id: '11'.repeat(16),
  device: '22'.repeat(16),
  label: 'x',
  requestedAt: '2026-01-01T00:00:00.000Z',
  dueAt: '2026-01-01T00:00:00.000Z',
  expiresAt: '2027-01-01T00:00:00.000Z',
}

function ofLaterFormat(base64: unknown): string {
  const bytes = parseBase64(String(base64), 'sealed')
  bytes[0] = 2
  return toBase64(bytes)
}

async function rawAsked(contact: Contact): Promise<readonly Json[]> {
  const seen: Json[] = []
  const taking = bendAnswer(place.network, '/v1/contacts/asked', (json) => {
    seen.push(...(json['asked'] as Json[]))
    return json
  })
  await (await contact.sync({ fetch: taking })).contacts.asked({ identity: contact.identity })
  return seen
}
