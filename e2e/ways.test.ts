import { beforeAll, describe, expect, test } from 'vitest'
import { PIN, OTHER_PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

/** A person with a backup of two identity keys and a conversation. */
async function backedUp(): Promise<TestPerson> {
  const first = await place.newDevice({ label: 'First' })
  await first.keys.importKeys(makeKeys(1))
  await (await first.sync()).backup({ pin: PIN })
  return first
}

async function codeOf(person: TestPerson): Promise<{ readonly code: string; readonly wayId: string }> {
  const added = await (await person.sync()).addRecoveryCode()
  if (added.status !== 'added') throw new Error(added.status)
  return added
}

describe('a recovery code', () => {
  test('restores without the PIN, also after rotations, and lets a new PIN be set', async () => {
    const first = await backedUp()
    const { code, wayId } = await codeOf(first)
    expect(await (await first.sync()).listWays()).toMatchObject([
      { type: 'pin', thisDevice: false },
      { type: 'device', label: 'First', thisDevice: true },
      { id: wayId, type: 'recovery-code', label: 'Recovery code', thisDevice: false },
    ])
    await (await first.sync()).rotate()
    const second = await place.newDevice({ phone: first.phone, label: 'Second' })
    const restored = await (await second.sync()).restoreWithCode({ code: code.toLowerCase() })
    expect(restored).toMatchObject({
      status: 'restored',
      identityKeys: 2,
      conversationKeys: 1,
      deviceAdded: true,
    })
    expect(await second.keys.exportKeys()).toEqual(await first.keys.exportKeys())
    await second.keys.importKeys(makeConversations(1))
    expect(await (await second.sync()).changePin({ pin: OTHER_PIN })).toMatchObject({ status: 'pin-changed' })
    expect(await (await first.sync()).sync()).toMatchObject({ status: 'synced', conversationKeys: 2 })
    const third = await place.newDevice({ phone: first.phone })
    expect(await (await third.sync()).restore({ pin: OTHER_PIN })).toMatchObject({ status: 'restored' })
    const fourth = await place.newDevice({ phone: first.phone })
    expect(await (await fourth.sync()).restoreWithCode({ code })).toMatchObject({ conversationKeys: 2 })
  })

  test('opens after the PIN is locked', async () => {
    const first = await backedUp()
    const { code } = await codeOf(first)
    const thief = await place.newDevice({ phone: first.phone })
    let status = ''
    while (status !== 'locked') {
      const tried = await (await thief.sync()).restore({ pin: OTHER_PIN })
      status = tried.status
      if (tried.status === 'waiting') place.wait(tried.retryAfterSeconds * 1000)
    }
    const second = await place.newDevice({ phone: first.phone })
    expect(await (await second.sync()).restoreWithCode({ code })).toMatchObject({ status: 'restored' })
  })

  test('that was removed opens nothing that the server has, and the others go on', async () => {
    const first = await backedUp()
    const removed = await codeOf(first)
    const kept = await codeOf(first)
    const removal = { status: 'removed', oldRegistrationRemainsOn: [] }
    expect(await (await first.sync()).removeWay({ id: removed.wayId })).toEqual(removal)
    expect(await (await first.sync()).removeWay({ id: removed.wayId })).toEqual({ status: 'unknown-way' })
    const second = await place.newDevice({ phone: first.phone })
    const sync = await second.sync()
    expect(await sync.restoreWithCode({ code: removed.code })).toEqual({ status: 'unknown-way' })
    expect(await second.keys.exportKeys()).toEqual({ identityKeys: {}, conversationKeys: {} })
    expect(await sync.restoreWithCode({ code: kept.code })).toMatchObject({
      status: 'restored',
      generation: 2,
    })
    const slots = await place.app.database.asSuperuser('SELECT * FROM app.slots WHERE user_id = $1', [
      first.accountId,
    ])
    expect(slots.map((row) => JSON.stringify(row)).join()).not.toContain(removed.wayId)
    expect(slots).toHaveLength(4)
  })

  test('of another account, or mistyped, is told from one that works; the PIN and devices have calls of their own', async () => {
    const [first, other] = await Promise.all([backedUp(), backedUp()])
    const { code } = await codeOf(other)
    const second = await place.newDevice({ phone: first.phone })
    expect(await (await second.sync()).restoreWithCode({ code })).toEqual({ status: 'unknown-way' })
    const mistyped = (code.startsWith('7') ? '8' : '7') + code.slice(1)
    await expect((await second.sync()).restoreWithCode({ code: mistyped })).rejects.toMatchObject({
      code: 'ERR_RECOVERY_CODE_INVALID',
    })
    await expect((await second.sync()).addRecoveryCode()).rejects.toMatchObject({
      code: 'ERR_AUTHORITY_REQUIRED',
    })
    for (const { id } of await (await first.sync()).listWays())
      expect(await (await first.sync()).removeWay({ id })).toEqual({ status: 'has-its-own-call' })
    const empty = await place.newDevice()
    expect(await (await empty.sync()).addRecoveryCode()).toEqual({ status: 'no-backup' })
    expect(await (await empty.sync()).restoreWithCode({ code })).toEqual({ status: 'no-backup' })
    expect(await (await empty.sync()).listWays()).toEqual([])
  })

  test('two devices that add one at once both have theirs listed', async () => {
    const first = await backedUp()
    const second = await place.newDevice({ phone: first.phone })
    await (await second.sync()).restore({ pin: PIN })
    const codes = await Promise.all([codeOf(first), codeOf(second)])
    for (const { code } of codes) {
      const third = await place.newDevice({ phone: first.phone })
      expect(await (await third.sync()).restoreWithCode({ code })).toMatchObject({ status: 'restored' })
    }
  })
})

describe('a recovery kit', () => {
  const passphrase = 'lantern orbit walnut seventeen'

  test('restores with its passphrase, for its own account only', async () => {
    const first = await backedUp()
    const made = await (await first.sync()).addKit({ passphrase })
    if (made.status !== 'added') throw new Error(made.status)
    const { file } = made
    const second = await place.newDevice({ phone: first.phone })
    const sync = await second.sync()
    expect(await sync.restoreWithKit({ file, passphrase: 'another' })).toEqual({ status: 'rejected' })
    expect(await sync.restoreWithKit({ file, passphrase })).toMatchObject({
      status: 'restored',
      identityKeys: 2,
    })
    const stranger = await backedUp()
    const elsewhere = await (await stranger.sync()).restoreWithKit({ file, passphrase })
    expect(elsewhere).toEqual({ status: 'unknown-way' })
    await expect((await first.sync()).addKit({ passphrase: '123456789012' })).rejects.toMatchObject({
      code: 'ERR_PASSWORD_REFUSED',
    })
  })
})
