import { beforeAll, describe, expect, test } from 'vitest'
import { parseHex, toHex } from 'keyhaven/crypto'
import { requestSignInCode } from 'keyhaven/sync'
import { readState } from '../packages/keyhaven/src/sync/device/backup-state.ts'
import { signPointerChange } from '../packages/keyhaven/src/sync/format/authority.ts'
import { randomPhone } from '../packages/server/src/testing/app.ts'
import { bendBody } from './testing/bent-json.ts'
import type { Json } from './testing/bent-json.ts'
import { lying } from './testing/liars.ts'
import { OTHER_PIN, PIN, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

describe('notices', () => {
  test('tell of wrong PINs and new devices of others, once, and of nothing that this device did', async () => {
    const first = await backedUp()
    expect((await (await first.sync()).getNotices()).notices).toEqual([])
    await (await first.sync()).restore({ pin: OTHER_PIN })
    await (await first.sync()).restore({ pin: PIN })
    const other = await place.newDevice({ phone: first.phone, label: 'Other' })
    await (await other.sync()).restore({ pin: OTHER_PIN })
    await (await other.sync()).restore({ pin: PIN })
    const { notices, upTo } = await (await first.sync()).getNotices()
    expect(notices.map(({ kind, event }) => [kind, event.deviceLabel])).toEqual([
      ['new-device', 'Other'],
      ['wrong-pin', 'Other'],
      ['pin-renewed', 'Other'],
    ])
    expect(await (await first.sync()).getNotices()).toMatchObject({ notices, upTo })
    await (await first.sync()).dismissNotices(upTo)
    expect(await (await first.sync()).getNotices()).toMatchObject({ notices: [] })
    expect((await (await other.sync()).getNotices()).notices).toEqual([])
  })

  test('tell of a changed PIN by the word of the device that changed it, and not of a new root key', async () => {
    const { first, other } = await twoDevices()
    await (await other.sync()).changePin({ pin: OTHER_PIN })
    await (await other.sync()).rotate()
    expect(await kindsAt(first)).toEqual(['pin-changed'])
    const { events } = await (await first.sync()).getAccessHistory()
    expect(events.filter(({ type }) => type === 'pin_changed')).toMatchObject([
      { success: true, code: 'REPORTED_BY_CLIENT', deviceId: other.deviceId },
    ])
    await (await other.sync()).rotate({ pin: OTHER_PIN })
    expect(await kindsAt(first)).toEqual(['pin-changed', 'pin-renewed'])
  })

  test('tell that the PIN was set anew also when the device that changed it does not say so', async () => {
    const { first, other } = await twoDevices()
    const state = await readState(other.vault)
    if (state === undefined) throw new Error('The other device has joined.')
    const { authoritySeed } = state
    const silent = bendBody(fetch, '/v1/pointer/commit', (body) => withoutWord(body, other, authoritySeed))
    expect(await (await other.sync({ fetch: silent })).changePin({ pin: OTHER_PIN })).toMatchObject({
      status: 'pin-changed',
    })
    expect(await kindsAt(first)).toEqual(['pin-renewed'])
  })

  test('of a first backup are none', async () => {
    const first = await place.newDevice({ label: 'First' })
    await (await first.sync()).getNotices()
    const other = await place.newDevice({ phone: first.phone })
    await (await other.sync()).backup({ pin: PIN })
    expect(await kindsAt(first)).toEqual(['new-device'])
  })

  test('cannot be kept back by a server that shows an older log', async () => {
    const first = await backedUp()
    let old: unknown
    const remember = lying({ json: { '/v1/access-log': (body) => (old = body) } })
    await (await first.sync(remember)).getNotices()
    await place.newDevice({ phone: first.phone })
    await (await first.sync()).getNotices()
    const replay = lying({ json: { '/v1/access-log': () => old } })
    await expect((await first.sync(replay)).getNotices()).rejects.toMatchObject({
      code: 'ERR_ACCESS_LOG_TRUNCATED',
    })
  })
})

describe('a changed phone number', () => {
  test('is set from a device that has the backup; the old number’s new holder meets nothing of it', async () => {
    const first = await backedUp()
    const phone = randomPhone()
    const { requestId } = await requestSignInCode({ origin: place.app.origin, phone })
    const code = place.app.codes.get(phone) ?? ''
    const wrong = { phone, requestId, code: code === '000000' ? '000001' : '000000' }
    const network = lying({})
    await expect((await first.sync(network)).changePhone(wrong)).rejects.toMatchObject({
      code: 'ERR_CODE_REJECTED',
    })
    // A code has five tries, and a wrong one spends one.
    expect(network.asked.filter((path) => path.endsWith('/phone'))).toHaveLength(1)
    const thief = await place.newDevice({ phone: first.phone })
    await expect((await thief.sync()).changePhone({ phone, requestId, code })).rejects.toMatchObject({
      code: 'ERR_AUTHORITY_REQUIRED',
    })
    expect(await (await first.sync()).changePhone({ phone, requestId, code })).toBe(phone)
    expect((await first.sync()).phone).toBe(phone)
    const newHolder = await place.newDevice({ phone: first.phone })
    expect(newHolder.accountId).not.toBe(first.accountId)
    expect(await (await newHolder.sync()).restore({ pin: PIN })).toEqual({ status: 'no-backup' })
    const fresh = await place.newDevice({ phone })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({ status: 'restored' })
    const taken = await requestSignInCode({ origin: place.app.origin, phone: newHolder.phone })
    const change = { phone: newHolder.phone, requestId: taken.requestId }
    const shown = place.app.codes.get(newHolder.phone) ?? ''
    await expect((await first.sync()).changePhone({ ...change, code: shown })).rejects.toMatchObject({
      code: 'ERR_PHONE_TAKEN',
    })
    await expect((await first.sync()).changePhone({ ...change, code: shown })).rejects.toMatchObject({
      code: 'ERR_CODE_REJECTED',
    })
  })
})

describe('a number that its owner lost and somebody else got', () => {
  test('opens the account and nothing of its backup without the PIN; the owner hears of all that was tried', async () => {
    const owner = await backedUp()
    const kept = await owner.keys.exportKeys()
    await (await owner.sync()).dismissNotices((await (await owner.sync()).getNotices()).upTo)
    const holder = await place.newDevice({ phone: owner.phone, label: 'New holder' })
    expect(holder.accountId).toBe(owner.accountId)
    const sync = await holder.sync()
    expect(await sync.sync()).toEqual({ status: 'pin-needed' })
    expect(await sync.restore({ pin: OTHER_PIN })).toMatchObject({ status: 'wrong-pin' })
    expect(await sync.backup({ pin: OTHER_PIN })).toMatchObject({ status: 'wrong-pin' })
    await expect(sync.changePin({ pin: OTHER_PIN })).rejects.toMatchObject({ code: 'ERR_AUTHORITY_REQUIRED' })
    expect(await sync.startFresh({ pin: OTHER_PIN })).toMatchObject({ status: 'waiting' })
    expect(await holder.keys.listKeys()).toEqual([])
    const { notices } = await (await owner.sync()).getNotices()
    const kinds = new Set(notices.map(({ kind }) => kind))
    for (const kind of ['new-device', 'wrong-pin', 'deletion-waiting']) expect(kinds).toContain(kind)
    expect(await (await owner.sync()).status()).toMatchObject({ removal: { kind: 'fresh-start' } })
    expect(await (await owner.sync()).keepBackup()).toEqual({ status: 'kept' })
    expect(await (await owner.sync()).verifyBackup()).toMatchObject({ status: 'whole' })
    expect(await owner.keys.exportKeys()).toEqual(kept)
  })
})

/** The commit of a device that lies: signed like any other, without a word of the new PIN. */
function withoutWord({ newPin, ...body }: Json, { accountId }: TestPerson, authoritySeed: Uint8Array): Json {
  expect(newPin).toBe(true)
  const hex = (name: string): Uint8Array => parseHex(String(body[name]), name)
  const { signature } = signPointerChange(
    {
      account: parseHex(accountId.replaceAll('-', ''), 'account', 16),
      registration: hex('registration'),
      generation: 2,
      expectedEtag: String(body['expectedEtag']),
      anchor: hex('anchor'),
      expectedHeads: (body['expectedHeads'] as readonly string[]).map((head) => parseHex(head, 'head', 32)),
    },
    authoritySeed,
  )
  return { ...body, signature: toHex(signature) }
}

async function kindsAt(device: TestPerson): Promise<readonly string[]> {
  const { notices } = await (await device.sync()).getNotices()
  return notices.map(({ kind }) => kind)
}

/** Two devices with one backup, of which the first was told of all so far. */
async function twoDevices(): Promise<{ readonly first: TestPerson; readonly other: TestPerson }> {
  const first = await backedUp()
  const other = await place.newDevice({ phone: first.phone, label: 'Other' })
  await (await other.sync()).restore({ pin: PIN })
  await (await first.sync()).dismissNotices((await (await first.sync()).getNotices()).upTo)
  return { first, other }
}

async function backedUp(): Promise<TestPerson> {
  const first = await place.newDevice({ label: 'First' })
  await first.keys.importKeys(makeKeys(1))
  await (await first.sync()).backup({ pin: PIN })
  return first
}
