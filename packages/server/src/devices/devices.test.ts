import { beforeAll, describe, expect, test } from 'vitest'
import { signEd25519, toHex } from 'keyhaven/crypto'
import { startTestApp } from '../testing/app.ts'
import type { TestAnswer, TestApp, TestDevice } from '../testing/app.ts'
import { announce, createBackup, putSegment, readLogTypes } from '../testing/backups.ts'
import type { TestBackup } from '../testing/backups.ts'
import { createAuthority, createSegment, randomId } from '../testing/segments.ts'
import { encodeRemovalMessage } from './change-device.ts'
import type { ListedDevice } from './devices.ts'

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

async function list(device: TestDevice): Promise<readonly ListedDevice[]> {
  const { status, body } = await device.get('/v1/devices')
  expect(status).toBe(200)
  return body['devices'] as readonly ListedDevice[]
}

function rename(device: TestDevice, id: string, label: unknown): Promise<TestAnswer> {
  return device.send(`/v1/devices/${id}`, { method: 'PATCH', json: { label } })
}

function remove(device: TestDevice, id: string, proof?: string): Promise<TestAnswer> {
  const headers = proof === undefined ? {} : { 'Keyhaven-Proof': proof }
  return device.send(`/v1/devices/${id}`, { method: 'DELETE', headers })
}

function prove(
  device: TestDevice,
  removal: { readonly id: string; readonly etag: string; readonly authority: TestBackup['authority'] },
): string {
  const { id: deviceId, etag } = removal
  const message = encodeRemovalMessage({ accountId: device.accountId, deviceId, etag })
  return toHex(signEd25519({ seed: removal.authority.seed, message }))
}

describe('the devices of an account', () => {
  test('are listed with name and use, the one used last first, and nobody else’s', async () => {
    const phone = await server.signIn({ label: 'Phone' })
    const began = server.clock.now
    server.clock.now = new Date(began.getTime() + 60_000)
    const tablet = await server.signIn({ phone: phone.phone, label: 'Tablet 📱' })
    await server.signIn({ label: 'A stranger’s' })
    await phone.post('/v1/auth/logout', {})
    const first = began.toISOString()
    const second = server.clock.now.toISOString()
    expect(await list(tablet)).toEqual([
      { id: tablet.deviceId, label: 'Tablet 📱', firstUsedAt: second, lastUsedAt: second, signedIn: true },
      { id: phone.deviceId, label: 'Phone', firstUsedAt: first, lastUsedAt: first, signedIn: false },
    ])
  })

  test('are renamed, and the access log uses the new name from then on', async () => {
    const phone = await server.signIn({ label: 'Phone' })
    expect((await rename(phone, phone.deviceId, 'Old phone')).status).toBe(204)
    expect((await rename(phone, phone.deviceId, 'Old phone')).status).toBe(204)
    expect((await list(phone)).map(({ label }) => label)).toEqual(['Old phone'])
    await phone.post('/v1/access-log/restored', { success: true, identityKeys: 0, conversationKeys: 0 })
    const rows = (await phone.get('/v1/access-log')).body['rows'] as { type: string; deviceLabel: string }[]
    expect(rows.slice(0, 3)).toMatchObject([
      { type: 'keys_restored', deviceLabel: 'Old phone' },
      { type: 'device_renamed', deviceLabel: 'Phone' },
      { type: 'device_added', deviceLabel: 'Phone' },
    ])
  })

  test.each(['', 'x'.repeat(65), 'a\nb', 7, null])('are not renamed to %j', async (label) => {
    const phone = await server.signIn()
    expect((await rename(phone, phone.deviceId, label)).code).toBe('ERR_BODY_MALFORMED')
  })

  test('of another account are not there', async () => {
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    expect((await rename(alice, bob.deviceId, 'Mine')).code).toBe('ERR_NOT_FOUND')
    expect((await remove(alice, bob.deviceId)).code).toBe('ERR_NOT_FOUND')
    expect((await remove(alice, randomId())).code).toBe('ERR_NOT_FOUND')
    expect((await list(bob)).map(({ label }) => label)).toEqual(['Test device'])
  })
})

describe('a removed device', () => {
  test('has no session from that moment on, cannot continue one, and is told why', async () => {
    const phone = await server.signIn()
    const tablet = await server.signIn({ phone: phone.phone })
    expect((await remove(phone, tablet.deviceId)).status).toBe(204)
    expect((await remove(phone, tablet.deviceId)).status).toBe(204)
    for (const answer of [
      await tablet.get('/v1/pointer'),
      await tablet.get('/v1/log/slots'),
      await server.post('/v1/auth/refresh', { refreshToken: tablet.refreshToken }),
    ])
      expect([answer.status, answer.code]).toEqual([401, 'ERR_DEVICE_REMOVED'])
    expect((await list(phone)).map(({ id }) => id)).toEqual([phone.deviceId])
    expect((await readLogTypes(phone)).filter((type) => type.startsWith('device_removed'))).toHaveLength(1)
    expect((await rename(phone, tablet.deviceId, 'Again')).code).toBe('ERR_NOT_FOUND')
  })

  test('is a new device when it signs in again', async () => {
    const phone = await server.signIn()
    await remove(phone, phone.deviceId)
    await server.post('/v1/auth/code', { phone: phone.phone })
    const again = await server.signIn({ phone: phone.phone })
    expect((await list(again)).map(({ id }) => id)).toEqual([again.deviceId])
    expect((await readLogTypes(again))[0]).toBe('device_added')
  })

  test('needs the authority’s signature once there is one, unless it removes itself', async () => {
    const phone = await server.signIn()
    const thief = await server.signIn({ phone: phone.phone })
    const { authority, etag } = await createBackup(phone)
    const id = phone.deviceId
    for (const proof of [
      undefined,
      '00'.repeat(64),
      prove(thief, { id, etag, authority: createAuthority() }),
      prove(thief, { id: thief.deviceId, etag, authority }),
      prove(thief, { id, etag: 'another', authority }),
      prove(await server.signIn(), { id, etag, authority }),
    ])
      expect((await remove(thief, id, proof)).code).toBe('ERR_PROOF_REJECTED')
    expect((await remove(thief, id, 'xy')).code).toBe('ERR_BODY_MALFORMED')
    expect((await phone.get('/v1/pointer')).status).toBe(200)
    expect((await readLogTypes(phone)).filter((type) => type === 'device_removed refused')).toHaveLength(6)
    const proof = prove(phone, { id: thief.deviceId, etag, authority })
    expect((await remove(phone, thief.deviceId, proof)).status).toBe(204)
    expect((await remove(phone, phone.deviceId)).status).toBe(204)
    expect((await phone.get('/v1/pointer')).code).toBe('ERR_DEVICE_REMOVED')
  })

  test('leaves no change of the backup behind that others would have to wait for', async () => {
    const phone = await server.signIn()
    const tablet = await server.signIn({ phone: phone.phone })
    const { authority, etag } = await createBackup(phone)
    const registration = randomId()
    expect((await announce(tablet, { registration, expectedEtag: etag })).status).toBe(200)
    const snapshot = createSegment({ ...tablet, sequence: 1, generation: 2, kind: 'snapshot' })
    expect((await putSegment(tablet, snapshot, registration)).status).toBe(201)
    const proof = prove(phone, { id: tablet.deviceId, etag, authority })
    expect((await remove(phone, tablet.deviceId, proof)).status).toBe(204)
    expect((await phone.get('/v1/pointer')).body).toMatchObject({
      pending: null,
      retired: [{ registration }],
    })
    expect((await announce(phone, { registration: randomId(), expectedEtag: etag })).status).toBe(200)
  })
})
