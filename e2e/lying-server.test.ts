import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import type { PinOptions } from 'keyhaven/recovery'
import { httpTransport, normalizePin, openSession } from 'keyhaven/sync'
import { readState } from '../packages/keyhaven/src/sync/device/backup-state.ts'
import { authorityFor } from '../packages/keyhaven/src/sync/format/subject.ts'
import { createRealmTransport } from '../packages/keyhaven/src/sync/transport/realms.ts'
import { lying } from './testing/liars.ts'
import type { Lie } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place
/** A device whose backup the tests that change nothing restore from. */
let shared: TestPerson

beforeAll(async () => {
  place = await openPlace()
  shared = (await backedUp()).first
})

describe('a server that lies to a device which restores', () => {
  test.each<readonly [string, string, Lie]>([
    [
      'leaves out a segment',
      'ERR_LOG_INCOMPLETE',
      { frames: (frames) => frames.filter((_, index) => index !== 1) },
    ],
    ['leaves out the first segment', 'ERR_LOG_INCOMPLETE', { frames: (frames) => frames.slice(1) }],
    ['leaves out the newest segment', 'ERR_LOG_INCOMPLETE', { frames: (frames) => frames.slice(0, -1) }],
    ['serves nothing', 'ERR_LOG_INCOMPLETE', { frames: () => [] }],
    [
      'flips a bit of a segment',
      'ERR_LOG_DAMAGED',
      {
        frames: (frames) =>
          frames.map((frame, index) => ({
            ...frame,
            segment: index === 1 ? flip(frame.segment) : frame.segment,
          })),
      },
    ],
    [
      "serves another account's segment",
      'ERR_LOG_DAMAGED',
      {
        frames: (frames) =>
          frames.map((frame) => ({
            ...frame,
            segment: frame.segment.map((byte, at) => (at >= 2 && at < 18 ? 7 : byte)),
          })),
      },
    ],
    [
      'serves garbage for a segment',
      'ERR_LOG_DAMAGED',
      { frames: (frames) => frames.map((frame) => ({ ...frame, segment: randomBytes(200).fill(1, 0, 2) })) },
    ],
    [
      'says a segment is from the future',
      'ERR_CLIENT_TOO_OLD',
      {
        frames: (frames) =>
          frames.map((frame) => ({ ...frame, segment: Uint8Array.from([9, ...frame.segment]) })),
      },
    ],
    [
      'names heads that it does not serve',
      'ERR_LOG_INCOMPLETE',
      {
        json: {
          '/v1/log/heads': (heads) => ({
            ...heads,
            heads: [...(heads['heads'] as string[]), 'ab'.repeat(32)],
          }),
        },
      },
    ],
    [
      'does not name the heads that it serves',
      'ERR_LOG_ROLLED_BACK',
      { json: { '/v1/log/heads': (heads) => ({ ...heads, heads: [] }) } },
    ],
    [
      'swaps the slots',
      'ERR_LOG_DAMAGED',
      {
        json: {
          '/v1/log/slots': (slots) => ({
            ...slots,
            slots: swapped(slots['slots'] as Record<string, string>),
          }),
        },
      },
    ],
    [
      'hides the slots',
      'ERR_LOG_INCOMPLETE',
      { json: { '/v1/log/slots': (slots) => ({ ...slots, slots: {} }) } },
    ],
    [
      'names another authority key',
      'ERR_LOG_DAMAGED',
      { json: { '/v1/pointer': (pointer) => ({ ...pointer, authority: 'ab'.repeat(32) }) } },
    ],
    ['sends frames out of order', 'ERR_SERVER_UNAVAILABLE', { frames: (frames) => [...frames].reverse() }],
  ])('and %s is refused with %s, and nothing on the device changes', async (_, code, lie) => {
    const fresh = await place.newDevice({ phone: shared.phone })
    await fresh.keys.importKeys(makeConversations(1))
    const before = await fresh.keys.exportKeys()
    await expect((await fresh.sync(lying(lie))).restore({ pin: PIN })).rejects.toMatchObject({ code })
    expect(await fresh.keys.exportKeys()).toEqual(before)
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ status: 'restored' })
  })

  test('and names other realms is refused before any realm is asked', async () => {
    const { fresh } = await backedUp()
    const liar = lying({
      json: {
        '/v1/pointer': (state) => ({
          ...state,
          pointer: { ...(state['pointer'] as object), realms: ['cd'.repeat(16)] },
        }),
      },
    })
    await expect((await fresh.sync(liar)).restore({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION_INVALID',
    })
    expect(liar.asked.filter((path) => path.startsWith('/realm'))).toEqual([])
  })

  test('and shows an older generation than the registration was made with is refused as rolled back', async () => {
    const { first, fresh } = await backedUp()
    await (await first.sync()).replaceBackup({ pin: OTHER_PIN })
    const liar = lying({
      json: {
        '/v1/pointer': (state) => ({ ...state, pointer: { ...(state['pointer'] as object), generation: 1 } }),
      },
    })
    await expect((await fresh.sync(liar)).restore({ pin: OTHER_PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
  })

  test('and withholds the segment that the registration names as its anchor is refused as rolled back', async () => {
    const { first, fresh } = await backedUp()
    await registerOtherAnchor(first)
    await expect((await fresh.sync()).restore({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
    expect(await fresh.keys.listKeys()).toEqual([])
  })

  test('and says that there is no backup while the realm has it is believed only by a device that knows no better', async () => {
    const { first, fresh } = await backedUp()
    const liar = (): ReturnType<typeof lying> => lying({ json: { '/v1/pointer': () => noPointer } })
    expect(await (await fresh.sync(liar())).restore({ pin: PIN })).toEqual({ status: 'no-backup' })
    await expect((await first.sync(liar())).restore({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
    await expect((await fresh.sync(liar())).backup({ pin: OTHER_PIN })).rejects.toMatchObject({
      code: 'ERR_POINTER_CONFLICT',
    })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ status: 'restored' })
  })
})

describe('a server that lies to a device which has joined', () => {
  test('and shows an older log is refused as rolled back, by heads, by cursor and by pointer', async () => {
    const { first } = await backedUp()
    const old: Record<string, Record<string, unknown>> = {}
    const note = (path: string) => (body: Record<string, unknown>) => (old[path] = body)
    const paths = ['/v1/log/heads', '/v1/pointer']
    await (
      await first.sync(lying({ json: Object.fromEntries(paths.map((path) => [path, note(path)])) }))
    ).backup()
    await first.keys.importKeys(makeConversations(1))
    await (await first.sync()).backup()
    await (await first.sync()).backup()
    const replay = { json: { '/v1/log/heads': () => old['/v1/log/heads'] } }
    await expect((await first.sync(lying(replay))).backup()).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
    await (await first.sync()).replaceBackup({ pin: PIN })
    const pointer = { json: { '/v1/pointer': () => old['/v1/pointer'] } }
    await expect((await first.sync(lying(pointer))).backup()).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
    await expect((await first.sync(lying(pointer))).status()).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
  })

  test('and names another registration as the one in use is refused, and no realm is asked to delete anything', async () => {
    const { first } = await backedUp()
    const liar = lying({
      json: {
        '/v1/pointer': (state) => {
          const pointer = state['pointer'] as { readonly registration: string; readonly realms: string[] }
          const { registration, realms } = pointer
          return {
            ...state,
            pointer: { ...pointer, registration: 'ab'.repeat(16) },
            retired: [{ registration, realms, generation: null, previousRoot: null, authority: null }],
          }
        },
      },
    })
    const sync = await first.sync(liar)
    for (const call of [() => sync.sync(), () => sync.status(), () => sync.verifyBackup()]) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_POINTER_REJECTED' })
    }
    expect(liar.asked.filter((path) => path.startsWith('/realm'))).toEqual([])
    expect(await (await first.sync()).verifyBackup({ pin: PIN })).toMatchObject({ status: 'whole' })
  })

  test.each(['statement', 'serial', 'anchor', 'generation'] as const)(
    'and changes the %s of the pointer is refused',
    async (field) => {
      const changed = { statement: 'ab'.repeat(64), serial: 7, anchor: 'ab'.repeat(32), generation: 9 }
      const liar = lying({
        json: {
          '/v1/pointer': (state) => ({
            ...state,
            pointer: { ...(state['pointer'] as object), [field]: changed[field] },
          }),
        },
      })
      const refused = field === 'generation' ? 'ERR_POINTER_CONFLICT' : 'ERR_POINTER_REJECTED'
      await expect((await shared.sync(liar)).sync()).rejects.toMatchObject({ code: refused })
    },
  )

  test('and calls the registration in use retired, by an older pointer that was signed, is refused as rolled back', async () => {
    const { first } = await backedUp()
    let old: Record<string, unknown> = {}
    await (await first.sync(lying({ json: { '/v1/pointer': (state) => (old = state) } }))).sync()
    const fresh = await place.newDevice({ phone: first.phone })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ renewed: true })
    await (await first.sync()).sync()
    const liar = lying({
      json: {
        '/v1/pointer': (state) => {
          const { registration, realms } = state['pointer'] as { registration: string; realms: string[] }
          return { ...old, retired: [{ registration, realms, generation: 1 }] }
        },
      },
    })
    await expect((await first.sync(liar)).sync()).rejects.toMatchObject({ code: 'ERR_LOG_ROLLED_BACK' })
    expect(liar.asked.filter((path) => path.startsWith('/realm'))).toEqual([])
    expect(await (await first.sync()).verifyBackup({ pin: PIN })).toMatchObject({ status: 'whole' })
  })

  test('and hides what another device added is refused, and what this device would have sent stays to be sent', async () => {
    const { first, fresh } = await backedUp()
    await (await fresh.sync()).restore({ pin: PIN })
    await first.keys.importKeys(makeConversations(1))
    await expect((await first.sync(lying({ frames: () => [] }))).backup()).rejects.toMatchObject({
      code: 'ERR_LOG_INCOMPLETE',
    })
    expect(await (await first.sync()).backup()).toMatchObject({ uploaded: 1 })
  })

  test('and shows no pointer any more never gets a first backup over what was there', async () => {
    const { first } = await backedUp()
    const liar = lying({ json: { '/v1/pointer': () => noPointer } })
    await expect((await first.sync(liar)).backup({ pin: PIN })).rejects.toMatchObject({
      code: 'ERR_LOG_ROLLED_BACK',
    })
    expect(liar.asked).toEqual(['/v1/pointer'])
  })
})

const noPointer = { pointer: null, etag: null, authority: null, pending: null, retired: [] }

async function backedUp(): Promise<{ readonly first: TestPerson; readonly fresh: TestPerson }> {
  const first = await place.newDevice()
  await first.keys.importKeys(makeKeys(2))
  await (await first.sync()).backup({ pin: PIN })
  return { first, fresh: await place.newDevice({ phone: first.phone }) }
}

function flip(segment: Uint8Array): Uint8Array {
  return segment.map((byte, at) => (at === segment.length - 1 ? byte ^ 1 : byte))
}

function swapped(slots: Record<string, string>): Record<string, string> {
  const names = Object.keys(slots)
  return Object.fromEntries(
    names.map((name, index) => [name, slots[names[(index + 1) % names.length] ?? ''] ?? '']),
  )
}

/** Registers, under the same PIN and subject, what a renewal would whose ways segment this server never shows. */
async function registerOtherAnchor(device: TestPerson): Promise<void> {
  const session = await openSession({ vault: device.vault })
  if (session === undefined) throw new Error('The test device is not signed in.')
  const transport = httpTransport({ session })
  const { pointer } = await transport.readPointer()
  if (pointer === null) throw new Error('There is no backup.')
  const { configuration } = place
  const tokens = await transport.realmTokens({ registration: pointer.registration, realmIds: pointer.realms })
  const options: PinOptions = {
    configuration,
    pin: normalizePin(PIN),
    userInfo: userInfo(session.accountId),
    transport: createRealmTransport({ fetch, tokens, deadlineMs: 60_000 }),
  }
  const outcome = await recover(options)
  if (outcome.status !== 'recovered') throw new Error('The PIN is not right.')
  const secret = outcome.secret.slice()
  secret.set(randomBytes(32), 37)
  const seed = (await readState(device.vault))?.authoritySeed ?? new Uint8Array(32)
  const account = Buffer.from(session.accountId.replaceAll('-', ''), 'hex')
  const authority = authorityFor({ account, registration: pointer.registration, seed })
  await register({ ...options, authority, secret, numGuesses: 10 })
}

function userInfo(accountId: string): Uint8Array {
  const account = Buffer.from(accountId.replaceAll('-', ''), 'hex')
  return Buffer.concat([
    Buffer.from([0, 0, 0, 8]),
    Buffer.from('keyhaven'),
    Buffer.from([0, 0, 0, 16]),
    account,
  ])
}
