import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes } from 'keyhaven/crypto'
import { comparePin, deriveLevel, moveKeys, requestSignInCode, signIn } from 'keyhaven/sync'
import { randomPhone } from '../packages/server/src/testing/app.ts'
import { attempt, cutAfter, forEachCut } from './testing/cuts.ts'
import { lying } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

const LEVEL = deriveLevel('Garden')
let place: Place

beforeAll(async () => {
  place = await openPlace()
})

/** A person with a level under each PIN, and the same number of keys in each. */
async function person(): Promise<{ readonly first: TestPerson; readonly second: TestPerson }> {
  const first = await place.newDevice()
  const second = await place.newDevice({ phone: first.phone, level: LEVEL })
  for (const [level, pin] of [[first, PIN] as const, [second, OTHER_PIN] as const]) {
    await level.keys.importKeys(makeKeys(2))
    expect(await (await level.sync()).backup({ pin })).toMatchObject({ status: 'backed-up', created: true })
  }
  return { first, second }
}

/** A new phone of the same person, at the level that `level` is. */
async function fresh(level: TestPerson, word?: string): Promise<TestPerson> {
  return place.newDevice({ phone: level.phone, level: word && deriveLevel(word) })
}

async function restored(device: TestPerson, pin: string): Promise<unknown> {
  return (await (await device.sync()).restore({ pin })).status
}

/** Every row of an account, by table: what a thief of a dump has of it. */
async function dump({ accountId }: TestPerson): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const { asSuperuser } = place.app.database
  const tables = await asSuperuser<{ name: string }>(
    `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.columns
      WHERE column_name = 'user_id' AND table_schema IN ('app', 'auth') ORDER BY name`,
  )
  const rows: Record<string, readonly unknown[]> = {}
  for (const { name } of tables) {
    const found = await asSuperuser<{ row: unknown }>(
      `SELECT to_jsonb(t) AS row FROM ${name} t WHERE user_id = $1 ORDER BY to_jsonb(t)::text`,
      [accountId],
    )
    rows[name] = found.map(({ row }) => row)
  }
  return rows
}

type Dump = Awaited<ReturnType<typeof dump>>

/** Tables, how many rows, and which fields of them are filled: no ids, no times, no bytes. */
function shapeOf(dumped: Dump): unknown {
  const filled = (row: unknown): string =>
    Object.entries(row as Record<string, unknown>)
      .filter(([, value]) => value !== null)
      .map(([field, value]) => (field === 'type' || field === 'size' ? `${field} ${String(value)}` : field))
      .join()
  return Object.entries(dumped).map(([table, rows]) => [table, rows.map(filled).sort()])
}

/** Every value, times aside. */
function valuesOf(dumped: Dump): ReadonlySet<string> {
  const text = JSON.stringify(dumped, (_, value: unknown) =>
    typeof value === 'number' ? String(value) : value,
  )
  return new Set(
    [...text.matchAll(/"([^"]*)"/g)]
      .map(([, value]) => value ?? '')
      .filter((value) => !/^\d{4}-/.test(value)),
  )
}

describe('two levels', () => {
  test('are opened by their own PIN alone, and each brings its own keys', async () => {
    const { first, second } = await person()
    expect(first.accountId).not.toBe(second.accountId)
    const [one, two] = [await fresh(first), await fresh(first, 'garden ')]
    expect([one.accountId, two.accountId]).toEqual([first.accountId, second.accountId])
    expect(await (await one.sync()).restore({ pin: OTHER_PIN })).toEqual({
      status: 'wrong-pin',
      guessesRemaining: 9,
    })
    expect(await (await two.sync()).restore({ pin: PIN })).toEqual({
      status: 'wrong-pin',
      guessesRemaining: 9,
    })
    expect(await (await two.sync()).restore({ pin: PIN })).toEqual({
      status: 'wrong-pin',
      guessesRemaining: 8,
    })
    expect(await (await one.sync()).restore({ pin: OTHER_PIN })).toEqual({
      status: 'wrong-pin',
      guessesRemaining: 8,
    })
    expect([await restored(one, PIN), await restored(two, OTHER_PIN)]).toEqual(['restored', 'restored'])
    expect(await one.keys.exportKeys()).toEqual(await first.keys.exportKeys())
    expect(await two.keys.exportKeys()).toEqual(await second.keys.exportKeys())
    const other = await fresh(first, 'gardens')
    expect(await restored(other, OTHER_PIN)).toBe('no-backup')
  })

  test('know nothing of each other: locked, changed, rotated, exported or deleted, one leaves no trace in the other', async () => {
    const { first, second } = await person()
    const before = await dump(first)
    const sync = await second.sync()
    for (let guess = 0; guess < 10; guess += 1) await sync.restore({ pin: '559281' })
    expect(await sync.restore({ pin: OTHER_PIN })).toEqual({ status: 'locked' })
    expect(await sync.changePin({ pin: '462093' })).toMatchObject({ status: 'pin-changed' })
    expect(await sync.rotate({ pin: '462093' })).toMatchObject({ status: 'rotated' })
    const { requestId } = await requestSignInCode({
      origin: place.app.origin,
      phone: first.phone,
      level: LEVEL,
    })
    expect(requestId).toMatch(/^[0-9a-f]{32}$/)
    expect(JSON.stringify(await sync.exportEverything())).not.toContain(first.accountId)
    expect(await sync.deleteAccount()).toMatchObject({ status: 'account-deleted' })
    expect(await dump(first)).toEqual(before)
    const one = await fresh(first)
    expect(await (await one.sync()).restore({ pin: OTHER_PIN })).toEqual({
      status: 'wrong-pin',
      guessesRemaining: 9,
    })
    expect(await restored(one, PIN)).toBe('restored')
    expect(await one.keys.exportKeys()).toEqual(await first.keys.exportKeys())
    expect(await restored(await fresh(first, 'garden'), OTHER_PIN)).toBe('no-backup')
  })

  test('stay when the first one is deleted with its account', async () => {
    const { first, second } = await person()
    const before = await dump(second)
    expect(await (await first.sync()).deleteAccount()).toMatchObject({ status: 'account-deleted' })
    expect(await dump(second)).toEqual(before)
    expect(await restored(await fresh(first, 'garden'), OTHER_PIN)).toBe('restored')
    expect(await restored(await fresh(first), PIN)).toBe('no-backup')
  })

  test('are in a dump as two people are: no row says which is which, or that they belong together', async () => {
    const { first, second } = await person()
    const stranger = await place.newDevice()
    await stranger.keys.importKeys(makeKeys(2))
    await (await stranger.sync()).backup({ pin: PIN })
    const [one, two, other] = [await dump(first), await dump(second), await dump(stranger)]
    expect(one['app.pointers']).toHaveLength(1)
    expect(one['auth.phones']).toHaveLength(1)
    expect(valuesOf(one)).toContain(first.accountId)
    expect(valuesOf(one)).toContain(`\\\\x${first.deviceId}`)
    expect(shapeOf(two)).toEqual(shapeOf(one))
    expect(shapeOf(other)).toEqual(shapeOf(one))
    // Whatever the two share a stranger shares as well: realms, addresses, names of devices, words of the tables.
    const everybodys = valuesOf(other)
    expect([...valuesOf(one)].filter((value) => valuesOf(two).has(value) && !everybodys.has(value))).toEqual(
      [],
    )
  })
})

describe('a level’s vault', () => {
  test('belongs to its level: another one, or none, is refused before the server sees this device there', async () => {
    const { first, second } = await person()
    for (const [device, level] of [
      [first, LEVEL] as const,
      [second, undefined] as const,
      [second, deriveLevel('2')] as const,
    ]) {
      const network = lying({})
      const wrong = signIn({
        origin: place.app.origin,
        phone: first.phone,
        level,
        requestId: '0'.repeat(32),
        code: '000000',
        vault: device.vault,
        deviceLabel: 'Test device',
        ...network,
      })
      await expect(wrong).rejects.toMatchObject({ code: 'ERR_ACCOUNT_MISMATCH' })
      expect(network.asked).toEqual([])
    }
  })

  test('remembers the level, so that a change of the number keeps it', async () => {
    const { first, second } = await person()
    const phone = randomPhone()
    const { requestId } = await requestSignInCode({ origin: place.app.origin, phone, level: LEVEL })
    const change = { phone, requestId, code: place.app.codes.get(phone) ?? '' }
    expect(await (await second.sync()).changePhone(change)).toBe(phone)
    const moved = await place.newDevice({ phone, level: LEVEL })
    expect([moved.accountId, await restored(moved, OTHER_PIN)]).toEqual([second.accountId, 'restored'])
    expect((await place.newDevice({ phone })).accountId).not.toBe(second.accountId)
    expect((await fresh(first)).accountId).toBe(first.accountId)
    expect((await fresh(first, 'garden')).accountId).not.toBe(second.accountId)
  })

  test('takes a word of 1 to 64 characters, however it was typed', () => {
    expect(deriveLevel(' GARDEN\n')).toBe(LEVEL)
    expect(deriveLevel('ｇａｒｄｅｎ')).toBe(LEVEL)
    expect(LEVEL).toBe('89938313eb835c29ae9181d496f7429145d2da3a334bc2c3a76dbd164994f5ed')
    for (const word of ['', ' \t', 'a\u0000b', '\ud800', 'x'.repeat(65), 'x'.repeat(100_000)]) {
      expect(() => deriveLevel(word)).toThrow(expect.objectContaining({ code: 'ERR_INPUT_INVALID' }))
    }
    expect(deriveLevel('😀'.repeat(64))).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('keys that move to another level', () => {
  test('are there and no longer here, for fresh devices too, under a new root key, in their order', async () => {
    const { first, second } = await person()
    const name = crypto.randomUUID()
    const keys = [randomBytes(32), randomBytes(32), randomBytes(32)]
    for (const key of keys) await first.keys.addConversationKey(name, key)
    const { signing } = (await first.keys.exportKeys()).identityKeys
    await first.keys.importKeys({ identityKeys: { nostr: randomBytes(32) }, conversationKeys: {} })
    const { nostr } = (await first.keys.exportKeys()).identityKeys
    const levels = { from: await first.sync(), to: await second.sync() }
    const input = { ...levels, conversations: [name], identities: ['nostr'] }
    expect(await moveKeys(input)).toEqual({ status: 'moved', keys: 4, oldRegistrationRemainsOn: [] })
    const [one, two] = [await fresh(first), await fresh(first, 'garden')]
    expect([await restored(one, PIN), await restored(two, OTHER_PIN)]).toEqual(['restored', 'restored'])
    expect(await one.keys.getConversationKeys(name)).toEqual([])
    expect((await one.keys.exportKeys()).identityKeys).toMatchObject({ signing })
    expect((await one.keys.exportKeys()).identityKeys).not.toHaveProperty('nostr')
    expect((await two.keys.getConversationKeys(name)).map(({ key }) => key)).toEqual(keys.reverse())
    expect((await two.keys.exportKeys()).identityKeys['nostr']).toEqual(nostr)
    const [left] = await place.app.database.asSuperuser(
      'SELECT min(generation)::int AS oldest FROM app.segments WHERE user_id = $1',
      [first.accountId],
    )
    expect(left?.['oldest']).toBeGreaterThan(1)
  })

  test('are refused, and nothing moves, where a level is not open, is the same, or has no such key', async () => {
    const { first, second } = await person()
    const [name = ''] = Object.keys((await first.keys.exportKeys()).conversationKeys)
    const before = await first.keys.exportKeys()
    const [from, to] = [await first.sync(), await second.sync()]
    const conversations = [name]
    await expect(moveKeys({ from, to: await first.sync(), conversations })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
    const again = await fresh(first)
    await expect(moveKeys({ from, to: await again.sync(), conversations })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
    await expect(moveKeys({ from, to, conversations: [name, 'none'] })).rejects.toMatchObject({
      code: 'ERR_RECORD_MISSING',
    })
    await expect(moveKeys({ from, to, identities: ['signing'] })).rejects.toMatchObject({
      code: 'ERR_IDENTITY_CONFLICT',
    })
    const unjoined = await (await fresh(first, 'garden')).sync()
    expect(await moveKeys({ from, to: unjoined, conversations })).toEqual({ status: 'pin-needed', at: 'to' })
    expect(await moveKeys({ from: unjoined, to: from, conversations })).toEqual({
      status: 'pin-needed',
      at: 'from',
    })
    const none = await (await fresh(first, 'none')).sync()
    expect(await moveKeys({ from, to: none, conversations })).toEqual({ status: 'no-backup', at: 'to' })
    expect(await first.keys.exportKeys()).toEqual(before)
  })

  test(
    'are in one of the two at least wherever the move is killed, and the same call again finishes it',
    { timeout: 900_000 },
    async () => {
      const { first, second } = await person()
      const steps = await forEachCut(
        async (at) => {
          const added = makeConversations(1)
          const [name = ''] = Object.keys(added.conversationKeys)
          await first.keys.importKeys(added)
          await (await first.sync()).sync()
          const cut = cutAfter(first.vault, at)
          await attempt(async () =>
            moveKeys({
              from: await first.sync(cut),
              to: await second.sync({ fetch: cut.fetch, vault: cut.over(second.vault) }),
              conversations: [name],
            }),
          )
          const held = [
            await first.keys.getConversationKeys(name),
            await second.keys.getConversationKeys(name),
          ]
          expect(held.flat().length).toBeGreaterThan(0)
          await moveKeys({ from: await first.sync(), to: await second.sync(), conversations: [name] })
          expect(await first.keys.getConversationKeys(name)).toEqual([])
          const there = await second.keys.getConversationKeys(name)
          expect(there.map(({ key }) => key)).toEqual(Object.values(added.conversationKeys))
          expect(await (await second.sync()).status()).toMatchObject({ upToDate: true })
          return cut.killed()
        },
        { by: 8 },
      )
      expect(steps).toBeGreaterThan(10)
      const two = await fresh(first, 'garden')
      expect(await restored(two, OTHER_PIN)).toBe('restored')
      expect(await two.keys.exportKeys()).toEqual(await second.keys.exportKeys())
    },
  )
})

test('a PIN is compared with another level’s for a guess, for nothing where it is remembered, and never for the last ones', async () => {
  const { first } = await person()
  const level = await first.sync()
  expect(await comparePin({ level, pin: PIN })).toBe('same')
  expect(await comparePin({ level, pin: OTHER_PIN })).toBe('other')
  expect((await level.status()).guesses).toMatchObject({ remaining: 9 })
  for (let guess = 0; guess < 4; guess += 1) expect(await comparePin({ level, pin: OTHER_PIN })).toBe('other')
  expect(await comparePin({ level, pin: PIN })).toBe('not-checked')
  expect((await level.status()).guesses).toMatchObject({ remaining: 5 })
  expect(await level.restore({ pin: PIN, rememberPin: true })).toMatchObject({ status: 'restored' })
  expect(await comparePin({ level, pin: OTHER_PIN })).toBe('other')
  expect(await comparePin({ level, pin: PIN })).toBe('same')
  expect((await level.status()).guesses).toBeUndefined()
})
