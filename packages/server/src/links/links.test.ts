import { beforeAll, describe, expect, test } from 'vitest'
import { startTestApp } from '../testing/app.ts'
import type { TestAnswer, TestApp, TestDevice } from '../testing/app.ts'
import { randomId } from '../testing/segments.ts'
import { sweepDue } from '../sweep-due.ts'

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const offer = (device: TestDevice, id: string, text = 'first'): Promise<TestAnswer> =>
  device.send(`/v1/link/${id}`, { method: 'PUT', json: { message: base64(text) } })
const add = (device: TestDevice, id: string, index: number, text: string): Promise<TestAnswer> =>
  device.post(`/v1/link/${id}/messages`, { index, message: base64(text) })
const close = (device: TestDevice, id: string): Promise<TestAnswer> =>
  device.send(`/v1/link/${id}`, { method: 'DELETE' })

describe('the mailbox of an account', () => {
  test('carries four messages of two devices in turn, each written once', async () => {
    const old = await server.signIn()
    const fresh = await server.signIn({ phone: old.phone })
    const third = await server.signIn({ phone: old.phone })
    const id = randomId()
    expect((await old.get('/v1/link')).code).toBe('ERR_NOT_FOUND')
    expect((await offer(fresh, id)).status).toBe(204)
    expect((await add(fresh, id, 1, 'own')).code).toBe('ERR_LINK_TAKEN')
    expect((await add(fresh, id, 2, 'early')).code).toBe('ERR_LINK_TAKEN')
    expect((await add(old, id, 1, 'second')).status).toBe(204)
    expect((await add(old, id, 1, 'second')).status).toBe(204)
    expect((await add(old, id, 1, 'another')).code).toBe('ERR_LINK_TAKEN')
    expect((await add(third, id, 1, 'second')).code).toBe('ERR_LINK_TAKEN')
    expect((await add(old, id, 3, 'early')).code).toBe('ERR_LINK_TAKEN')
    expect((await add(fresh, id, 2, 'third')).status).toBe(204)
    expect((await add(third, id, 3, 'fourth')).code).toBe('ERR_LINK_TAKEN')
    expect((await add(old, id, 3, 'fourth')).status).toBe(204)
    expect((await third.get('/v1/link')).body).toMatchObject({
      id,
      offeredBy: fresh.deviceId,
      messages: ['first', 'second', 'third', 'fourth'].map(base64),
    })
  })

  test('is gone when it is closed, replaced, or five minutes old, and is nobody else’s', async () => {
    const old = await server.signIn()
    const fresh = await server.signIn({ phone: old.phone })
    const stranger = await server.signIn()
    const [first, second] = [randomId(), randomId()]
    await offer(fresh, first)
    expect((await stranger.get('/v1/link')).code).toBe('ERR_NOT_FOUND')
    expect((await add(stranger, first, 1, 'x')).code).toBe('ERR_NOT_FOUND')
    expect((await close(stranger, first)).status).toBe(204)
    await offer(fresh, second)
    expect((await add(old, first, 1, 'x')).code).toBe('ERR_NOT_FOUND')
    expect((await close(old, first)).status).toBe(204)
    expect((await add(old, second, 1, 'x')).status).toBe(204)
    const began = server.clock.now
    server.clock.now = new Date(began.getTime() + 5 * 60_000)
    expect((await fresh.get('/v1/link')).code).toBe('ERR_NOT_FOUND')
    expect((await add(fresh, second, 2, 'late')).code).toBe('ERR_NOT_FOUND')
    server.clock.now = began
    expect((await close(old, second)).status).toBe(204)
    expect((await fresh.get('/v1/link')).code).toBe('ERR_NOT_FOUND')
  })

  test('is gone once its time is over, though nobody asks for it, and one that is open stays', async () => {
    const [late, open] = [await server.signIn(), await server.signIn()]
    const stillOpen = randomId()
    expect((await offer(late, randomId())).status).toBe(204)
    expect((await offer(open, stillOpen)).status).toBe(204)
    const { asSuperuser, database } = server.database
    await asSuperuser("UPDATE app.links SET expires_at = now() - interval '1 second' WHERE user_id = $1", [
      late.accountId,
    ])
    expect(await sweepDue(database, 'links')).toBeGreaterThanOrEqual(1)
    expect(await sweepDue(database, 'links')).toBe(0)
    const rows = await asSuperuser('SELECT user_id FROM app.links WHERE user_id = ANY ($1)', [
      [late.accountId, open.accountId],
    ])
    expect(rows).toEqual([{ user_id: open.accountId }])
    expect((await open.get('/v1/link')).body).toMatchObject({ id: stillOpen })
  })

  test('takes nothing of another shape', async () => {
    const device = await server.signIn()
    const id = randomId()
    for (const message of ['', '*', 7, base64('x'.repeat(4097)), undefined])
      expect((await device.send(`/v1/link/${id}`, { method: 'PUT', json: { message } })).code).toBe(
        'ERR_BODY_MALFORMED',
      )
    for (const index of [0, 4, 1.5, '1'])
      expect((await device.post(`/v1/link/${id}/messages`, { index, message: base64('x') })).code).toBe(
        'ERR_BODY_MALFORMED',
      )
    expect((await offer(device, 'xy')).code).toBe('ERR_BODY_MALFORMED')
  })
})
