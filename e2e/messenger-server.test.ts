/** What the messenger's server gives, takes and refuses, over its routes and in its tables. */
import { beforeAll, describe, expect, test } from 'vitest'
import { parseHex, randomBytes, toBase64, toHex } from 'keyhaven/crypto'
import { parseInvite } from '../packages/page/src/web/messenger/invite.ts'
import { MOST_TEXT_BYTES } from '../packages/page/src/web/messenger/write.ts'
import { openMessengerPlace, textsOf } from './testing/messenger-people.ts'
import type { Json, MessengerPlace, Pair } from './testing/messenger-people.ts'
import { watchConformance } from '../packages/server/src/openapi/testing/conformance.ts'

let people: MessengerPlace
let shared: Pair

beforeAll(async () => {
  people = await openMessengerPlace()
  shared = await people.newPair()
  await shared.annas.send(shared.id, 'one')
})

describe('the server', () => {
  test('gives no conversation to other accounts, and takes nothing of another shape', async () => {
    const { bens, id } = shared
    const before = textsOf(await bens.read(id))
    const { app } = people.place
    const stranger = await app.signIn()
    const path = `/v1/messenger/conversations/${id}`
    const message = { id: toHex(randomBytes(16)), body: 'AAAA' }
    expect((await stranger.get(path)).code).toBe('ERR_NOT_FOUND')
    expect((await stranger.get(`${path}/messages?after=0`)).code).toBe('ERR_NOT_FOUND')
    expect((await stranger.post(`${path}/messages`, message)).code).toBe('ERR_NOT_FOUND')
    const name = (bytes: number): { readonly method: 'PUT'; readonly json: Json } => ({
      method: 'PUT',
      json: { name: toBase64(randomBytes(bytes)) },
    })
    expect((await stranger.send(`${path}/name`, name(305))).code).toBe('ERR_NOT_FOUND')
    expect((await stranger.send(`${path}/name`, name(304))).code).toBe('ERR_BODY_MALFORMED')
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
    expect(textsOf(await bens.read(id))).toEqual(before)
  })

  test('refuses a text that is too long before it is sent, a body that is too large, and the 61st in a minute', async () => {
    const { annas, id } = shared
    const longest = 'ü'.repeat(MOST_TEXT_BYTES / 2)
    expect(textsOf(await annas.send(id, longest)).at(-1)).toBe(longest)
    await expect(annas.send(id, `${longest}x`)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    await expect(annas.send(id, '')).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    const host = await people.place.app.signIn()
    const guest = await people.place.app.signIn()
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
    await people.place.app.database.asSuperuser(
      `INSERT INTO messenger.messages SELECT user_id, conversation_id, place, user_id, decode(md5(place::text), 'hex'), '\\x00', now() + interval '1 hour'
         FROM messenger.conversations, generate_series(2, 59) AS place WHERE conversation_id = $1`,
      [parseHex(own, 'id', 16)],
    )
    expect((await send(randomBytes(5))).body).toEqual({ place: 60 })
    await people.place.app.database.asSuperuser(
      "UPDATE messenger.messages SET sent_at = now() + interval '1 hour' WHERE conversation_id = $1",
      [parseHex(own, 'id', 16)],
    )
    expect((await send(randomBytes(5))).code).toBe('ERR_RATE_LIMITED')
    expect((await send(randomBytes(5), first)).body).toEqual({ place: 1 })
    expect(((await guest.get(`${path}?after=0`)).body['messages'] as unknown[]).length).toBe(32)
  })

  test('has row-level security that lets nobody else see, change, add or remove, by any verb', async () => {
    const { anna, ben, annas, id } = await people.newPair()
    const waiting = await annas.invite()
    const stranger = (await people.place.newDevice()).accountId
    const { database } = people.place.app.database
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
    await annas.rename(id, 'Ben')
    const named = (user: string, conversationId: string): string =>
      `INSERT INTO messenger.names VALUES ('${user}', '\\x${conversationId}', decode(repeat('00', 305), 'hex'))`
    for (const user of [ben.accountId, stranger]) {
      expect(await attempt(user, `SELECT FROM messenger.names WHERE ${conversation}`)).toBe(0)
      expect(await attempt(user, 'UPDATE messenger.names SET name = name')).toBe(0)
      expect(await attempt(user, 'UPDATE messenger.names SET user_id = user_id')).toBe(DENIED)
      expect(await attempt(user, 'DELETE FROM messenger.names')).toBe(DENIED)
      expect(await attempt(user, named(anna.accountId, waiting.id))).toBe(DENIED)
      expect(await attempt(user, named(user, waiting.id))).toBe(DENIED)
    }
    expect(await attempt(ben.accountId, named(ben.accountId, id))).toBe(1)
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

  test('tells its routes in /openapi.json, and answers as it says there', async () => {
    const { app } = people.place
    const { document, unseen, deviations, taken } = await watchConformance(app)
    const below = '/v1/messenger/'
    const told = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/[{}]/g, ':')}`),
    )
    const there = app.routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, ':$1:')}`)
    expect(told.filter((route) => route.includes(below)).length).toBeGreaterThan(8)
    expect(told.toSorted()).toEqual([...new Set(there)].toSorted())
    const { annas, bens, id } = await people.newPair()
    await annas.send(id, 'one')
    await annas.rename(id, 'Ben')
    await bens.read(id)
    await annas.list()
    const { id: waiting } = await annas.invite()
    await annas.read(waiting)
    await bens.remove(id)
    await app.send(`${below}conversations`)
    expect(unseen(below)).toEqual([])
    expect(deviations()).toEqual([])
    expect(taken().length).toBeGreaterThan(4)
    expect(taken().filter(([, fault]) => fault !== undefined)).toEqual([])
  })
})
