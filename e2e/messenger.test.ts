/** The page's messenger over the real server and database; some tests have a server that bends what it answers. */
import { beforeAll, describe, expect, test } from 'vitest'
import { parseHex, randomBytes, toBase64 } from 'keyhaven/crypto'
import { generateIdentity } from 'keyhaven/identity'
import { deriveProof, parseInvite } from '../packages/page/src/web/messenger/invite.ts'
import type { Messenger } from '../packages/page/src/web/messenger/messenger.ts'
import type { View } from '../packages/page/src/web/messenger/view.ts'
import { openMessengerPlace, textsOf } from './testing/messenger-people.ts'
import type { Bend, Json, MessengerPlace, Pair } from './testing/messenger-people.ts'
import { PIN } from './testing/people.ts'

let people: MessengerPlace
/** Anna wrote three messages to Ben. */
let shared: Pair

beforeAll(async () => {
  people = await openMessengerPlace()
  shared = await people.newPair()
  for (const text of ['one', 'two', 'three']) await shared.annas.send(shared.id, text)
  await shared.bens.read(shared.id)
})

const altered = (view: View): boolean => view.status === 'ready' && view.altered

describe('two people', () => {
  test('meet by a link, write, renew the key, and read all of it on a device that was restored', async () => {
    const [anna, ben] = [await people.newPerson(), await people.newPerson()]
    const [annas, bens] = [await people.messengerOf(anna), await people.messengerOf(ben)]
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
    expect([textsOf(hers), textsOf(his)]).toEqual([all, all])
    expect([altered(hers), altered(his)]).toEqual([false, false])
    expect(hers).toMatchObject({
      safetyNumber: his.status === 'ready' ? his.safetyNumber : '',
      compared: false,
    })
    await annas.rename(id, 'Ben 🐎')
    await annas.markCompared(id)
    expect(await annas.read(id)).toMatchObject({ compared: true })
    expect(await bens.list()).toMatchObject([{ id, joined: true, messages: 3, name: undefined }])

    expect((await (await anna.sync()).sync()).status).toBe('synced')
    const tablet = await people.place.newDevice({ phone: anna.phone })
    expect((await (await tablet.sync()).restore({ pin: PIN })).status).toBe('restored')
    const keys = await tablet.keys.getConversationKeys(id)
    expect(keys.map(({ keyId }) => keyId)).toEqual(
      (await anna.keys.getConversationKeys(id)).map(({ keyId }) => keyId),
    )
    const tablets = await people.messengerOf(tablet)
    expect(textsOf(await tablets.read(id))).toEqual(all)
    expect(await tablets.list()).toMatchObject([{ id, name: 'Ben 🐎' }])
    await tablets.send(id, 'from the tablet')
    expect(textsOf(await annas.read(id)).at(-1)).toBe('from the tablet')
    expect(altered(await bens.read(id))).toBe(false)
  })

  test('start an epoch at once and write at once, and both read everything alike', async () => {
    const { annas, bens, id } = await people.newPair()
    await bens.send(id, 'first')
    await Promise.all([annas.renew(id), bens.renew(id), annas.send(id, 'a'), bens.send(id, 'b')])
    await annas.send(id, 'last')
    const [hers, his] = [await annas.read(id), await bens.read(id)]
    expect(textsOf(hers)).toEqual(textsOf(his))
    expect([...textsOf(hers)].filter((text) => text !== 'new-key').sort()).toEqual([
      'a',
      'b',
      'first',
      'last',
    ])
    expect([altered(hers), altered(his)]).toEqual([false, false])
  })

  test('leave nothing readable in the database, and nothing at all once one of them removes it', async () => {
    const { annas, bens, id } = await people.newPair()
    await annas.send(id, 'MARKER-of-this-test')
    await annas.rename(id, 'MARKER-of-this-test')
    const dump = async (): Promise<string> =>
      JSON.stringify(
        await people.place.app.database.asSuperuser(
          `SELECT encode(body, 'escape') AS body, encode(conversation_id, 'hex') AS id FROM messenger.messages WHERE conversation_id = $1
             UNION ALL SELECT encode(name, 'escape'), 'name' FROM messenger.names WHERE conversation_id = $1`,
          [parseHex(id, 'id', 16)],
        ),
      )
    expect(await dump()).toContain(id)
    expect(await dump()).toContain('"name"}')
    expect(await dump()).not.toContain('MARKER')
    await bens.remove(id)
    expect(await dump()).toBe('[]')
    expect(await annas.list()).toEqual([])
  })
})

describe('all conversations to take along', () => {
  test('are what the server has, sealed, and what the device reads, without keys and without showing anything as read', async () => {
    const { annas, bens, ben, id } = await people.newPair()
    await annas.send(id, 'hello')
    await annas.renew(id)
    await annas.send(id, 'unread')
    await bens.rename(id, 'Anna')
    const invited = await bens.invite()
    const before = await bens.list()
    expect(before.find((one) => one.id === id)).toMatchObject({ unread: 2 })
    const exported = await bens.exportAll()
    expect(await bens.list()).toEqual(before)
    const rows = await people.place.app.database.asSuperuser<{ body: string }>(
      "SELECT translate(encode(body, 'base64'), E'\n', '') AS body FROM messenger.messages WHERE conversation_id = $1 ORDER BY place",
      [parseHex(id, 'id', 16)],
    )
    const [joined, waiting] = [id, invited.id].map((one) => exported.find((all) => all.id === one))
    expect(joined?.sealedMessages.map(({ body }) => body)).toEqual(rows.map(({ body }) => body))
    expect(joined).toMatchObject({
      id,
      joined: true,
      members: { mine: 'guest' },
      opened: { status: 'ready', name: 'Anna', compared: false, altered: false },
      unsent: [],
    })
    const entries = joined?.opened.status === 'ready' ? joined.opened.entries : []
    expect(entries.map((entry) => (entry.kind === 'text' ? entry.text : entry.kind))).toEqual([
      'new-key',
      'hello',
      'new-key',
      'unread',
    ])
    expect(waiting).toMatchObject({ joined: false, sealedMessages: [], opened: { status: 'waiting' } })
    const text = JSON.stringify(exported)
    const { identityKeys, conversationKeys } = await ben.keys.exportKeys()
    for (const key of Object.values({ ...identityKeys, ...conversationKeys }))
      for (const encoding of ['hex', 'base64'] as const)
        expect(text).not.toContain(Buffer.from(key).toString(encoding))
  })

  test('of a device without the keys, or from a server that lies, are sealed all the same', async () => {
    const bare = await people.place.newDevice({ phone: shared.ben.phone })
    const bares = await people.messengerOf(bare)
    expect(await bares.exportAll()).toMatchObject([
      { id: shared.id, opened: { status: 'fault', code: 'ERR_RECORD_MISSING' } },
    ])
    let pages = 0
    const again = await people.messengerOf(shared.ben, (path, body) => {
      if (!path.endsWith('/messages')) return body
      pages += 1
      const [first, ...others] = body['messages'] as Json[]
      return { messages: [...others, ...(first === undefined ? [] : [{ ...first, body: 'AAAA' }])] }
    })
    const [altered] = await again.exportAll()
    expect(altered?.sealedMessages).toHaveLength(4)
    expect(altered?.opened).toMatchObject({ status: 'ready', altered: true })
    expect(pages).toBeLessThan(10)
  })
})

describe('an invitation', () => {
  test('is good once, for another account, for seven days', async () => {
    const { annas, bens, anna, id, code } = await people.newPair()
    const [strangers, old] = [await people.messengerOf(await people.newPerson()), await annas.invite()]
    expect(await strangers.join(code)).toEqual({ status: 'not-there' })
    expect(await annas.join(code)).toEqual({ status: 'not-there' })
    expect(await bens.join(code)).toEqual({ status: 'joined', id })
    for (const wrong of ['', 'x', 'A'.repeat(64), `${code}A`])
      expect(await strangers.join(wrong)).toEqual({ status: 'not-there' })
    await people.place.app.database.asSuperuser(
      "UPDATE messenger.conversations SET expires_at = now() - interval '1 day' WHERE conversation_id = $1",
      [parseHex(old.id, 'id', 16)],
    )
    expect(await strangers.join(old.code)).toEqual({ status: 'not-there' })
    expect((await anna.keys.getConversationKeys(id)).length).toBe(1)
  })

  test('names no inviter but its own: a server that shows another identity is found out', async () => {
    const [anna, ben, mallory] = [
      await people.newPerson(),
      await people.newPerson(),
      await generateIdentity(),
    ]
    const { code } = await (await people.messengerOf(anna)).invite()
    const swapping = await people.messengerOf(ben, (path, body) =>
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
    const forged = await people.messengerOf(anna, swap())
    expect(await forged.read(id)).toEqual({ status: 'forged' })
    expect(await forged.send(id, 'secret')).toEqual({ status: 'forged' })
    // A server that has the link itself can prove it, but not after the first one was seen.
    const before = textsOf(await annas.read(id))
    const secret = parseInvite(code)?.secret ?? new Uint8Array()
    const proof = deriveProof({ secret, id, role: 'guest', fingerprint: mallory.fingerprint })
    const replaced = await people.messengerOf(anna, swap(proof))
    expect(await replaced.read(id)).toMatchObject({ status: 'changed' })
    expect(await replaced.send(id, 'secret')).toMatchObject({ status: 'changed' })
    expect(await replaced.renew(id)).toMatchObject({ status: 'changed' })
    expect(textsOf(await annas.read(id))).toEqual(before)
  })
})

describe('a server that lies about a conversation', () => {
  /** Ben reads the key and the three messages for the first time, as his server bends them. */
  async function readBent(bend: (messages: readonly Json[]) => readonly Json[]): Promise<View> {
    const { ben, id } = shared
    await ben.vault.delete(`messenger/${id}`)
    let first = true
    const bens = await people.messengerOf(ben, (path, body) => {
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
    expect(textsOf(view)).toEqual(shown)
    expect(altered(view)).toBe(name !== 'and does not')
  })

  test('and cuts the end off what this device has seen', async () => {
    const { ben, id } = shared
    await ben.vault.delete(`messenger/${id}`)
    expect(altered(await (await people.messengerOf(ben)).read(id))).toBe(false)
    const cut = await people.messengerOf(ben, (path, body) =>
      path.endsWith('/messages')
        ? { messages: (body['messages'] as Json[]).filter(({ place: at }) => Number(at) < 3) }
        : body,
    )
    expect(altered(await cut.read(id))).toBe(true)
    expect(altered(await (await people.messengerOf(ben)).read(id))).toBe(false)
  })

  test('and loses an answer: the message is there once', async () => {
    const { ben, id } = shared
    await ben.vault.delete(`messenger/${id}`)
    let losing = true
    const bens = await people.messengerOver(ben, async (input, init) => {
      const answer = await people.place.network(input, init)
      if (!losing || init?.method !== 'POST') return answer
      losing = false
      throw new TypeError('lost')
    })
    const view = await bens.send(id, 'again')
    expect(textsOf(view).filter((text) => text === 'again')).toEqual(['again'])
    expect(losing).toBe(false)
  })
})

describe('a name', () => {
  test("is its conversation's alone, whatever the server hands out, and never longer or shorter than others", async () => {
    const anna = await people.newPerson()
    const annas = await people.messengerOf(anna)
    const [one, other] = [await annas.invite(), await annas.invite()]
    await annas.rename(one.id, 'Ben')
    await annas.rename(other.id, 'Cleo '.repeat(40))
    const names = async (messenger: Messenger): Promise<readonly unknown[]> =>
      (await messenger.list()).map(({ id, name }) => (id === one.id ? name : [name]))
    expect(await names(annas)).toEqual([['Cleo '.repeat(40)], 'Ben'])
    const swapping = await people.messengerOf(anna, (_, body) => {
      const [first, second] = body['conversations'] as Json[]
      return {
        conversations: [
          { ...first, name: second?.['name'] },
          { ...second, name: null },
        ],
      }
    })
    expect(await names(swapping)).toEqual([[undefined], undefined])
    for (const wrong of ['', 'x'.repeat(201)])
      await expect(annas.rename(one.id, wrong)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    expect(await names(annas)).toEqual([['Cleo '.repeat(40)], 'Ben'])
  })
})

describe('a text that did not arrive', () => {
  test('waits in the vault and is there once, however often it is sent under its id', async () => {
    const { annas, ben, id } = await people.newPair()
    let isDown = true
    const open = (): Promise<Messenger> =>
      people.messengerOver(ben, async (input, init) => {
        const answer = await people.place.network(input, init)
        if (isDown && init?.method === 'POST') throw new TypeError('lost')
        return answer
      })
    await annas.send(id, 'hello')
    const messageId = 'ab'.repeat(16)
    const unsent = { messageId, text: 'it arrives, and its answer does not' }
    await expect((await open()).send(id, unsent.text, messageId)).rejects.toMatchObject({
      code: 'ERR_SERVER_UNAVAILABLE',
    })
    expect(await (await open()).unsent(id)).toEqual([unsent])
    isDown = false
    const bens = await open()
    await bens.send(id, unsent.text, messageId)
    expect(textsOf(await annas.read(id))).toEqual(['new-key', 'hello', unsent.text])
    expect(await bens.unsent(id)).toEqual([])
    isDown = true
    await expect(bens.send(id, 'given up', 'cd'.repeat(16))).rejects.toThrow()
    await bens.giveUp(id, 'cd'.repeat(16))
    expect(await bens.unsent(id)).toEqual([])
  })
})

describe('a device without what it needs', () => {
  test('says that the key is not there, or that the conversation is gone', async () => {
    const { annas, bens, ben, id } = await people.newPair()
    await annas.send(id, 'hello')
    const bare = await people.place.newDevice({ phone: ben.phone })
    const { identityKeys } = await ben.keys.exportKeys()
    await bare.keys.importKeys({ identityKeys, conversationKeys: {} })
    const bares = await people.messengerOf(bare)
    expect(await bares.read(id)).toEqual({ status: 'no-key' })
    expect(await bares.send(id, 'unheard')).toEqual({ status: 'no-key' })
    expect(await bares.unsent(id)).toHaveLength(1)
    await bens.remove(id)
    expect(await annas.read(id)).toEqual({ status: 'gone' })
    expect(await bares.read(id)).toEqual({ status: 'gone' })
  })
})
