import { beforeAll, expect, test } from 'vitest'
import type { Fetch } from 'keyhaven/sync'
import { faultyDevice } from './testing/faults.ts'
import type { LateRequest } from './testing/faults.ts'
import { addressOf } from './testing/liars.ts'
import { PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place

beforeAll(async () => {
  place = await openPlace()
})

test('two rotations at once follow one another, and neither device takes the other’s for its own', async () => {
  const { first, second } = await joined()
  await second.keys.importKeys(makeConversations(1))
  const rotateFirst = async (): Promise<unknown> => (await first.sync()).rotate()
  const between = before('POST /v1/pointer/pending', rotateFirst)
  expect(await (await second.sync({ fetch: between })).rotate()).toMatchObject({ generation: 3 })
  await expectAllTheSame(first, second)
})

test('a restore that meets a rotation enters again, and has no slot of the old root key among those of the new one', async () => {
  const { first } = await joined()
  const third = await place.newDevice({ phone: first.phone })
  const rotate = async (): Promise<unknown> => (await first.sync()).rotate()
  const between = before('PUT /v1/log/slots/', rotate)
  expect(await (await third.sync({ fetch: between })).restore({ pin: PIN })).toMatchObject({
    status: 'restored',
    conversationKeys: 2,
    generation: 2,
    deviceAdded: true,
    renewed: true,
  })
  expect(await (await third.sync()).backup()).toMatchObject({
    status: 'backed-up',
    generation: 2,
  })
  await rotate()
  await expectAllTheSame(first, third)
})

test.each([3, 5])(
  'a rotation is not mixed with request %i of an earlier one that arrives in its middle',
  async (which) => {
    const { first, second } = await joined()
    await first.keys.importKeys(makeConversations(1))
    const late: LateRequest[] = []
    const fault = { kind: 'late' as const, at: 3 + which }
    const { fetch } = faultyDevice({ vault: first.vault, network: place.network, fault, late })
    await expect((await first.sync({ fetch })).rotate()).rejects.toMatchObject({
      code: 'ERR_SERVER_UNAVAILABLE',
    })
    const arrive = async (): Promise<void> => {
      for (const request of late) await request()
    }
    const between = before('POST /v1/pointer/commit', arrive)
    expect(await (await first.sync({ fetch: between })).rotate()).toMatchObject({ status: 'rotated' })
    await expectAllTheSame(first, second)
  },
)

/** An account whose backup two devices have joined. */
async function joined(): Promise<{ readonly first: TestPerson; readonly second: TestPerson }> {
  const first = await place.newDevice()
  await first.keys.importKeys(makeKeys(2))
  await (await first.sync()).backup({ pin: PIN })
  const second = await place.newDevice({ phone: first.phone })
  await (await second.sync()).restore({ pin: PIN })
  return { first, second }
}

/** A network on which something happens once, right before the first request that begins so. */
function before(request: string, happens: () => Promise<unknown>): Fetch {
  let done = false
  return async (input, init) => {
    const asked = `${init?.method ?? 'GET'} ${new URL(addressOf(input)).pathname}`
    if (!done && asked.startsWith(request)) {
      done = true
      await happens()
    }
    return fetch(input, init)
  }
}

/** Both devices, and a fresh one with the PIN, have the same keys and are up to date. */
async function expectAllTheSame(first: TestPerson, second: TestPerson): Promise<void> {
  for (const device of [first, second, first]) {
    expect(await (await device.sync()).backup()).toMatchObject({ status: 'backed-up' })
  }
  const fresh = await place.newDevice({ phone: first.phone })
  expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({
    status: 'restored',
    renewed: true,
  })
  expect(await first.keys.exportKeys()).toEqual(await second.keys.exportKeys())
  expect(await fresh.keys.exportKeys()).toEqual(await second.keys.exportKeys())
}
