/**
 * A person who has no phone number here: an app's own sign-in lets two devices in, and the PIN brings the keys from one to the other.
 */
import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { parseConfiguration } from 'keyhaven/recovery'
import { createKeySync, httpTransport, openKeyStore, openSession, signInWithToken } from 'keyhaven/sync'
import type { KeySync } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'
import { startTestApp } from '../packages/server/src/testing/app.ts'
import type { TestApp } from '../packages/server/src/testing/app.ts'
import { publishKey, startTestIssuer } from '../packages/server/src/testing/issuer.ts'
import type { TestIssuer } from '../packages/server/src/testing/issuer.ts'
import { PIN, newVault } from './testing/people.ts'

const keys = generateKeyPairSync('ed25519')
const realmId = randomBytes(16)
let issuer: TestIssuer
let app: TestApp

beforeAll(async () => {
  issuer = await startTestIssuer([publishKey('1', keys.publicKey)])
  const issuers = new Map([[issuer.origin, { audience: 'app', keys: `${issuer.origin}/keys` }]])
  app = await startTestApp({ realmId, issuers, now: () => new Date() })
})

function makeToken(subject: string): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'EdDSA', kid: '1' })
    .setIssuer(issuer.origin)
    .setAudience('app')
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(keys.privateKey)
}

async function signIn(vault: Vault, subject: string): Promise<KeySync> {
  const { origin } = app
  const session = await signInWithToken({
    origin,
    token: await makeToken(subject),
    vault,
    deviceLabel: 'Laptop',
  })
  expect((await openSession({ vault }))?.accountId).toBe(session.accountId)
  const realms = [{ id: toHex(realmId), address: `${origin}/realm/` }]
  const thresholds = { register_threshold: 1, recover_threshold: 1, pin_hashing_mode: 'FastInsecure' }
  const configuration = parseConfiguration({ realms, ...thresholds }, { insecureForTests: true })
  return createKeySync({ transport: httpTransport({ session }), vault, configuration })
}

test('keys come from one device to the next by an app’s own sign-in and the PIN, and not to another subject of it', async () => {
  const [first, second, stranger] = [await newVault(), await newVault(), await newVault()]
  const signing = randomBytes(32)
  await openKeyStore(first).importKeys({ identityKeys: { signing }, conversationKeys: {} })
  expect(await (await signIn(first, 'alice')).backup({ pin: PIN })).toMatchObject({ status: 'backed-up' })
  expect(await (await signIn(second, 'alice')).restore({ pin: PIN })).toMatchObject({ status: 'restored' })
  expect((await openKeyStore(second).exportKeys()).identityKeys).toEqual({ signing })
  expect(await (await signIn(stranger, 'mallory')).restore({ pin: PIN })).toEqual({ status: 'no-backup' })
  await expect(signIn(first, 'mallory')).rejects.toMatchObject({ code: 'ERR_ACCOUNT_MISMATCH' })
})

test('a token that is not good, and an issuer that is away, have their codes', async () => {
  const vault = await newVault()
  const input = { origin: app.origin, vault, deviceLabel: 'Laptop' }
  await expect(signInWithToken({ ...input, token: 'x' })).rejects.toMatchObject({ code: 'ERR_CODE_REJECTED' })
  const away = await startTestIssuer([])
  away.answer = (response) => response.destroy()
  const issuers = new Map([[issuer.origin, { audience: 'app', keys: `${away.origin}/keys` }]])
  const other = await startTestApp({
    shared: app.database,
    keys: app.keys,
    realmId,
    issuers,
    now: () => new Date(),
  })
  const refused = signInWithToken({ ...input, origin: other.origin, token: await makeToken('alice') })
  await expect(refused).rejects.toMatchObject({
    code: 'ERR_SERVER_UNAVAILABLE',
    details: { retryable: true },
  })
})
