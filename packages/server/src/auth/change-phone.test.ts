import { beforeAll, describe, expect, test } from 'vitest'
import { signEd25519, toHex } from 'keyhaven/crypto'
import { randomPhone, startTestApp } from '../testing/app.ts'
import type { TestAnswer, TestApp, TestDevice } from '../testing/app.ts'
import { createBackup, readLogTypes } from '../testing/backups.ts'
import { createAuthority, randomId } from '../testing/segments.ts'
import { encodePhoneChangeMessage } from './change-phone.ts'

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

async function requestCode(phone: string): Promise<{ readonly requestId: string; readonly code: string }> {
  const { status, body } = await server.post('/v1/auth/code', { phone })
  expect(status).toBe(202)
  return { requestId: String(body['requestId']), code: server.codes.get(phone) ?? '' }
}

async function change(
  device: TestDevice,
  phone: string,
  options: { readonly proof?: string; readonly code?: string } = {},
): Promise<TestAnswer> {
  const asked = await requestCode(phone)
  const headers = options.proof === undefined ? {} : { 'Keyhaven-Proof': options.proof }
  const json = { phone, ...asked, ...(options.code !== undefined && { code: options.code }) }
  return device.send('/v1/phone', { method: 'POST', json, headers })
}

function prove(
  accountId: string,
  claim: { phone: string; etag: string; authority: ReturnType<typeof createAuthority> },
): string {
  const { phone, etag, authority } = claim
  const message = encodePhoneChangeMessage({ accountId, phone, etag })
  return toHex(signEd25519({ seed: authority.seed, message }))
}

describe('a changed phone number', () => {
  test('leads to the account from then on, and the old number to none', async () => {
    const alice = await server.signIn()
    const phone = randomPhone()
    expect((await change(alice, phone)).body).toEqual({ phone })
    expect((await alice.get('/v1/pointer')).status).toBe(200)
    expect((await server.signIn({ phone })).accountId).toBe(alice.accountId)
    const newHolder = await server.signIn({ phone: alice.phone })
    expect(newHolder.accountId).not.toBe(alice.accountId)
    expect(await readLogTypes(newHolder)).toEqual(['device_added', 'signed_in'])
    expect(await readLogTypes(alice)).toContain('phone_changed')
  })

  test('takes the authority’s signature of just this change once there is a backup', async () => {
    const alice = await server.signIn()
    const thief = await server.signIn({ phone: alice.phone })
    const { authority, etag } = await createBackup(alice)
    const { accountId } = alice
    const phone = randomPhone()
    for (const proof of [
      undefined,
      '00'.repeat(64),
      prove(accountId, { phone, etag, authority: createAuthority() }),
      prove(accountId, { phone: alice.phone, etag, authority }),
      prove(accountId, { phone, etag: 'another', authority }),
      prove(crypto.randomUUID(), { phone, etag, authority }),
    ]) {
      const asked = { phone, requestId: randomId(), code: '000000' }
      const headers = proof === undefined ? {} : { 'Keyhaven-Proof': proof }
      const answer = await thief.send('/v1/phone', { method: 'POST', json: asked, headers })
      expect([answer.status, answer.code]).toEqual([403, 'ERR_PROOF_REJECTED'])
    }
    expect((await readLogTypes(alice)).filter((type) => type === 'phone_changed refused')).toHaveLength(6)
    const proof = prove(accountId, { phone, etag, authority })
    expect((await change(alice, phone, { proof })).status).toBe(200)
    expect((await server.signIn({ phone })).accountId).toBe(accountId)
  })

  test('takes the code that went to the new number, and five tries at most', async () => {
    const alice = await server.signIn()
    const phone = randomPhone()
    const { requestId, code } = await requestCode(phone)
    const wrong = code === '000000' ? '000001' : '000000'
    const send = (guess: string, id = requestId): Promise<TestAnswer> =>
      alice.post('/v1/phone', { phone, requestId: id, code: guess })
    expect((await send(code, randomId())).code).toBe('ERR_CODE_REJECTED')
    for (let tries = 0; tries < 5; tries += 1) expect((await send(wrong)).code).toBe('ERR_CODE_REJECTED')
    expect((await send(code)).code).toBe('ERR_CODE_REJECTED')
    expect((await readLogTypes(alice)).filter((type) => type === 'phone_changed refused')).toHaveLength(5)
    expect((await server.signIn({ phone: alice.phone })).accountId).toBe(alice.accountId)
  })

  test('is never one that another account has', async () => {
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    expect((await change(alice, bob.phone)).code).toBe('ERR_PHONE_TAKEN')
    expect((await server.signIn({ phone: bob.phone })).accountId).toBe(bob.accountId)
    expect((await server.signIn({ phone: alice.phone })).accountId).toBe(alice.accountId)
    expect((await change(alice, alice.phone)).status).toBe(200)
    const asked = { phone: 'not a number', requestId: randomId(), code: '000000' }
    expect((await alice.post('/v1/phone', asked)).code).toBe('ERR_PHONE_INVALID')
  })

  test('is given to one account only when several ask for it at the same moment', async () => {
    const phone = randomPhone()
    const devices = await Promise.all(Array.from({ length: 3 }, () => server.signIn()))
    const codes = []
    for (const device of devices) codes.push({ device, ...(await requestCode(phone)) })
    const answers = await Promise.all(
      codes.map(({ device, requestId, code }) => device.post('/v1/phone', { phone, requestId, code })),
    )
    const outcomes = answers.map(({ status, code }) => code ?? status).sort()
    expect(outcomes).toEqual([200, 'ERR_PHONE_TAKEN', 'ERR_PHONE_TAKEN'])
  })
})
