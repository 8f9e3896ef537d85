/** The page's messenger over the real server and database; some tests have a server that bends what it answers. */
import { beforeAll, describe, expect, test } from 'vitest'
import { parseHex, randomBytes, toBase64, toHex } from 'keyhaven/crypto'
import { generateIdentity, writeIdentity } from 'keyhaven/identity'
import { openSession } from 'keyhaven/sync'
import type { Fetch } from 'keyhaven/sync'
import { addMessengerRoutes } from '../packages/page/src/server/messenger/routes.ts'
import { deriveProof, parseInvite } from '../packages/page/src/web/messenger/invite.ts'
import { MOST_TEXT_BYTES, openMessenger } from '../packages/page/src/web/messenger/messenger.ts'
import type { Messenger, View } from '../packages/page/src/web/messenger/messenger.ts'
import { PIN, openPlaces } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place
/** Anna wrote three messages to Ben. */
let shared: Pair

beforeAll(async () => {
  const [opened] = await openPlaces([{}], { routes: addMessengerRoutes })
  if (opened === undefined) throw new Error('One place was asked for.')
  place = opened
  shared = await newPair()
  for (const text of ['one', 'two', 'three']) await shared.annas.send(shared.id, text)
  await shared.bens.read(shared.id)
})

type Json = Record<string, unknown>
/** What a server that lies makes of an answer's body. */
type Bend = (path: string, body: Json) => Json

async function messengerOf(person: TestPerson, bend: Bend = (_, body) => body): Promise<Messenger> {
  const bent: Fetch = async (input, init) => {
    const answer = await place.network(input, init)
    const { pathname } = new URL(input as string)
    if (!pathname.startsWith('/v1/messenger/') || !answer.ok || answer.status === 204) return answer
    return Response.json(bend(pathname, (await answer.json()) as Json), { status: answer.status })
  }
  const session = await openSession({ vault: person.vault, fetch: bent })
  if (session === undefined) throw new Error('The test device is not signed in.')
  return openMessenger({ vault: person.vault, keys: person.keys, session })
}

async function newPerson(): Promise<TestPerson> {
  const person = await place.newDevice()
  const identity = writeIdentity(await generateIdentity())
  await person.keys.importKeys({ identityKeys: { identity }, conversationKeys: {} })
  return person
}

interface Pair {
  readonly anna: TestPerson
  readonly ben: TestPerson
  readonly annas: Messenger
  readonly bens: Messenger
  readonly id: string
  readonly code: string
}

async function newPair(): Promise<Pair> {
  const [anna, ben] = [await newPerson(), await newPerson()]
  const [annas, bens] = [await messengerOf(anna), await messengerOf(ben)]
  const { id, code } = await annas.invite()
  expect(await bens.join(code)).toEqual({ status: 'joined', id })
  return { anna, ben, annas, bens, id, code }
}

function texts(view: View): readonly string[] {
  if (view.status !== 'ready') return [view.status]
  return view.entries.map((entry) => (entry.kind === 'text' ? entry.text : entry.kind))
}

const altered = (view: View): boolean => view.status === 'ready' && view.altered

describe('two people', () => {
  test('meet by a link, write, renew the key, and read all of it on a device that was restored', async () => {
    const [anna, ben] = [await newPerson(), await newPerson()]
    const [annas, bens] = [await messengerOf(anna), await messengerOf(ben)]
    const backedUp = await (await anna.sync()).backup({ pin: PIN })
    expect(backedUp.status).toBe('backed-up')
    const { id, code } = await annas.invite()
    expect(await annas.read(id)).toMatchObject({ status: 'waiting' })
    expect(await bens.join(code)).toEqual({ status: 'joined', id })
    await bens.send(id, '<b>hello</b>')
    await annas.send(id, 'hello, Ben')
    expect(await annas.renew(id)).toMatchObject({ status: 'ready', epoch: 2 })
    await bens.send(id, 'under a new key')
    const all = ['new-key', '<b>hello</b>', 'hello, Ben', 'new-key', 'under a new key']
    const [hers, his] = [await annas.read(id), await bens.read(id)]
    expect([texts(hers), texts(his)]).toEqual([all, all])
    expect([altered(hers), altered(his)]).toEqual([false, false])
    expect(hers).toMatchObject({
      safetyNumber: his.status === 'ready' ? his.safetyNumber : '',
      compared: false,
    })
    await annas.markCompared(id)
    expect(await annas.read(id)).toMatchObject({ compared: true })
    expect(await bens.list()).toMatchObject([{ id, joined: true, messages: 5 }])

    expect((await (await anna.sync()).sync()).status).toBe('synced')
    const tablet = await place.newDevice({ phone: anna.phone })
    expect((await (await tablet.sync()).restore({ pin: PIN })).status).toBe('restored')
    const keys = await tablet.keys.getConversationKeys(id)
    expect(keys.map(({ keyId }) => keyId)).toEqual(
      (await anna.keys.getConversationKeys(id)).map(({ keyId }) => keyId),
    )
    const tablets = await messengerOf(tablet)
    expect(texts(await tablets.read(id))).toEqual(all)
    await tablets.send(id, 'from the tablet')
    expect(texts(await annas.read(id)).at(-1)).toBe('from the tablet')
    expect(altered(await bens.read(id))).toBe(false)
  })

  test('start an epoch at once and write at once, and both read everything alike', async () => {
    const { annas, bens, id } = await newPair()
    await bens.send(id, 'first')
    await Promise.all([annas.renew(id), bens.renew(id), annas.send(id, 'a'), bens.send(id, 'b')])
    await annas.send(id, 'last')
    const [hers, his] = [await annas.read(id), await bens.read(id)]
    expect(texts(hers)).toEqual(texts(his))
    expect([...texts(hers)].filter((text) => text !== 'new-key').sort()).toEqual(['a', 'b', 'first', 'last'])
    expect([altered(hers), altered(his)]).toEqual([false, false])
  })

  test('leave nothing readable in the database, and nothing at all once one of them removes it', async () => {
    const { annas, bens, id } = await newPair()
    await annas.send(id, 'MARKER-of-this-test')
    const dump = async (): Promise<string> =>
      JSON.stringify(
        await place.app.database.asSuperuser(
          `SELECT encode(m.body, 'escape') AS body, encode(m.conversation_id, 'hex') AS id FROM messenger.messages m WHERE conversation_id = $1`,
          [parseHex(id, 'id', 16)],
        ),
      )
    expect(await dump()).toContain(id)
    expect(await dump()).not.toContain('MARKER')
    await bens.remove(id)
    expect(await dump()).toBe('[]')
    expect(await annas.list()).toEqual([])
  })
})

describe('an invitation', () => {
  test('is good once, for another account, for seven days', async () => {
    const { annas, bens, anna, id, code } = await newPair()
    const [strangers, old] = [await messengerOf(await newPerson()), await annas.invite()]
    expect(await strangers.join(code)).toEqual({ status: 'not-there' })
    expect(await annas.join(code)).toEqual({ status: 'not-there' })
    expect(await bens.join(code)).toEqual({ status: 'joined', id })
    for (const wrong of ['', 'x', 'A'.repeat(64), `${code}A`])
      expect(await strangers.join(wrong)).toEqual({ status: 'not-there' })
    await place.app.database.asSuperuser(
      "UPDATE messenger.conversations SET expires_at = now() - interval '1 day' WHERE conversation_id = $1",
      [parseHex(old.id, 'id', 16)],
    )
    expect(await strangers.join(old.code)).toEqual({ status: 'not-there' })
    expect((await anna.keys.getConversationKeys(id)).length).toBe(1)
  })

  test('names no inviter but its own: a server that shows another identity is found out', async () => {
    const [anna, ben, mallory] = [await newPerson(), await newPerson(), await generateIdentity()]
    const { code } = await (await messengerOf(anna)).invite()
    const swapping = await messengerOf(ben, (path, body) =>
      path.endsWith('/invites/read')
        ? { ...body, host: { ...(body['host'] as Json), identity: toBase64(mallory.publicIdentity.bytes) } }
        : body,
    )
    expect(await swapping.join(code)).toEqual({ status: 'forged' })
    expect((await ben.keys.listKeys()).filter(({ kind }) => kind === 'conversation')).toEqual([])
  })

  test('proves who joined: a server that puts another identity in his place is found out', async () => {
    const { anna, annas, id, code } = shared
    const mallory = (await generateIdentity()).publicIdentity
    const swap =
      (proof?: Uint8Array): Bend =>
      (_, body) => {
        const guest = body['guest'] as Json | undefined
        if (guest === undefined) return body
        const identity = toBase64(mallory.bytes)
        return { ...body, guest: { ...guest, identity, ...(proof && { proof: toBase64(proof) }) } }
      }
    const forged = await messengerOf(anna, swap())
    expect(await forged.read(id)).toEqual({ status: 'forged' })
    expect(await forged.send(id, 'secret')).toEqual({ status: 'forged' })
    // A server that has the link itself can prove it, but not after the first one was seen.
    const before = texts(await annas.read(id))
    const secret = parseInvite(code)?.secret ?? new Uint8Array()
    const proof = deriveProof({ secret, id, role: 'guest', fingerprint: mallory.fingerprint })
    const replaced = await messengerOf(anna, swap(proof))
    expect(await replaced.read(id)).toMatchObject({ status: 'changed' })
    expect(await replaced.send(id, 'secret')).toMatchObject({ status: 'changed' })
    expect(await replaced.renew(id)).toMatchObject({ status: 'changed' })
    expect(texts(await annas.read(id))).toEqual(before)
  })
})

describe('a server that lies about a conversation', () => {
  /** Ben reads the key and the three messages for the first time, as his server bends them. */
  async function readBent(bend: (messages: readonly Json[]) => readonly Json[]): Promise<View> {
    const { ben, id } = shared
    await ben.vault.delete(`messenger/${id}`)
    let first = true
    const bens = await messengerOf(ben, (path, body) => {
      if (!path.endsWith('/messages')) return body
      const messages = first ? bend((body['messages'] as Json[]).slice(0, 4)) : []
      first = false
      return { messages: messages.map((message, index) => ({ ...message, place: index + 1 })) }
    })
    return bens.read(id)
  }

  const edit = (message: Json | undefined): Json => {
    const body = Buffer.from(String(message?.['body']), 'base64')
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1
    return { ...message, body: body.toString('base64') }
  }

  test.each<[string, (messages: readonly Json[]) => readonly Json[], readonly string[]]>([
    ['and does not', (all) => all, ['new-key', 'one', 'two', 'three']],
    ['leaves one out', ([key = {}, , ...rest]) => [key, ...rest], ['new-key', 'two', 'three']],
    ['leaves the key out', ([, ...rest]) => rest, ['one', 'two', 'three']],
    [
      'changes the order',
      ([key = {}, one = {}, two = {}, three = {}]) => [key, two, one, three],
      ['new-key', 'two', 'one', 'three'],
    ],
    [
      'repeats one under its id',
      (all) => [...all, ...all.slice(1, 2)],
      ['new-key', 'one', 'two', 'three', 'unreadable'],
    ],
    [
      'repeats one under another id',
      (all) => [...all, ...all.slice(1, 2).map((one) => ({ ...one, id: 'ab'.repeat(16) }))],
      ['new-key', 'one', 'two', 'three', 'unreadable'],
    ],
    [
      'repeats a key',
      (all) => [...all, ...all.slice(0, 1).map((one) => ({ ...one, id: 'ab'.repeat(16) }))],
      ['new-key', 'one', 'two', 'three', 'unreadable'],
    ],
    [
      'edits one',
      ([key = {}, one, ...rest]) => [key, edit(one), ...rest],
      ['new-key', 'unreadable', 'two', 'three'],
    ],
    [
      'names the other as sender',
      (all) => all.map((message, index) => (index === 2 ? { ...message, mine: true } : message)),
      ['new-key', 'one', 'unreadable', 'three'],
    ],
    [
      'adds rubbish',
      (all) => [...all, { ...all[0], id: 'cd'.repeat(16), body: toBase64(randomBytes(200)) }],
      ['new-key', 'one', 'two', 'three', 'unreadable'],
    ],
  ])('%s', async (name, bend, shown) => {
    const view = await readBent(bend)
    expect(texts(view)).toEqual(shown)
    expect(altered(view)).toBe(name !== 'and does not')
  })

  test('and cuts the end off what this device has seen', async () => {
    const { ben, id } = shared
    await ben.vault.delete(`messenger/${id}`)
    expect(altered(await (await messengerOf(ben)).read(id))).toBe(false)
    const cut = await messengerOf(ben, (path, body) =>
      path.endsWith('/messages')
        ? { messages: (body['messages'] as Json[]).filter(({ place: at }) => Number(at) < 3) }
        : body,
    )
    expect(altered(await cut.read(id))).toBe(true)
    expect(altered(await (await messengerOf(ben)).read(id))).toBe(false)
  })

  test('and loses an answer: the message is there once', async () => {
    const { ben, id } = shared
    await ben.vault.delete(`messenger/${id}`)
    let losing = true
    const session = await openSession({
      vault: ben.vault,
      fetch: async (input, init) => {
        const answer = await place.network(input, init)
        if (!losing || init?.method !== 'POST') return answer
        losing = false
        throw new TypeError('lost')
      },
    })
    if (session === undefined) throw new Error('The test device is not signed in.')
    const view = await openMessenger({ vault: ben.vault, keys: ben.keys, session }).send(id, 'again')
    expect(texts(view).filter((text) => text === 'again')).toEqual(['again'])
    expect(losing).toBe(false)
  })
})

describe('the server', () => {
  test('gives no conversation to other accounts, and takes nothing of another shape', async () => {
    const { bens, id } = shared
    const before = texts(await bens.read(id))
    const { app } = place
    const stranger = await app.signIn()
    const path = `/v1/messenger/conversations/${id}`
    const message = { id: toHex(randomBytes(16)), body: 'AAAA' }
    expect((await stranger.get(path)).code).toBe('ERR_NOT_FOUND')
    expect((await stranger.get(`${path}/messages?after=0`)).code).toBe('ERR_NOT_FOUND')
    expect((await stranger.post(`${path}/messages`, message)).code).toBe('ERR_NOT_FOUND')
    expect((await stranger.send(path, { method: 'DELETE' })).status).toBe(204)
    expect((await stranger.get('/v1/messenger/conversations')).body).toEqual({ conversations: [] })
    expect((await app.send(path)).code).toBe('ERR_SIGNED_OUT')
    const own = { id: toHex(randomBytes(16)), invite: toHex(randomBytes(32)) }
    for (const body of [
      { ...own, identity: 'AAAA', proof: 'AAAA' },
      { ...own, identity: toBase64(randomBytes(3201)), proof: toBase64(randomBytes(31)) },
      { ...own, id: 'x', identity: toBase64(randomBytes(3201)), proof: toBase64(randomBytes(32)) },
    ])
      expect((await stranger.post('/v1/messenger/conversations', body)).code).toBe('ERR_BODY_MALFORMED')
    expect(texts(await bens.read(id))).toEqual(before)
  })

  test('refuses a text that is too long before it is sent, a body that is too large, and the 61st in a minute', async () => {
    const { annas, id } = shared
    const longest = 'ü'.repeat(MOST_TEXT_BYTES / 2)
    expect(texts(await annas.send(id, longest)).at(-1)).toBe(longest)
    await expect(annas.send(id, `${longest}x`)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    await expect(annas.send(id, '')).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    const host = await place.app.signIn()
    const guest = await place.app.signIn()
    const member = { identity: toBase64(randomBytes(3201)), proof: toBase64(randomBytes(32)) }
    const [own, invite] = [toHex(randomBytes(16)), toHex(randomBytes(32))]
    const started = { id: own, invite, ...member }
    expect((await host.post('/v1/messenger/conversations', started)).status).toBe(201)
    expect((await host.post('/v1/messenger/conversations', started)).status).toBe(201)
    const path = `/v1/messenger/conversations/${own}/messages`
    const send = (body: Uint8Array, message = toHex(randomBytes(16))): ReturnType<typeof host.post> =>
      host.post(path, { id: message, body: toBase64(body) })
    expect((await send(randomBytes(5))).code).toBe('ERR_NOT_FOUND')
    expect((await guest.post('/v1/messenger/invites/join', { invite, ...member })).status).toBe(204)
    expect((await send(randomBytes(16_385))).code).toBe('ERR_BODY_MALFORMED')
    expect((await send(randomBytes(70_000))).code).toBe('ERR_BODY_TOO_LARGE')
    const first = toHex(randomBytes(16))
    expect((await send(randomBytes(5), first)).body).toEqual({ place: 1 })
    await place.app.database.asSuperuser(
      `INSERT INTO messenger.messages SELECT user_id, conversation_id, place, user_id, decode(md5(place::text), 'hex'), '\\x00', now() + interval '1 hour'
         FROM messenger.conversations, generate_series(2, 59) AS place WHERE conversation_id = $1`,
      [parseHex(own, 'id', 16)],
    )
    expect((await send(randomBytes(5))).body).toEqual({ place: 60 })
    await place.app.database.asSuperuser(
      "UPDATE messenger.messages SET sent_at = now() + interval '1 hour' WHERE conversation_id = $1",
      [parseHex(own, 'id', 16)],
    )
    expect((await send(randomBytes(5))).code).toBe('ERR_RATE_LIMITED')
    expect((await send(randomBytes(5), first)).body).toEqual({ place: 1 })
    expect(((await guest.get(`${path}?after=0`)).body['messages'] as unknown[]).length).toBe(32)
  })

  test('has row-level security that lets nobody else see, change, add or remove, by any verb', async () => {
    const { anna, ben, annas, id } = await newPair()
    const waiting = await annas.invite()
    const stranger = (await place.newDevice()).accountId
    const { database } = place.app.database
    const attempt = async (user: string, sql: string): Promise<number | string> => {
      try {
        return await database.withUser(user, async (t) => (await t.query(sql)).rowCount ?? 0)
      } catch (fault) {
        return String((fault as { readonly code?: unknown }).code)
      }
    }
    const conversation = `conversation_id = '\\x${id}'`
    const DENIED = '42501'
    expect(await attempt(ben.accountId, `SELECT FROM messenger.conversations WHERE ${conversation}`)).toBe(1)
    for (const table of ['conversations', 'messages']) {
      const its = `messenger.${table} WHERE ${conversation}`
      expect(await attempt(stranger, `SELECT FROM ${its}`)).toBe(0)
      expect([0, DENIED]).toContain(await attempt(stranger, `DELETE FROM ${its}`))
      expect(await attempt(stranger, `UPDATE messenger.${table} SET user_id = user_id`)).toBe(DENIED)
    }
    expect(await attempt(anna.accountId, 'UPDATE messenger.messages SET body = body')).toBe(DENIED)
    expect(await attempt(anna.accountId, 'DELETE FROM messenger.messages')).toBe(DENIED)
    const insert = (sender: string): string =>
      `INSERT INTO messenger.messages (user_id, conversation_id, place, sender_id, message_id, body, sent_at)
       VALUES ('${anna.accountId}', '\\x${id}', 9, '${sender}', '\\x${'00'.repeat(16)}', '\\x00', now())`
    expect(await attempt(stranger, insert(stranger))).toBe(DENIED)
    expect(await attempt(ben.accountId, insert(anna.accountId))).toBe(DENIED)
    expect(await attempt(ben.accountId, insert(ben.accountId))).toBe(1)
    const copy = `INSERT INTO messenger.conversations (user_id, conversation_id, identity, proof, invite, expires_at, created_at)
      SELECT '${anna.accountId}', '\\x${'00'.repeat(16)}', identity, proof, '\\x${'00'.repeat(32)}', now(), now() FROM messenger.conversations LIMIT 1`
    expect(await attempt(ben.accountId, copy)).toBe(DENIED)
    // Who has no link cannot join; who is in a conversation cannot put another into it.
    const join = `UPDATE messenger.conversations SET guest_id = '${stranger}', guest_identity = identity, guest_proof = proof`
    expect(await attempt(stranger, join)).toBe(0)
    expect(await attempt(anna.accountId, join)).toBe(0)
    const address = parseInvite(waiting.code)?.address ?? ''
    expect(await attempt(ben.accountId, `SET LOCAL app.invite = '${address}'; ${join}`)).toBe(DENIED)
  })
})
