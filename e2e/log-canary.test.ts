/**
 * A whole life with marked secrets (sign-in, backup, restore, wrong PIN and code, faults in every corner, deletion), and then a search
 * for each of them in everything that the server has logged, counted or answered with an error, and in what PostgreSQL has written.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomBytes, toBase64, toBase64Url, toHex } from 'keyhaven/crypto'
import { parseConfiguration } from 'keyhaven/recovery'
import { createKeySync, httpTransport, openKeyStore, requestSignInCode, signIn } from 'keyhaven/sync'
import type { Fetch, KeySync } from 'keyhaven/sync'
import type { Vault } from 'keyhaven/vault'
import { createLog } from '../packages/server/src/log/log.ts'
import { parseSettings } from '../packages/server/src/settings/settings.ts'
import { startServer } from '../packages/server/src/start.ts'
import type { RunningServer } from '../packages/server/src/start.ts'
import { newVault } from './testing/people.ts'

const PHONE = '+12025550147'
const PIN = '605938271460'
const WRONG_PIN = '918273640518'
const IDENTITY_KEY = randomBytes(64)
const CONVERSATION_KEY = randomBytes(32)
const LABEL = 'canary-label'

const folder = mkdtempSync(join(tmpdir(), 'keyhaven-canary-'))
/** Everything written, by where; and the secrets that the run has made. */
const written: Record<string, string[]> = { log: [], answers: [], errors: [], metrics: [] }
const secrets = new Set([
  PHONE.slice(1),
  PIN,
  WRONG_PIN,
  LABEL,
  ...spellings(IDENTITY_KEY),
  ...spellings(CONVERSATION_KEY),
])
const codes = new Map<string, string>()
let senderFails = false
let server: RunningServer

beforeAll(async () => {
  chmodSync(folder, 0o711)
  const data = join(folder, 'data')
  const settings = parseSettings({ options: { port: 0, data }, env: { KEYHAVEN_METRICS: '127.0.0.1:0' } })
  server = await startServer(settings, {
    log: createLog({ write: (line) => written['log']?.push(line) }),
    codeSender: ({ phone, code }) => {
      codes.set(phone, code)
      return senderFails ? Promise.reject(fault()) : Promise.resolve()
    },
    site: () => () => Promise.reject(fault()),
  })
})

afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What a careless library may throw: the input in message, details and cause. */
function fault(): Error {
  const error = new Error(`no such user ${PHONE}\n    at ${PIN}`, { cause: new Error(PIN) })
  return Object.assign(error, { detail: `Key (phone)=(${PHONE})`, hint: toHex(IDENTITY_KEY) })
}

function spellings(bytes: Uint8Array): readonly string[] {
  return [toHex(bytes), toBase64(bytes), toBase64Url(bytes), bytes.join(',')]
}

/** The network of the devices: keeps the tokens that go over it as secrets, and every refusal. */
const network: Fetch = async (input, init) => {
  const authorization = new Headers(init?.headers).get('authorization')
  if (authorization !== null) secrets.add(authorization.slice('Bearer '.length))
  const answer = await fetch(input, init)
  const text = await answer.clone().text()
  if (!answer.ok) written['answers']?.push(JSON.stringify([...answer.headers]) + text)
  for (const [, token] of text.matchAll(/"(?:accessToken|refreshToken)":"([^"]+)"/g)) secrets.add(token ?? '')
  return answer
}

async function newDevice(): Promise<{ readonly vault: Vault; readonly sync: KeySync }> {
  const vault = await newVault()
  const { origin, realmId } = server
  const { requestId } = await requestSignInCode({ origin, phone: PHONE, fetch: network })
  secrets.add(requestId)
  const code = codes.get(PHONE) ?? ''
  const device = { origin, phone: PHONE, requestId, vault, deviceLabel: LABEL, fetch: network }
  const wrong = code === '000000' ? '000001' : '000000'
  await signIn({ ...device, code: wrong }).catch((error: unknown) =>
    written['errors']?.push(inspect(error, DEEP)),
  )
  const session = await signIn({ ...device, code })
  const realms = [{ id: realmId, address: `${origin}/realm/` }]
  const thresholds = { register_threshold: 1, recover_threshold: 1, pin_hashing_mode: 'FastInsecure' }
  const configuration = parseConfiguration({ realms, ...thresholds }, { insecureForTests: true })
  const sync = createKeySync({ transport: httpTransport({ session }), vault, configuration, fetch: network })
  return { vault, sync }
}

const DEEP = { depth: 20, showHidden: true } as const

test('no secret of a whole life is in a log, an error, an answer that refuses, or the metrics', async () => {
  const first = await newDevice()
  await openKeyStore(first.vault).importKeys({
    identityKeys: { signing: IDENTITY_KEY },
    conversationKeys: { 'a conversation': CONVERSATION_KEY },
  })
  expect(await first.sync.backup({ pin: PIN })).toMatchObject({ status: 'backed-up' })
  const second = await newDevice()
  expect(await second.sync.restore({ pin: WRONG_PIN })).toMatchObject({ status: 'wrong-pin' })
  expect(await second.sync.restore({ pin: PIN })).toMatchObject({ status: 'restored' })
  await breakEverything()
  expect(await second.sync.deleteAccount()).toMatchObject({ status: 'account-deleted' })
  await expect(first.sync.restore({ pin: PIN })).rejects.toSatisfy((error) => {
    written['errors']?.push(inspect(error, DEEP))
    return true
  })
  written['metrics']?.push(
    await (await fetch(`http://127.0.0.1:${String(server.metricsPort)}/metrics`)).text(),
  )
  await server.close()
  written['postgres'] = [readFileSync(join(folder, 'data', 'postgres.log'), 'utf8')]

  for (const [place, parts] of Object.entries(written)) expect([place, parts.length]).not.toEqual([place, 0])
  expect(written['metrics']?.join('')).toMatch(
    /keyhaven_realm_events_total\{tenant="keyhaven",type="guess_used",reason=""\} \d/,
  )
  expect(written['log']?.join('')).toMatch(
    /"code_not_sent"[^]*"request_failed"|"request_failed"[^]*"code_not_sent"/,
  )
  expect(secrets.size).toBeGreaterThan(15)
  expect(search({ planted: [`the number is ${PHONE}`] })).toEqual([`planted: ${PHONE.slice(1)}`])
  expect(search(written)).toEqual([])
})

/** Every way to a line in the log that a request can make: a sender that fails, a fault of our own, malformed bodies and tokens. */
async function breakEverything(): Promise<void> {
  const { origin } = server
  const json = { 'Content-Type': 'application/json' }
  senderFails = true
  await requestSignInCode({ origin, phone: PHONE, fetch: network }).catch((error: unknown) =>
    written['errors']?.push(inspect(error, DEEP)),
  )
  senderFails = false
  const bodies = [
    `{"phone":"${PHONE}"`,
    JSON.stringify({ phone: `${PHONE}x` }),
    JSON.stringify({ refreshToken: PIN }),
  ]
  for (const body of bodies) {
    for (const path of ['code', 'verify', 'refresh']) {
      await network(`${origin}/v1/auth/${path}`, { method: 'POST', body, headers: json })
    }
  }
  const headers = { Authorization: `Bearer ${toHex(IDENTITY_KEY)}`, 'X-Juicebox-Version': '0.3.0' }
  await network(`${origin}/realm/req`, { method: 'POST', body: PIN, headers })
  await network(`${origin}/v1/pointer?pin=${PIN}`, { headers })
  await network(`${origin}/${PIN}?phone=${PHONE}`)
}

/** Where which secret was found. */
function search(places: Readonly<Record<string, readonly string[]>>): readonly string[] {
  return Object.entries(places).flatMap(([place, parts]) =>
    [...secrets]
      .filter((secret) => parts.some((part) => part.includes(secret)))
      .map((secret) => `${place}: ${secret}`),
  )
}
