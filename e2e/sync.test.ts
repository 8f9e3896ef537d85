import { beforeAll, describe, expect, test } from 'vitest'
import { isKeyhavenError } from 'keyhaven'
import { deriveEd25519PublicKey, randomBytes } from 'keyhaven/crypto'
import { signConfiguration } from 'keyhaven/recovery'
import type { Configuration } from 'keyhaven/recovery'
import { httpTransport, openConfiguration, openSession } from 'keyhaven/sync'
import type { KeySync, KeySyncOptions, OpenedConfiguration } from 'keyhaven/sync'
import { cutAfter } from './testing/cuts.ts'
import { lying } from './testing/liars.ts'
import type { Lie } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place
/** The first realm alone; the place has three. */
let one: Configuration
/** An account that two devices have joined; what one test leaves, the next one finds. */
let first: TestPerson
let second: TestPerson

beforeAll(async () => {
  place = await openPlace({ realms: 3 })
  const { configuration } = place
  one = {
    ...configuration,
    realms: configuration.realms.slice(0, 1),
    registerThreshold: 1,
    recoverThreshold: 1,
  }
  first = await place.newDevice()
  second = await place.newDevice({ phone: first.phone })
})

describe('synchronising', () => {
  test('says what is needed before there is a backup, and before a device has joined it', async () => {
    expect(await (await sync(first)).sync()).toEqual({ status: 'no-backup' })
    expect(await (await sync(first)).verifyBackup()).toEqual({ status: 'no-backup' })
    await first.keys.importKeys(makeKeys(2))
    await (await sync(first)).backup({ pin: PIN })
    expect(await (await sync(second)).sync()).toEqual({ status: 'pin-needed' })
    expect(await (await sync(second)).verifyBackup()).toEqual({ status: 'pin-needed' })
    expect(await (await sync(second)).verifyBackup({ pin: PIN })).toMatchObject({
      status: 'whole',
      conversationKeys: 2,
    })
    expect(await second.keys.listKeys()).toEqual([])
    expect(await (await sync(second)).restore({ pin: PIN })).toMatchObject({
      renewed: true,
      skipped: undefined,
    })
  })

  test('brings together what two devices wrote while they were offline, and what one wrote in a year away', async () => {
    for (const device of [first, second]) await device.keys.importKeys(makeConversations(2))
    const half = cutAfter(second.vault, 3)
    await (await sync(second, half)).sync().catch(() => undefined)
    await (await sync(first)).sync()
    for (const pin of [OTHER_PIN, PIN]) {
      await first.keys.importKeys(makeConversations(1))
      await (await sync(first)).changePin({ pin })
      await (await sync(first)).rotate()
    }
    await (await sync(first, { snapshotAfterSegments: 0 })).sync()
    expect(await (await sync(second)).sync()).toMatchObject({
      status: 'synced',
      received: true,
      generation: 5,
    })
    expect(await (await sync(first)).sync()).toMatchObject({ received: true, conversationKeys: 8 })
    expect(await (await sync(first)).sync()).toMatchObject({ received: false, uploaded: 0 })
    expect(await first.keys.exportKeys()).toEqual(await second.keys.exportKeys())
  })

  test('that is aborted at any request is completed by the next one', async () => {
    for (let at = 1; ; at += 3) {
      await first.keys.importKeys(makeConversations(1))
      const stop = new AbortController()
      let asked = 0
      const counting: typeof fetch = (input, init) => {
        asked += 1
        if (asked === at) stop.abort()
        return fetch(input, init)
      }
      const due = { fetch: counting, snapshotAfterSegments: 0 }
      const outcome = await (
        await sync(first, due)
      )
        .sync({ signal: stop.signal })
        .catch((fault: unknown) => fault)
      if (asked < at) break
      expect(isKeyhavenError(outcome, 'ERR_ABORTED')).toBe(true)
      await (await sync(first)).sync()
      expect(await (await sync(first)).status()).toMatchObject({ upToDate: true })
    }
    await (await sync(second)).sync()
    expect(await first.keys.exportKeys()).toEqual(await second.keys.exportKeys())
  })

  test('rotates by schedule, once', async () => {
    const { generation } = await (await sync(first)).status()
    const daily = { rotateAfterDays: 0 }
    expect(await (await sync(first, daily)).status()).toMatchObject({ rotationDue: true })
    expect(await (await sync(first, daily)).sync()).toMatchObject({ generation: generation + 1 })
    const monthly = await sync(first, { rotateAfterDays: 30 })
    expect(await monthly.sync()).toMatchObject({ generation: generation + 1 })
    expect(await monthly.status()).toMatchObject({ rotationDue: false })
    expect(await (await sync(second)).sync()).toMatchObject({ generation: generation + 1 })
  })

  test('and the state tell which devices there are and what the realms last said of the guesses', async () => {
    const wrong = await (await sync(second)).verifyBackup({ pin: OTHER_PIN })
    expect(wrong).toEqual({ status: 'wrong-pin', guessesRemaining: 9 })
    const { guesses, devices } = await (await sync(second)).status()
    expect(guesses?.remaining).toBe(9)
    expect(devices.filter(({ thisDevice }) => thisDevice)).toHaveLength(1)
    expect(devices.map(({ label }) => label)).toEqual(['Test device', 'Test device'])
    expect((await (await sync(first)).status()).guesses).toBeUndefined()
    expect(await (await sync(second)).verifyBackup({ pin: PIN })).toMatchObject({ status: 'whole' })
    expect((await (await sync(second)).status()).guesses).toBeUndefined()
  })
})

describe('a rotation that is given the PIN', () => {
  test('changes nothing for a wrong one, and renews the registration for the right one', async () => {
    const { generation } = await (await sync(first)).status()
    expect(await (await sync(first)).rotate({ pin: OTHER_PIN })).toMatchObject({ status: 'wrong-pin' })
    expect(await (await sync(first)).rotate({ pin: PIN })).toMatchObject({
      status: 'rotated',
      generation: generation + 1,
      oldRegistrationRemainsOn: [],
    })
    const fresh = await place.newDevice({ phone: first.phone })
    const older = lying({ json: { '/v1/pointer': (state) => atGeneration(state, generation) } })
    await expect((await sync(fresh, older)).restore({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
  })
})

describe('a backup that is damaged', () => {
  const flipped: Lie = {
    frames: (frames) =>
      frames.map(({ cursor, segment }, index) => ({
        cursor,
        segment:
          index === 0 ? segment.map((byte, at) => (at === segment.length - 1 ? byte ^ 1 : byte)) : segment,
      })),
  }

  test('is refused, and what is whole of it comes on request; the rest comes when it is whole again', async () => {
    await (await sync(first)).rotate()
    const fresh = await place.newDevice({ phone: first.phone })
    await expect((await sync(fresh, lying(flipped))).restore({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_DAMAGED',
    })
    const found = await (await sync(first, lying(flipped))).verifyBackup()
    expect(found).toMatchObject({
      status: 'damaged',
      damage: { code: 'ERR_LOG_DAMAGED', unopened: 1, missing: 1 },
    })
    const restored = await (await sync(fresh, lying(flipped))).restore({ pin: PIN, allowDamaged: true })
    expect(restored).toMatchObject({
      status: 'restored',
      skipped: { unopened: 1, missing: 1 },
      deviceAdded: false,
    })
    expect(restored).toMatchObject(countsOf(found))
    await expect((await sync(fresh, lying(flipped))).sync()).rejects.toMatchObject({
      code: 'ERR_LOG_DAMAGED',
    })
    expect(await (await sync(fresh)).restore({ pin: PIN })).toMatchObject({
      skipped: undefined,
      deviceAdded: true,
    })
    await (await sync(first)).sync()
    expect(await fresh.keys.exportKeys()).toEqual(await first.keys.exportKeys())
  })

  test('is replaced by a device that has the keys, on request alone, and every device follows', async () => {
    await place.app.database.asSuperuser(
      `UPDATE app.segments SET segment = set_byte(segment, size - 1, get_byte(segment, size - 1) # 1) WHERE user_id = $1 AND kind = 'conversation'`,
      [first.accountId],
    )
    expect(await (await sync(first)).verifyBackup()).toMatchObject({ status: 'damaged' })
    await expect((await sync(first)).replaceBackup({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_DAMAGED',
    })
    const replaced = await (await sync(first)).replaceBackup({ pin: PIN, allowDamaged: true })
    expect(replaced).toMatchObject({ status: 'backed-up', created: false })
    expect(await (await sync(first)).verifyBackup({ pin: PIN })).toMatchObject({
      status: 'whole',
      ...countsOf(replaced),
    })
    expect(await (await sync(second)).sync()).toMatchObject({ status: 'synced' })
    expect(await first.keys.exportKeys()).toEqual(await second.keys.exportKeys())
  })
})

describe('moving to other realms', () => {
  test('checks the PIN with the old ones, registers at the new ones, and leaves nothing behind', async () => {
    const moving = await sync(first)
    const three = place.configuration
    expect(await moving.moveRealms({ configuration: three, pin: OTHER_PIN })).toMatchObject({
      status: 'wrong-pin',
    })
    expect(await moving.moveRealms({ configuration: three, pin: PIN })).toMatchObject({
      status: 'moved',
      oldRegistrationRemainsOn: [],
    })
    expect((await moving.status()).realms).toHaveLength(3)
    expect(await moving.sync()).toMatchObject({ status: 'synced' })
    await expect((await sync(second)).sync()).rejects.toMatchObject({ code: 'ERR_CONFIGURATION_INVALID' })
    expect(await (await second.sync()).sync()).toMatchObject({ status: 'synced' })
    const fresh = await place.newDevice({ phone: first.phone })
    await expect((await sync(fresh)).restore({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION_INVALID',
    })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ status: 'restored' })
    expect(await fresh.keys.exportKeys()).toEqual(await first.keys.exportKeys())
    await expect((await first.sync()).moveRealms({ configuration: one, pin: PIN })).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION_INVALID',
    })
  })

  test('that is killed anywhere leaves exactly one set of realms that works, and is completed when it is asked for again', async () => {
    for (const steps of [4, 9, 14, 19]) {
      const from = steps % 2 === 0 ? place.configuration : one
      const to = from === one ? place.configuration : one
      const input = { configuration: to, pin: PIN, allowWeaker: true }
      const cut = cutAfter(first.vault, steps)
      await first.keys.importKeys(makeConversations(1))
      await (await first.sync({ configuration: from, ...cut })).moveRealms(input).catch(() => undefined)
      expect(await (await first.sync({ configuration: from })).moveRealms(input)).toMatchObject({
        status: 'moved',
      })
      const after = await first.sync({ configuration: to, formerConfigurations: [from] })
      expect(await after.sync()).toMatchObject({ status: 'synced', oldRegistrationRemainsOn: [] })
    }
    expect(await (await first.sync()).verifyBackup({ pin: PIN })).toMatchObject({ status: 'whole' })
    expect(await leftOver()).toEqual({ retired: 0, pending: 0, unseen: 0 })
  })
})

describe('a signed configuration', () => {
  const seed = randomBytes(32)
  const publicKey = deriveEd25519PublicKey(seed)

  async function open(device: TestPerson, document: string): Promise<OpenedConfiguration> {
    const session = await openSession({ vault: device.vault, fetch: place.network })
    if (session === undefined) throw new Error('The test device is not signed in.')
    const transport = httpTransport({ session })
    return openConfiguration({ transport, vault: device.vault, document, publicKey, insecureForTests: true })
  }

  test('takes people from one realm to two of three, each device when it learns of it, and never back', async () => {
    const three = place.configuration
    const old = signConfiguration(seed, { counter: 4, configuration: one, previous: [] })
    const young = signConfiguration(seed, { counter: 5, configuration: three, previous: [one] })
    const device = await place.newDevice()
    const other = await place.newDevice({ phone: device.phone })
    await device.keys.importKeys(makeKeys(2))

    const before = await open(device, old)
    expect(before).toMatchObject({ counter: 4, configuration: one, next: undefined })
    await (await device.sync(before)).backup({ pin: PIN })
    await (await other.sync(await open(other, old))).restore({ pin: PIN })

    const asked = await open(device, young)
    expect(asked).toMatchObject({ counter: 5, configuration: one, next: three })
    const late = await place.newDevice({ phone: device.phone })
    expect(await open(late, young)).toMatchObject({ configuration: one, next: three })
    const moving = await device.sync(asked)
    expect(await moving.sync()).toMatchObject({ status: 'synced' })
    expect(await moving.moveRealms({ configuration: three, pin: PIN })).toMatchObject({
      status: 'moved',
      oldRegistrationRemainsOn: [],
    })
    expect((await moving.status()).reliance).toMatchObject({ realmsToCollude: 2, realmsToLose: 2 })

    for (const each of [device, other, late]) {
      const opened = await open(each, young)
      expect(opened).toMatchObject({ configuration: three, formerConfigurations: [one], next: undefined })
      await expect(open(each, old)).rejects.toMatchObject({
        code: 'ERR_CONFIGURATION_REJECTED',
        details: { reason: 'older' },
      })
    }
    expect(await (await other.sync(await open(other, young))).sync()).toMatchObject({ status: 'synced' })
    expect(await (await late.sync(await open(late, young))).restore({ pin: PIN })).toMatchObject({
      status: 'restored',
    })
    expect(await late.keys.exportKeys()).toEqual(await device.keys.exportKeys())
  })

  test('by another key, or another one of the same count, is refused, and what was in use stays', async () => {
    const device = await place.newDevice()
    const document = signConfiguration(seed, { counter: 7, configuration: one, previous: [] })
    await open(device, document)
    const fork = signConfiguration(seed, { counter: 7, configuration: place.configuration, previous: [] })
    const foreign = signConfiguration(randomBytes(32), { counter: 8, configuration: one, previous: [] })
    for (const [text, reason] of [
      [fork, 'forked'],
      [foreign, 'signature'],
    ] as const) {
      await expect(open(device, text)).rejects.toMatchObject({
        code: 'ERR_CONFIGURATION_REJECTED',
        details: { reason },
      })
    }
    const two = await Promise.allSettled([open(device, fork), open(device, document)])
    expect(two.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    const opened = await open(device, document)
    expect(opened).toMatchObject({ counter: 7, configuration: one })
    expect((await device.vault.list()).filter(({ name }) => name.includes('configuration'))).toHaveLength(1)
  })
})

/** Key sync of a device that relies on one realm. */
function sync(device: TestPerson, options: Partial<KeySyncOptions> = {}): Promise<KeySync> {
  return device.sync({ configuration: one, ...options })
}

function countsOf(outcome: object): object {
  const { identityKeys, conversationKeys } = outcome as Record<string, unknown>
  expect(conversationKeys).toBeTypeOf('number')
  return { identityKeys, conversationKeys }
}

function atGeneration(state: Record<string, unknown>, generation: number): Record<string, unknown> {
  return { ...state, pointer: { ...(state['pointer'] as object), generation } }
}

async function leftOver(): Promise<unknown> {
  const [row] = await place.app.database.asSuperuser(
    `SELECT (SELECT count(*)::int FROM app.retired_registrations) AS retired,
            (SELECT count(*)::int FROM app.pending_changes) AS pending,
            (SELECT count(*)::int FROM app.segments WHERE cursor IS NULL) AS unseen`,
  )
  return row
}
