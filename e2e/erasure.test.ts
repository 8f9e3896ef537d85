/**
 * What a thief of the database finds of a person who has deleted the account: every table of the catalogue, those of the
 * page's messenger and of a table that is made tomorrow too, is read whole and searched.
 */
import { beforeAll, expect, test } from 'vitest'
import { toBase64, toHex, utf8 } from 'keyhaven/crypto'
import { generateIdentity } from 'keyhaven/identity'
import type { Fetch } from 'keyhaven/sync'
import { ask, askedOf, cardsOf, inputOf } from './testing/contacts.ts'
import type { Contact } from './testing/contacts.ts'
import { openMessengerPlace } from './testing/messenger-people.ts'
import type { MessengerPlace } from './testing/messenger-people.ts'
import { PIN } from './testing/people.ts'
import type { TestPerson } from './testing/people.ts'

const WEEK_MS = 7 * 86_400_000
const LABELS = ['Canary’s telephone', 'Canary’s computer', 'Canary’s tablet']
const AGENT = 'canary-agent/7'
const ADDRESS = '127.0.0.1'
const NAME = 'Canary Öztürk'
let people: MessengerPlace

beforeAll(async () => {
  people = await openMessengerPlace()
})

interface Row {
  readonly table: string
  readonly text: string
}

async function dump(): Promise<readonly Row[]> {
  const { database } = people.place.app
  const tables = await database.asSuperuser<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
      ORDER BY 1`,
  )
  const read = tables.map(async ({ name }) => {
    const rows = await database.asSuperuser<{ text: string }>(`SELECT t::text AS text FROM ${name} t`)
    return rows.map(({ text }) => ({ table: name, text: text.toLowerCase() }))
  })
  return (await Promise.all(read)).flat()
}

/** The tables that have this text, in clear or as bytes. */
function tablesWith(rows: readonly Row[], text: string): readonly string[] {
  const spellings = [text, toHex(utf8(text)), toBase64(utf8(text))].map((one) => one.toLowerCase())
  const found = rows.filter((row) => spellings.some((one) => row.text.includes(one)))
  return [...new Set(found.map(({ table }) => table))].sort()
}

/** The tables that have this account's id, as a UUID or as bytes. */
function tablesAbout(rows: readonly Row[], accountId: string): readonly string[] {
  const ids = [accountId, accountId.replaceAll('-', '')]
  const found = rows.filter((row) => ids.some((id) => row.text.includes(id)))
  return [...new Set(found.map(({ table }) => table))].sort()
}

async function newContact(name: string): Promise<Contact> {
  return { ...(await people.newPerson()), name, identity: await generateIdentity() }
}

/** A network on which the device names its program. */
const named: Fetch = (input, init) => {
  const headers = new Headers(init?.headers)
  headers.set('user-agent', AGENT)
  return people.place.network(input, { ...init, headers })
}

/** A person of whom there is something in every corner. */
async function fullLife(): Promise<{ readonly person: TestPerson; readonly others: readonly Contact[] }> {
  const { place } = people
  const others = await Promise.all(['Bob', 'Carol', 'Dave'].map(newContact))
  const [bob, carol] = others as [Contact, Contact]
  const first = await people.newPerson()
  const [label = ''] = LABELS
  expect(await (await first.sync({ fetch: named })).backup({ pin: PIN })).toMatchObject({ created: true })
  await (await first.sync()).renameDevice({ id: first.deviceId, label })
  await (await first.sync()).contacts.set({ ...inputOf(cardsOf(others)), ownerName: NAME })
  const second = await place.newDevice({ phone: first.phone, label: LABELS[1] ?? '' })
  const asked = await ask(second, { fetch: named })
  const third = await place.newDevice({ phone: first.phone, label: LABELS[2] ?? '' })
  expect(await (await third.sync({ fetch: named })).restore({ pin: PIN })).toMatchObject({
    status: 'restored',
  })
  await (await bob.sync()).backup({ pin: PIN })
  const cards = cardsOf([{ ...first, name: NAME, identity: bob.identity }, carol, others[2] ?? carol])
  await (await bob.sync()).contacts.set({ ...inputOf(cards), ownerName: 'Bob' })
  place.passTime(WEEK_MS)
  const [request] = await askedOf(bob, first.accountId)
  const answered = await (
    await bob.sync()
  ).contacts.answer({
    identity: bob.identity,
    ownerId: first.accountId,
    requestId: request?.requestId ?? '',
    confirm: ({ digits }) => Promise.resolve(digits === asked.digits),
  })
  expect(answered).toEqual({ status: 'answered' })
  const [mine, his] = [await people.messengerOf(first), await people.messengerOf(bob)]
  const { id, code } = await mine.invite()
  await his.join(code)
  await mine.send(id, NAME)
  await his.rename(id, NAME)
  await mine.rename(id, 'Bob')
  return { person: first, others }
}

test('a deleted account leaves ids, events and times, and nothing that says whose they were', async () => {
  const { person, others } = await fullLife()
  const [{ hash } = { hash: '' }] = await people.place.app.database.asSuperuser<{ hash: string }>(
    "SELECT encode(phone_hash, 'hex') AS hash FROM auth.phones WHERE user_id = $1",
    [person.accountId],
  )
  const before = await dump()
  for (const label of LABELS) expect(tablesWith(before, label)).toContain('app.devices')
  expect(tablesWith(before, AGENT)).toEqual(['app.access_log'])
  expect(tablesWith(before, ADDRESS)).toContain('app.access_log')
  expect(tablesWith(before, hash)).toEqual(['auth.phones'])
  expect(tablesAbout(before, person.accountId)).toEqual(expect.arrayContaining(['messenger.messages']))

  const { account } = await (await person.sync()).exportEverything()
  expect(account).toMatchObject({
    contacts: { threshold: 2 },
    contactRequests: [{ label: LABELS[1], answers: 1 }],
    contactOf: [others[0]?.accountId],
    links: [],
  })
  expect(await (await person.sync()).deleteAccount()).toEqual({ status: 'account-deleted', remainsOn: [] })

  const after = await dump()
  const marks = [...LABELS, AGENT, NAME, person.phone, person.phone.slice(1), hash]
  for (const mark of marks) expect([mark, tablesWith(after, mark)]).toEqual([mark, []])
  expect(tablesAbout(after, person.accountId)).toEqual(STAYS)
  const ofAccount = after.filter(({ text }) => text.includes(person.accountId))
  expect(tablesWith(ofAccount, ADDRESS)).toEqual([])
  expect(tablesAbout(after, others[0]?.accountId ?? '')).toContain('app.contact_shares')
})

/** What says that there was an account, and what was done with it. */
const STAYS = [
  'app.access_log',
  'app.access_log_counts',
  'app.access_log_heads',
  'app.accounts',
  'app.devices',
  'app.logs',
  'app.removed_backups',
]
