import { beforeAll, describe, expect, test } from 'vitest'
import { deriveEd25519PublicKey, parseHex, randomBytes, toHex } from 'keyhaven/crypto'
import { httpTransport, openSession } from 'keyhaven/sync'
import { readState } from '../packages/keyhaven/src/sync/device/backup-state.ts'
import type { BackupState } from '../packages/keyhaven/src/sync/device/backup-state.ts'
import { signRemoval } from '../packages/keyhaven/src/sync/format/removal-messages.ts'
import { proveAnnouncement, proveSlot } from '../packages/keyhaven/src/sync/format/upload-proofs.ts'
import { OTHER_PIN, PIN, makeConversations, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

async function stateOf(device: TestPerson): Promise<BackupState> {
  const state = await readState(device.vault)
  if (state === undefined) throw new Error('The test device has not joined.')
  return state
}

/** Three devices in one backup; the first removes the second, which keeps what it knew. */
async function removed(): Promise<{
  readonly first: TestPerson
  readonly third: TestPerson
  readonly known: BackupState
}> {
  const first = await place.newDevice()
  await first.keys.importKeys(makeKeys(2))
  await (await first.sync()).backup({ pin: PIN })
  const [second, third] = [
    await place.newDevice({ phone: first.phone }),
    await place.newDevice({ phone: first.phone }),
  ]
  for (const device of [second, third]) await (await device.sync()).restore({ pin: PIN })
  const known = await stateOf(second)
  const outcome = await (await first.sync()).removeDevice({ id: second.deviceId })
  expect(outcome).toEqual({ status: 'removed', rotated: true, oldRegistrationRemainsOn: [] })
  return { first, third, known }
}

describe('the authority key that a removed device knew', () => {
  test('signs nothing any more, also when its thief signs in with the phone number', async () => {
    const { first, known } = await removed()
    const thief = await place.newDevice({ phone: first.phone })
    const session = await openSession({ vault: thief.vault })
    if (session === undefined) throw new Error('The thief is not signed in.')
    const transport = httpTransport({ session })
    const { pointer, etag, authority } = await transport.readPointer()
    if (pointer === null) throw new Error('There is no backup.')
    expect(authority).not.toBe(toHex(deriveEd25519PublicKey(known.authoritySeed)))
    const account = parseHex(session.accountId.replaceAll('-', ''), 'account', 16)
    const signer = { account, seed: known.authoritySeed }
    const { generation, realms } = pointer
    const change = { registration: toHex(randomBytes(16)), generation, realms, expectedEtag: etag }
    const device = parseHex(session.deviceId, 'device', 16)
    const slot = { wayId: toHex(randomBytes(16)), generation, slot: randomBytes(1168) }
    const removal = { account, kind: 'backup', generation, etag: etag ?? '' } as const
    const signature = signRemoval(removal, known.authoritySeed)
    for (const attack of [
      () => transport.beginChange({ ...change, proof: proveAnnouncement(signer, { ...change, device }) }),
      () => transport.putSlot({ ...slot, proof: proveSlot(signer, slot) }),
      () => transport.requestRemoval({ kind: 'backup', etag, signature }),
    ]) {
      await expect(attack()).rejects.toMatchObject({
        code: 'ERR_SERVER_REFUSED',
        details: { rule: 'ERR_PROOF_REJECTED' },
      })
    }
    expect(await (await first.sync()).verifyBackup({ pin: PIN })).toMatchObject({ status: 'whole' })
  })

  test('is followed by one that every other device takes over, and the log goes on', async () => {
    const { first, third, known } = await removed()
    await third.keys.importKeys(makeConversations(1))
    expect(await (await third.sync()).sync()).toMatchObject({ status: 'synced', uploaded: 1 })
    expect(await (await first.sync()).sync()).toMatchObject({ status: 'synced', received: true })
    const [one, other] = [await stateOf(first), await stateOf(third)]
    expect(other.authoritySeed).toEqual(one.authoritySeed)
    expect(one.authoritySeed).not.toEqual(known.authoritySeed)
    expect(one.formerAuthorities).toEqual([known.authoritySeed])
  })

  test('still deletes the registration that it was bound to, when a new PIN takes its place', async () => {
    const { first } = await removed()
    expect(await (await first.sync()).changePin({ pin: OTHER_PIN })).toMatchObject({
      status: 'pin-changed',
      oldRegistrationRemainsOn: [],
    })
    const fresh = await place.newDevice({ phone: first.phone })
    expect(await (await fresh.sync()).restore({ pin: OTHER_PIN })).toMatchObject({
      status: 'restored',
      deviceAdded: true,
      renewed: true,
      oldRegistrationRemainsOn: [],
    })
  })

  test('and those after it are kept, so that a restore renews what is bound to the first of them', async () => {
    const { first, third } = await removed()
    await (await third.sync()).sync()
    await (await first.sync()).removeDevice({ id: third.deviceId })
    expect((await stateOf(first)).formerAuthorities).toHaveLength(2)
    const fresh = await place.newDevice({ phone: first.phone })
    expect(await (await fresh.sync()).restore({ pin: PIN })).toMatchObject({
      renewed: true,
      oldRegistrationRemainsOn: [],
    })
    const outcome = await (await first.sync()).deleteBackup()
    expect(outcome).toEqual({ status: 'deleted', remainsOn: [] })
  })

  test('tells a device that slept through it all that the backup was deleted, by a key that it cannot know', async () => {
    const { first, third } = await removed()
    await (await first.sync()).deleteBackup()
    await expect((await third.sync()).sync()).rejects.toMatchObject({ code: 'ERR_BACKUP_REMOVED' })
    expect(await third.keys.listKeys()).not.toEqual([])
  })
})
