import { createHash } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes } from 'keyhaven/crypto'
import { startTestApp } from '../testing/app.ts'
import type { TestApp } from '../testing/app.ts'
import { announce, createBackup, readLogTypes } from '../testing/backups.ts'
import { randomId } from '../testing/segments.ts'
import { deriveAuthKeys, deriveRealmTokenKey } from './keys.ts'
import { deriveRealmSubject, openRealmContext, sealRealmContext } from './realm-token.ts'

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

describe('realm tokens', () => {
  test('are given for the pointer’s registration, one for each realm, with the claims of the protocol', async () => {
    const alice = await server.signIn()
    const { registration, realms } = await createBackup(alice)
    const { status, body } = await alice.post('/v1/realm-tokens', { registration, realmIds: realms })
    expect(status).toBe(200)
    const tokens = body['tokens'] as Record<string, string>
    expect(Object.keys(tokens).sort()).toEqual([...realms].sort())
    const { publicKey } = deriveRealmTokenKey(server.keys.tokenKey)
    const seconds = Math.floor(server.clock.now.getTime() / 1000)
    for (const realmId of realms) {
      const token = tokens[realmId] ?? ''
      expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', kid: 'keyhaven:1' })
      const { payload } = await jwtVerify(token, publicKey, { audience: realmId, issuer: 'keyhaven' })
      const context = String(payload['keyhaven_context'])
      expect(payload).toEqual({
        iss: 'keyhaven',
        aud: realmId,
        sub: deriveRealmSubject({ accountId: alice.accountId, registration }),
        scope: 'user',
        iat: seconds,
        nbf: seconds,
        exp: seconds + 600,
        keyhaven_context: context,
      })
      expect(token).not.toContain(alice.accountId)
      const { realmContext } = deriveAuthKeys(server.keys)
      expect(await openRealmContext(context, realmContext)).toEqual({
        accountId: alice.accountId,
        deviceId: alice.deviceId,
      })
    }
    expect((await readLogTypes(alice))[0]).toBe('realm_token_issued')
  })

  test('are given for the pending registration and for those still to be deleted', async () => {
    const alice = await server.signIn()
    const { etag } = await createBackup(alice)
    const [first, second] = [randomId(), randomId()]
    const realms = [randomId()]
    for (const registration of [first, second]) {
      await announce(alice, { expectedEtag: etag, registration, realms })
      const answer = await alice.post('/v1/realm-tokens', { registration, realmIds: realms })
      expect(answer.status).toBe(200)
    }
    expect((await alice.post('/v1/realm-tokens', { registration: first, realmIds: realms })).status).toBe(200)
    await alice.send(`/v1/pointer/retired/${first}`, { method: 'DELETE' })
    const deleted = await alice.post('/v1/realm-tokens', { registration: first, realmIds: realms })
    expect([deleted.status, deleted.code]).toEqual([404, 'ERR_NOT_FOUND'])
    expect((await readLogTypes(alice))[0]).toBe('realm_token_issued refused')
  })

  test('are not given for another account’s registration, and would not reach its record', async () => {
    const [alice, bob] = [await server.signIn(), await server.signIn()]
    const { registration, realms } = await createBackup(alice)
    const body = { registration, realmIds: realms }
    expect((await bob.post('/v1/realm-tokens', body)).code).toBe('ERR_NOT_FOUND')
    await bob.post('/v1/pointer/pending', { expectedEtag: null, registration, generation: 1, realms })
    expect((await bob.post('/v1/realm-tokens', body)).status).toBe(200)
    expect(deriveRealmSubject({ accountId: bob.accountId, registration })).not.toBe(
      deriveRealmSubject({ accountId: alice.accountId, registration }),
    )
  })

  test.each([
    ['no realm', { realmIds: [] }],
    ['seventeen realms', { realmIds: Array.from({ length: 17 }, randomId) }],
    ['a realm twice', { realmIds: ['ab'.repeat(16), 'ab'.repeat(16)] }],
    ['a realm in upper case', { realmIds: ['AB'.repeat(16)] }],
    ['a registration in upper case', { registration: 'AB'.repeat(16) }],
    ['a registration that is a number', { registration: 5 }],
  ])('are not given for %s', async (_, change) => {
    const alice = await server.signIn()
    const body = { registration: randomId(), realmIds: [randomId()], ...change }
    expect((await alice.post('/v1/realm-tokens', body)).code).toBe('ERR_BODY_MALFORMED')
  })

  test('the subject is that of protocol.md', () => {
    const accountId = '00112233-4455-6677-8899-aabbccddeeff'
    const registration = '0f'.repeat(16)
    const hash = createHash('sha256')
    hash.update(Buffer.from('000000136b6579686176656e2f7375626a6563742f7631', 'hex'))
    hash.update(Buffer.from(`00000010${accountId.replaceAll('-', '')}00000010${registration}`, 'hex'))
    expect(deriveRealmSubject({ accountId, registration })).toBe(hash.digest('hex').slice(0, 32))
  })

  test('a context opens only under its own key and unaltered', async () => {
    const key = randomBytes(32)
    const context = { accountId: '00112233-4455-6677-8899-aabbccddeeff', deviceId: '0f'.repeat(16) }
    const sealed = await sealRealmContext(context, key)
    expect(await openRealmContext(sealed, key)).toEqual(context)
    expect(await openRealmContext(sealed, randomBytes(32))).toBeUndefined()
    for (const text of ['', 'x', sealed.slice(4), `${sealed}AAAA`, `B${sealed.slice(1)}C`, '!'.repeat(80)]) {
      expect(await openRealmContext(text, key)).toBeUndefined()
    }
  })
})
