/**
 * SIGKILL of the client and of the server at every step of what changes a backup, with one of one, two of three and three
 * of three realms. A step of the client is a request or a write to its vault; the server is a process of its own, killed
 * while it is at a request and right after its answer.
 *
 * After each: exactly one PIN works, on an empty device; no key is lost; and the next backup tells the user which
 * generation, and so which PIN, is in use.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { KeyhavenError } from 'keyhaven'
import type { Fetch, KeySync, KeySyncOptions } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'
import { cutAfter } from './testing/cuts.ts'
import { startKillableServer } from './testing/killable-server.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

const TIMEOUT = 1_800_000

interface Operation {
  readonly name: string
  /** What the operation runs on: a device whose keys are all to be found again. */
  readonly prepare: (place: Place) => Promise<TestPerson>
  readonly run: (sync: KeySync) => Promise<unknown>
  readonly options?: Partial<KeySyncOptions>
  /** The PIN in use once the operation has been carried out; without one, the same as before. */
  readonly pinAfter?: string
  /** What must hold afterwards, where it is not that one PIN opens the backup. */
  readonly expectAfter?: (place: Place, device: TestPerson) => Promise<void>
}

const operations: readonly Operation[] = [
  {
    name: 'a first backup',
    prepare: async (place) => withKeys(await place.newDevice()),
    run: (sync) => sync.backup({ pin: PIN }),
  },
  { name: 'a later backup', prepare: backedUp, run: (sync) => sync.backup() },
  {
    name: 'a change of the PIN',
    prepare: backedUp,
    run: (sync) => sync.changePin({ pin: OTHER_PIN }),
    pinAfter: OTHER_PIN,
  },
  { name: 'a rotation', prepare: backedUp, run: (sync) => sync.rotate() },
  {
    name: 'a restore and its renewal',
    prepare: async (place) => place.newDevice({ phone: (await backedUp(place)).phone }),
    run: (sync) => sync.restore({ pin: PIN }),
  },
  {
    name: 'a snapshot that shortens the log',
    prepare: backedUp,
    options: { snapshotAfterSegments: 0 },
    run: (sync) => sync.sync(),
  },
  {
    name: 'a deletion',
    prepare: backedUp,
    run: (sync) => sync.deleteBackup(),
    expectAfter: expectWholeOrGone,
  },
]

const places: readonly (readonly [string, number, number])[] = [
  ['one of one realm', 1, 1],
  ['two of three realms', 3, 2],
  ['three of three realms', 3, 3],
]

describe.each(places)('with %s', (_, realms, threshold) => {
  let place: Place

  beforeAll(async () => {
    place = await openPlace({ realms, threshold })
  })

  test.each(operations)(
    '$name survives a kill of the client at any step',
    async (operation) => {
      for (let at = 1; ; at += 1) {
        const device = await operation.prepare(place)
        const cut = cutAfter(device.vault, at)
        const failed = await fails(device, operation, cut)
        await expectSound(place, device, { operation, failed })
        if (!cut.killed()) break
      }
      await expectNothingLeftOver(place)
    },
    TIMEOUT,
  )

  test.each(operations)(
    '$name survives a kill of the server at any step',
    async (operation) => {
      let at = 1
      for (; await killServer(place, operation, { at, when: 'after' }); at += 1) {
        await killServer(place, operation, { at, when: 'during' })
      }
      // Requests to the server, of which each operation has some, that is, until one was carried out in full.
      expect(at).toBeGreaterThan(3)
      await expectNothingLeftOver(place)
    },
    TIMEOUT,
  )
})

async function killServer(
  place: Place,
  operation: Operation,
  { at, when }: { readonly at: number; readonly when: 'after' | 'during' },
): Promise<boolean> {
  const device = await operation.prepare(place)
  const server = await startKillableServer(place)
  const network = server.killedAt(at, when)
  const failed = await fails(device, operation, network)
  await server.end()
  await expectSound(place, device, { operation, failed })
  return network.killed()
}

async function withKeys(device: TestPerson): Promise<TestPerson> {
  await device.keys.importKeys(makeKeys(1))
  return device
}

/** Backed up under {@link PIN}, with a key more since. */
async function backedUp(place: Place): Promise<TestPerson> {
  const device = await withKeys(await place.newDevice())
  await (await device.sync()).backup({ pin: PIN })
  await device.keys.importKeys(makeConversations(1))
  return device
}

/** True when the operation fails: with a coded error, or by the kill. */
async function fails(
  device: TestPerson,
  operation: Operation,
  through: { readonly fetch: Fetch; readonly vault?: Vault },
): Promise<boolean> {
  try {
    await operation.run(await device.sync({ ...operation.options, ...through }))
    return false
  } catch (fault) {
    const killed = fault instanceof TypeError && fault.message === 'killed'
    if (!(fault instanceof KeyhavenError) && !killed) throw fault
    return true
  }
}

async function expectSound(
  place: Place,
  device: TestPerson,
  done: { readonly operation: Operation; readonly failed: boolean },
): Promise<void> {
  const { expectAfter } = done.operation
  await (expectAfter === undefined ? expectOnePin(place, device, done) : expectAfter(place, device))
}

/** The PIN opens all of the backup, or there is none; deleting it again leaves nothing anywhere but the device's own keys. */
async function expectWholeOrGone(place: Place, device: TestPerson): Promise<void> {
  const keys = await device.keys.exportKeys()
  const fresh = await place.newDevice({ phone: device.phone })
  const { status } = await (await fresh.sync()).restore({ pin: PIN })
  expect(['restored', 'no-backup']).toContain(status)
  expect(await (await device.sync()).deleteBackup()).toEqual({ status: 'deleted', remainsOn: [] })
  expect(await (await fresh.sync()).restore({ pin: PIN })).toEqual({ status: 'no-backup' })
  expect(await device.keys.exportKeys()).toEqual(keys)
}

/** One PIN works, and the next backup says of which generation it is; what is left undone is done by it. */
async function expectOnePin(
  place: Place,
  device: TestPerson,
  { operation, failed }: { readonly operation: Operation; readonly failed: boolean },
): Promise<void> {
  let next = await (await device.sync()).backup()
  if (next.status === 'pin-needed') {
    expect(failed).toBe(true)
    next = await (await device.sync()).backup({ pin: PIN })
  }
  if (next.status !== 'backed-up') throw new Error(`The next backup came to ${next.status}.`)
  const changed = next.generation === 2
  expect(failed || changed || operation.pinAfter === undefined).toBe(true)
  const right = changed ? (operation.pinAfter ?? PIN) : PIN
  const fresh = await place.newDevice({ phone: device.phone })
  const wrong = right === PIN ? OTHER_PIN : PIN
  expect(await (await fresh.sync()).restore({ pin: wrong })).toMatchObject({ status: 'wrong-pin' })
  expect(await (await fresh.sync()).restore({ pin: right })).toMatchObject({
    status: 'restored',
    renewed: true,
    oldRegistrationRemainsOn: [],
  })
  expect(await fresh.keys.exportKeys()).toEqual(await device.keys.exportKeys())
}

/** One registration at the realm for each backup, and nothing under way or to be deleted at the server. */
async function expectNothingLeftOver(place: Place): Promise<void> {
  const [row] = await place.app.database.asSuperuser(
    `SELECT (SELECT count(*)::int FROM realm.records) - (SELECT count(*)::int FROM app.pointers) AS extra,
            (SELECT count(*)::int FROM app.pending_changes) AS pending,
            (SELECT count(*)::int FROM app.retired_registrations) AS retired,
            (SELECT count(*)::int FROM app.segments WHERE cursor IS NULL) AS unseen`,
  )
  expect(row).toEqual({ extra: 0, pending: 0, retired: 0, unseen: 0 })
}
