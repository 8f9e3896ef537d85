import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import type { RealmTransport } from 'keyhaven/recovery'
import { parseConfiguration, recover, register } from 'keyhaven/recovery'
import { parseTenants } from './settings/tenants.ts'
import { startTestApp } from './testing/app.ts'
import type { TestApp, TestDevice } from './testing/app.ts'

const userInfo = utf8('person')
const pin = utf8('493817')

let main: TestApp
let others: readonly TestApp[]
const ids = [randomBytes(16), randomBytes(16), randomBytes(16)] as const

beforeAll(async () => {
  main = await startTestApp({ realmId: ids[0] })
  const { body } = await main.send('/v1/realm-tenant')
  const tenants = parseTenants(JSON.stringify(body), 'KEYHAVEN_TENANTS', true)
  others = await Promise.all(
    ids.slice(1).map((realmId) => startTestApp({ realmId, tenants, realmOnly: true })),
  )
})

/** Tokens from the server with accounts, for its own realm and the two that know only its public key. */
async function transportOf(device: TestDevice): Promise<RealmTransport> {
  const registration = toHex(randomBytes(16))
  const realmIds = ids.map(toHex)
  const begun = await device.post('/v1/pointer/pending', {
    expectedEtag: null,
    registration,
    generation: 1,
    realms: realmIds,
  })
  expect(begun.status).toBe(200)
  const { body } = await device.post('/v1/realm-tokens', { registration, realmIds })
  const tokens = body['tokens'] as Readonly<Record<string, string>>
  return async ({ realm, body: sent, signal }) => {
    const headers = {
      Authorization: `Bearer ${tokens[toHex(realm.id)] ?? ''}`,
      'X-Juicebox-Version': '0.3.0',
    }
    const init = { method: 'POST', headers, body: new Uint8Array(sent), signal }
    const answer = await fetch(`${realm.address}req`, init).catch(() => undefined)
    if (answer?.ok !== true) return { kind: 'unreachable' }
    return { kind: 'ok', body: new Uint8Array(await answer.arrayBuffer()) }
  }
}

describe('a server that is only a realm', () => {
  test('holds a share for the users of a server with accounts, by its public key alone', async () => {
    const configuration = parseConfiguration(
      {
        realms: [main, ...others].map(({ origin }, index) => ({
          id: toHex(ids[index] ?? new Uint8Array()),
          address: `${origin}/realm/`,
        })),
        register_threshold: 3,
        recover_threshold: 2,
        pin_hashing_mode: 'FastInsecure',
      },
      { insecureForTests: true },
    )
    const options = { configuration, transport: await transportOf(await main.signIn()), userInfo, pin }
    const secret = randomBytes(32)
    await register({ ...options, secret, numGuesses: 5 })
    expect(await recover({ ...options, pin: utf8('000000') })).toMatchObject({ status: 'wrong-pin' })
    await others[0]?.close()
    expect(await recover(options)).toMatchObject({ status: 'recovered', secret })
  })

  test('has no accounts, no sign-in and no log, and is alive', async () => {
    const realm = others[1]
    for (const path of [
      '/v1/auth/code',
      '/v1/auth/verify',
      '/v1/pointer',
      '/v1/realm-tokens',
      '/v1/log/heads',
    ]) {
      expect((await realm?.post(path, {}))?.code).toBe('ERR_NOT_FOUND')
    }
    expect((await realm?.send('/readyz'))?.status).toBe(200)
    expect((await realm?.send('/realm/'))?.body).toEqual({ realmID: toHex(ids[2]), keyhaven: 1 })
  })
})
