/**
 * The document against the server: every route is in it, a run through all of them gives no answer that it does not tell, and takes no
 * request that it does not allow.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { Validator } from '@seriousme/openapi-schema-validator'
import { SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes, toBase64, toHex, utf8 } from 'keyhaven/crypto'
import { publishKey, startTestIssuer } from '../testing/issuer.ts'
import type { TestIssuer } from '../testing/issuer.ts'
import { acmeTenants, acmeToken } from '../realm/testing/realm-server.ts'
import { startTestApp, randomPhone } from '../testing/app.ts'
import type { TestApp, TestDevice } from '../testing/app.ts'
import { encodeContactsRemovalMessage, encodeVetoMessage } from '../contacts/messages.ts'
import { announce, createBackup, prepare, prove, putSegment, putSlot } from '../testing/backups.ts'
import { answerAsked, askContacts, putContacts, putRequest } from '../testing/contacts.ts'
import { postRemoval, signKeep, signRemoval } from '../testing/removals.ts'
import { createSegment, randomId } from '../testing/segments.ts'
import { watchConformance } from './testing/conformance.ts'
import type { Conformance, Document, Exchange } from './testing/conformance.ts'

const realmId = randomBytes(16)
const issuerKeys = generateKeyPairSync('ed25519')
let issuer: TestIssuer
let server: TestApp
let watched: Conformance

beforeAll(async () => {
  issuer = await startTestIssuer([publishKey('ed', issuerKeys.publicKey)])
  const issuers = new Map([[issuer.origin, { audience: 'app', keys: `${issuer.origin}/keys` }]])
  server = await startTestApp({ realmId, tenants: acmeTenants, issuers })
  watched = await watchConformance(server)
})

/** Every route once so that it does what it is for. */
async function runThroughAll(): Promise<void> {
  for (const path of ['/healthz', '/readyz', '/openapi.json', '/v1/realm-tenant', '/realm/'])
    await server.send(path)
  const alice = await server.signIn()
  await useAccount(alice)
  await useBackup(alice)
  await useRealm(alice)
  await useLink(alice)
  await useIssuer()
  await leave(alice)
  await useContacts()
}

async function useIssuer(): Promise<void> {
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'EdDSA', kid: 'ed' })
    .setIssuer(issuer.origin)
    .setAudience('app')
    .setSubject('somebody')
    .setIssuedAt(server.clock.now)
    .setExpirationTime(new Date(server.clock.now.getTime() + 60_000))
    .sign(issuerKeys.privateKey)
  await server.post('/v1/auth/issuer', { token, device: { id: randomId(), label: 'A device' } })
}

async function useAccount(alice: TestDevice): Promise<void> {
  await alice.refresh()
  const phone = randomPhone()
  await alice.post('/v1/phone', { phone, ...(await server.askCode(phone)) })
  await alice.get('/v1/account')
  await alice.get('/v1/devices')
  await alice.send(`/v1/devices/${alice.deviceId}`, { method: 'PATCH', json: { label: '📱' } })
  const tablet = await server.signIn({ phone })
  await tablet.send(`/v1/devices/${tablet.deviceId}`, { method: 'DELETE' })
  const other = await server.signIn({ phone })
  await other.send('/v1/auth/logout', { method: 'POST' })
  await alice.post('/v1/access-log/restored', { success: true, identityKeys: 1, conversationKeys: 2 })
}

async function useBackup(alice: TestDevice): Promise<void> {
  await alice.get('/v1/pointer')
  await alice.get('/v1/log/heads')
  const backup = await createBackup(alice)
  const next = createSegment({ ...alice, sequence: 2, parents: [backup.ways.id] })
  await putSegment(alice, next)
  await putSegment(alice, next)
  await putSlot(alice, randomId())
  const given = { registration: randomId(), expectedEtag: backup.etag }
  await announce(alice, given)
  await alice.get('/v1/pointer')
  await alice.post('/v1/pointer/abandon', { registration: given.registration })
  const change = await prepare(alice, backup, [next.id])
  await putSlot(alice, randomId(), change.registration)
  await alice.post('/v1/pointer/commit', change.sign())
  for (const path of ['/v1/pointer', '/v1/log/heads', '/v1/log/segments?after=0', '/v1/log/slots'])
    await alice.get(path)
  for (const registration of [given.registration, backup.registration]) {
    await alice.send(`/v1/pointer/retired/${registration}`, { method: 'DELETE' })
  }
  await alice.get('/v1/access-log?limit=20')
}

async function useRealm(alice: TestDevice): Promise<void> {
  const { registration } = (await alice.get('/v1/pointer')).body['pointer'] as {
    readonly registration: string
  }
  const realmIds = [toHex(realmId)]
  const { body } = await alice.post('/v1/realm-tokens', { registration, realmIds })
  const token = (body['tokens'] as Readonly<Record<string, string>>)[realmIds[0] ?? ''] ?? ''
  const headers = { Authorization: `Bearer ${token}`, 'X-Juicebox-Version': '0.3.0' }
  await server.send('/realm/req', { method: 'POST', headers, body: Uint8Array.of(0x68, ...utf8('Recover1')) })
  server.clock.now = new Date()
  const audit = await acmeToken(realmId, 'nobody', 'audit')
  await server.send('/realm/audit?limit=5', { headers: { Authorization: `Bearer ${audit}` } })
}

async function useLink(alice: TestDevice): Promise<void> {
  const phone = randomPhone()
  const [old, fresh] = [await server.signIn({ phone }), await server.signIn({ phone })]
  const message = toBase64(randomBytes(100))
  const id = randomId()
  await fresh.send(`/v1/link/${id}`, { method: 'PUT', json: { message } })
  await old.post(`/v1/link/${id}/messages`, { index: 1, message })
  await old.get('/v1/link')
  await old.send(`/v1/link/${id}`, { method: 'DELETE' })
  await alice.get('/v1/link')
}

async function useContacts(): Promise<void> {
  const [owner, contact] = [await server.signIn(), await server.signIn()]
  const backup = await createBackup(owner)
  await putContacts(owner, backup, [contact.accountId, randomUUID()])
  const [one, other] = [await askContacts(owner), randomId()]
  await owner.send(`/v1/contacts/requests/${one}`, { method: 'DELETE' })
  await putRequest(owner, other)
  await owner.get('/v1/contacts')
  await owner.get('/v1/account')
  server.clock.now = new Date(server.clock.now.getTime() + 7 * 86_400_000)
  for (const device of [owner, contact]) await device.refresh()
  await contact.get('/v1/contacts/asked')
  await contact.get('/v1/account')
  await answerAsked(contact, { owner, id: other })
  await owner.get(`/v1/contacts/requests/${other}`)
  const { 'Keyhaven-Proof': signature } = prove(owner, encodeVetoMessage(owner.accountId, other))
  await owner.post(`/v1/contacts/requests/${other}/veto`, { signature })
  const headers = prove(owner, encodeContactsRemovalMessage(owner.accountId, backup.etag))
  await owner.send('/v1/contacts', { method: 'DELETE', headers })
  server.clock.now = new Date()
}

async function leave(alice: TestDevice): Promise<void> {
  const bob = await server.signIn()
  const backup = await createBackup(bob)
  const waiting = await postRemoval(bob, { etag: backup.etag })
  await bob.get('/v1/pointer')
  const signature = signKeep(bob, backup, String(waiting.body['requestedAt']))
  await bob.post('/v1/removals/keep', { signature })
  await postRemoval(bob, { etag: backup.etag, signature: signRemoval(bob, backup) })
  await bob.get('/v1/pointer')
  await postRemoval(bob, { kind: 'account', etag: null, leaveRegistrations: true })
  await alice.get('/v1/devices')
}

describe('/openapi.json', () => {
  test('is a valid OpenAPI 3.1 document', async () => {
    const { document } = watched
    expect(document.openapi).toMatch(/^3\.1\./)
    const { valid, errors } = await new Validator().validate(structuredClone(document))
    expect([valid, errors]).toEqual([true, undefined])
  })

  test('has every route of the server, and no other', () => {
    const told = Object.entries(watched.document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    )
    const there = server.routes.map(({ method, path }) => {
      return `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`
    })
    expect(told.length).toBeGreaterThan(30)
    expect(told.toSorted()).toEqual([...new Set(there)].toSorted())
  })

  test('tells only of the realm where there is only a realm', async () => {
    const alone = await startTestApp({ realmOnly: true, tenants: acmeTenants })
    const { paths } = (await alone.send('/openapi.json')).body as Document
    const expected = ['/healthz', '/openapi.json', '/readyz', '/realm/', '/realm/audit', '/realm/req']
    expect(Object.keys(paths).toSorted()).toEqual(expected)
  })

  test('says which routes need a token: just those refuse a request without one', async () => {
    for (const [path, operations] of Object.entries(watched.document.paths)) {
      for (const [method, { security }] of Object.entries(operations)) {
        const headers = { 'X-Juicebox-Version': '0.3.0' }
        const at = path.replaceAll(/\{\w+\}/g, randomId())
        const { status } = await server.send(at, { method: method.toUpperCase(), headers })
        expect([method, path, status === 401]).toEqual([method, path, security.length > 0])
      }
    }
  })

  test('tells every answer of a run through all routes, and allows every request that was taken', async () => {
    watched.exchanges.length = 0
    await runThroughAll()
    expect(watched.unseen()).toEqual([])
    expect(watched.deviations()).toEqual([])
    expect(watched.taken().length).toBeGreaterThan(20)
    expect(watched.taken().filter(([, fault]) => fault !== undefined)).toEqual([])
  })

  test('tells every refusal of malformed requests: they have the one shape of an error', async () => {
    watched.exchanges.length = 0
    const alice = await server.signIn()
    for (const [path, operations] of Object.entries(watched.document.paths)) {
      for (const [method, { requestBody, responses }] of Object.entries(operations)) {
        const at = path.replaceAll(/\{\w+\}/g, 'x')
        const type = Object.keys(requestBody?.content ?? {})[0] ?? 'application/json'
        const body = requestBody === undefined ? {} : { body: '{}', headers: { 'Content-Type': type } }
        const { status } = await alice.send(at, { method: method.toUpperCase(), ...body })
        if (requestBody !== undefined)
          expect([path, status in responses, status < 500]).toEqual([path, false, true])
      }
    }
    expect(watched.deviations()).toEqual([])
    expect(watched.exchanges.filter(({ status }) => status >= 400).length).toBeGreaterThan(20)
  })

  test('is checked here by what finds a field too many, one too few, and a status that is not told', () => {
    const { deviation, find } = watched
    const good = { ...find('/realm/', 'get'), request: undefined, type: 'application/json', status: 200 }
    const answer = (fields: object): Exchange => ({ ...(good as Exchange), answer: JSON.stringify(fields) })
    const whole = { realmID: '0'.repeat(32), keyhaven: 1 }
    expect(deviation(answer(whole))).toBeUndefined()
    expect(deviation(answer({ ...whole, secret: 1 }))).toBeDefined()
    expect(deviation(answer({ keyhaven: 1 }))).toBeDefined()
    expect(deviation({ ...answer(whole), status: 204 })).toBeDefined()
  })
})
