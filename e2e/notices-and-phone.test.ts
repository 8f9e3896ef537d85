import { beforeAll, describe, expect, test } from 'vitest'
import { requestSignInCode } from 'keyhaven/sync'
import { randomPhone } from '../packages/server/src/testing/app.ts'
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
    ])
    expect(await (await first.sync()).getNotices()).toMatchObject({ notices, upTo })
    await (await first.sync()).dismissNotices(upTo)
    expect(await (await first.sync()).getNotices()).toMatchObject({ notices: [] })
    expect((await (await other.sync()).getNotices()).notices).toEqual([])
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

async function backedUp(): Promise<TestPerson> {
  const first = await place.newDevice({ label: 'First' })
  await first.keys.importKeys(makeKeys(1))
  await (await first.sync()).backup({ pin: PIN })
  return first
}
