import { beforeAll, describe, expect, test } from 'vitest'
import { toHex } from 'keyhaven/crypto'
import { addressOf, lying } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place

beforeAll(async () => {
  place = await openPlace()
})

describe('a restore', () => {
  test('renews the registration under the same PIN and deletes the old one', async () => {
    const { first, fresh } = await backedUp()
    const [before] = await pointers(first)
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({
      status: 'restored',
      generation: 1,
      deviceAdded: true,
      renewed: true,
      oldRegistrationRemainsOn: [],
    })
    const [after] = await pointers(first)
    expect(after?.['registration']).not.toEqual(before?.['registration'])
    expect(after?.['generation']).toBe(1)
    expect(await leftOver()).toEqual({ extra: 0, pending: 0, retired: 0, unseen: 0 })
    expect(await (await first.sync()).backup({ pin: OTHER_PIN })).toMatchObject({ guessesRemaining: 9 })
    expect(await (await first.sync()).backup({ pin: PIN })).toMatchObject({ created: false, uploaded: 0 })
  })

  test('puts all that the log has behind the new anchor: a fresh device refuses a log from before it', async () => {
    const { first, fresh } = await backedUp()
    const old: Record<string, unknown> = {}
    const note = (path: string) => (body: Record<string, unknown>) => (old[path] = body)
    const paths = ['/v1/log/heads', '/v1/log/slots']
    await (await fresh.sync()).restore({ pin: PIN })
    const noting = lying({ json: Object.fromEntries(paths.map((path) => [path, note(path)])) })
    await (await place.newDevice({ phone: first.phone }).then((it) => it.sync(noting))).restore({ pin: PIN })
    await first.keys.importKeys(makeConversations(1))
    await (await first.sync()).backup()
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ renewed: true })
    const { cursor } = old['/v1/log/heads'] as { readonly cursor: number }
    const liar = lying({
      json: Object.fromEntries(paths.map((path) => [path, () => old[path]])),
      frames: (frames) => frames.filter((frame) => frame.cursor <= cursor),
    })
    const third = await place.newDevice({ phone: first.phone })
    await expect((await third.sync(liar)).restore({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
    expect(await third.keys.listKeys()).toEqual([])
  })

  test('adds nothing to the log when the newest anchor covers it already', async () => {
    const { fresh } = await backedUp()
    await (await fresh.sync()).restore({ pin: PIN })
    const { segments } = await (await fresh.sync()).status()
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ renewed: true })
    expect(await (await fresh.sync()).status()).toMatchObject({ segments, upToDate: true })
  })

  test.each(['/v1/pointer/pending', '/v1/realm-tokens', '/v1/pointer/commit'])(
    'that cannot renew because %s fails is a restore all the same, and keeps nobody waiting',
    async (path) => {
      const { first, fresh } = await backedUp()
      const [before] = await pointers(first)
      const through = failing(path, path === '/v1/realm-tokens' ? 2 : 1)
      expect(await (await fresh.sync(through)).restore({ pin: PIN })).toMatchObject({
        status: 'restored',
        deviceAdded: true,
        renewed: false,
        // Without tokens the realm cannot be asked to delete what may have been registered.
        oldRegistrationRemainsOn: path === '/v1/realm-tokens' ? realmsOf(place) : [],
      })
      expect(await pointers(first)).toEqual([before])
      expect(await fresh.keys.exportKeys()).toEqual(await first.keys.exportKeys())
      expect(await (await first.sync()).replaceBackup({ pin: OTHER_PIN })).toMatchObject({ generation: 2 })
      expect(await leftOver()).toMatchObject({ pending: 0, retired: 0, unseen: 0 })
    },
  )

  test('that is killed while it renews leaves the PIN working and nothing behind, with two of three realms', async () => {
    const three = await openPlace({ realms: 3 })
    const first = await three.newDevice()
    await first.keys.importKeys(makeKeys(1))
    await (await first.sync()).backup({ pin: PIN })
    const kills = ['/v1/pointer/pending', '/v1/pointer/commit']
    for (const path of kills) {
      const second = await three.newDevice({ phone: first.phone })
      await (await second.sync()).restore({ pin: PIN })
      await second.keys.importKeys(makeConversations(1))
      const dead = dyingAfter(path)
      await expect((await second.sync(dead)).restore({ pin: PIN })).resolves.toMatchObject({
        status: 'restored',
        oldRegistrationRemainsOn: realmsOf(three),
      })
      expect(await (await second.sync()).backup()).toMatchObject({ created: false, joined: false })
      const fresh = await three.newDevice({ phone: first.phone })
      expect(await (await fresh.sync()).restore({ pin: OTHER_PIN })).toMatchObject({ status: 'wrong-pin' })
      expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({
        status: 'restored',
        renewed: true,
        oldRegistrationRemainsOn: [],
      })
      expect(await fresh.keys.exportKeys()).toEqual(await second.keys.exportKeys())
    }
  }, 900_000)
})

function realmsOf({ configuration }: Place): readonly string[] {
  return configuration.realms.map(({ id }) => toHex(id)).sort()
}

async function backedUp(): Promise<{ readonly first: TestPerson; readonly fresh: TestPerson }> {
  const first = await place.newDevice()
  await first.keys.importKeys(makeKeys(2))
  await (await first.sync()).backup({ pin: PIN })
  return { first, fresh: await place.newDevice({ phone: first.phone }) }
}

/** A network on which requests to a path fail from the given one on. */
function failing(path: string, from: number): { readonly fetch: typeof fetch } {
  let asked = 0
  return {
    fetch: (input, init) => {
      const same = new URL(addressOf(input)).pathname === path
      if (same) asked += 1
      return same && asked >= from ? Promise.reject(new TypeError('lost')) : fetch(input, init)
    },
  }
}

/** A network that is gone once a request to an address that begins so has been processed. */
function dyingAfter(path: string): { readonly fetch: typeof fetch } {
  let dead = false
  return {
    fetch: async (input, init) => {
      if (dead) throw new TypeError('gone')
      const response = await fetch(input, init)
      dead = new URL(addressOf(input)).pathname.startsWith(path) && init?.method !== 'GET'
      if (dead) throw new TypeError('gone')
      return response
    },
  }
}

/** The account's pointer as the server has it. */
async function pointers(device: TestPerson): Promise<readonly Record<string, unknown>[]> {
  return place.app.database.asSuperuser(
    'SELECT encode(registration, $1) AS registration, generation::int FROM app.pointers WHERE user_id = $2',
    ['hex', device.accountId],
  )
}

async function leftOver(): Promise<Record<string, unknown> | undefined> {
  const [row] = await place.app.database.asSuperuser(
    `SELECT (SELECT count(*)::int FROM realm.records) - (SELECT count(*)::int FROM app.pointers) AS extra,
            (SELECT count(*)::int FROM app.pending_changes) AS pending,
            (SELECT count(*)::int FROM app.retired_registrations) AS retired,
            (SELECT count(*)::int FROM app.segments WHERE cursor IS NULL) AS unseen`,
  )
  return row
}
