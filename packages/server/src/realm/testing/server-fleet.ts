/**
 * Whole servers in processes of their own over one database, for tests of parallel and of killed servers, and a way to
 * ask their realm for single evaluations.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll } from 'vitest'
import { parseHex, randomBytes, toHex } from 'keyhaven/crypto'
import type { Configuration, RealmTransport } from 'keyhaven/recovery'
import { parseConfiguration } from 'keyhaven/recovery'
import {
  encodeRequest,
  generateScalar,
  groupNoble,
  parseResponse,
  verifyEvaluation,
} from 'keyhaven/recovery/realm'
import type { DatabaseUrls } from '../../db/database.ts'
import { createTestDatabase } from '../../testing/database.ts'
import type { TestDatabase } from '../../testing/database.ts'
import type { ServerProcess } from '../../testing/server-process.ts'
import { spawnServer } from '../../testing/server-process.ts'

const servers: ServerProcess[] = []
const folders: string[] = []
afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL')
  await Promise.all(servers.map(({ exited }) => exited))
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Servers over one database, wherever it is. */
export interface Servers {
  /** Starts one more, with other settings if given. */
  start(settings?: Readonly<Record<string, string | undefined>>): Promise<ServerProcess>
  /** A token of the tenant `acme`. */
  token(realmId: string, subject: string): Promise<string>
}

export interface Fleet extends Servers {
  readonly database: TestDatabase
}

/** A database and keys that all of the fleet's servers share. */
export async function createFleet(settings: Readonly<Record<string, string>> = {}): Promise<Fleet> {
  const database = await createTestDatabase()
  return { database, ...createServers(database.urls, settings) }
}

/** The same over a database that is there. */
export function createServers(urls: DatabaseUrls, settings: Readonly<Record<string, string>> = {}): Servers {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-fleet-'))
  chmodSync(folder, 0o711)
  folders.push(folder)
  const tenantKey = randomBytes(32)
  const env = {
    DATABASE_URL: urls.keyhaven_app,
    KEYHAVEN_AUTH_DATABASE_URL: urls.keyhaven_auth,
    KEYHAVEN_REALM_DATABASE_URL: urls.keyhaven_realm,
    KEYHAVEN_REALM_SEAL_KEY_FILE: writeKey(join(folder, 'seal.key')),
    KEYHAVEN_PHONE_KEY_FILE: writeKey(join(folder, 'phone.key')),
    KEYHAVEN_TOKEN_KEY_FILE: writeKey(join(folder, 'token.key')),
    KEYHAVEN_CHAIN_KEY_FILE: writeKey(join(folder, 'chain.key')),
    KEYHAVEN_TENANTS: JSON.stringify({
      acme: { 1: { algorithm: 'HS256', encoding: 'hex', data: toHex(tenantKey) } },
    }),
    ...settings,
  }
  return {
    start: async (more = {}) => {
      const data = join(folder, `data-${toHex(randomBytes(4))}`)
      const server = await spawnServer({ data, env: definedOf({ ...env, ...more }) })
      servers.push(server)
      return server
    },
    token: (realmId, subject) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'HS256', kid: 'acme:1' })
        .setIssuer('acme')
        .setSubject(subject)
        .setAudience(realmId)
        .setNotBefore('-1s')
        .setExpirationTime('10m')
        .sign(tenantKey),
  }
}

function definedOf(settings: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

function writeKey(path: string): string {
  writeFileSync(path, randomBytes(32), { mode: 0o600 })
  return path
}

/** Our client's configuration for the realm of one server, 1 of 1. */
export function configurationOf(server: ServerProcess): Configuration {
  const json = {
    realms: [{ id: server.realmId, address: `${server.origin}/realm/` }],
    register_threshold: 1,
    recover_threshold: 1,
    pin_hashing_mode: 'FastInsecure',
  }
  return parseConfiguration(json, { insecureForTests: true })
}

/** A transport for one subject. */
export function fleetTransport(fleet: Servers, subject: string): RealmTransport {
  return async ({ realm, body, signal }) => {
    const token = await fleet.token(toHex(realm.id), subject)
    const response = await postToRealm({ address: realm.address, token, body, signal })
    return response === undefined ? { kind: 'unreachable' } : { kind: 'ok', body: response }
  }
}

/** The answer's bytes; `undefined` for a refusal. Rejects where there is no answer. */
export async function postToRealm(input: {
  readonly address: string
  readonly token: string
  readonly body: Uint8Array
  readonly signal?: AbortSignal
}): Promise<Uint8Array | undefined> {
  const response = await fetch(`${input.address}req`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${input.token}`,
      'Content-Type': 'application/octet-stream',
      'X-Juicebox-Version': '0.3.0',
    },
    body: new Uint8Array(input.body),
    signal: input.signal ?? null,
  })
  const body = new Uint8Array(await response.arrayBuffer())
  return response.ok ? body : undefined
}

/** What came of asking for an evaluation of a random input: with a proof that holds, a refusal, or no answer at all. */
export type Attempt = 'evaluated' | 'no-guesses' | 'lost'

/** A blinded input that nobody has sent before. */
export function freshInput(): Uint8Array {
  return groupNoble.multiplyBase(generateScalar(groupNoble))
}

/** One Recover2, with a fresh input unless one is given. */
export async function attemptEvaluation(input: {
  readonly fleet: Servers
  readonly server: ServerProcess
  readonly subject: string
  readonly version: Uint8Array
  readonly blindedInput?: Uint8Array
}): Promise<Attempt> {
  const { fleet, server, subject, version, blindedInput = freshInput() } = input
  const body = encodeRequest({ kind: 'recover2', version, blindedInput })
  const token = await fleet.token(server.realmId, subject)
  const address = `${server.origin}/realm/`
  const answer = await postToRealm({ address, token, body }).catch(() => undefined)
  if (answer === undefined) return 'lost'
  const response = parseResponse({ kind: 'recover2', body: answer })
  if (response.status === 'no-guesses') return 'no-guesses'
  if (response.status !== 'ok') throw new Error(`The realm answered ${response.status}.`)
  const { signedPublicKey, blindedResult, proof } = response.evaluation
  const { publicKey } = signedPublicKey
  if (!verifyEvaluation({ group: groupNoble, publicKey, blindedInput, blindedResult, proof })) {
    throw new Error('The proof does not hold.')
  }
  return 'evaluated'
}

/** How many of the outcomes are of one kind. */
export function countOf(attempts: readonly Attempt[], kind: Attempt): number {
  return attempts.filter((attempt) => attempt === kind).length
}

/** A fresh subject. */
export function freshSubject(): string {
  return toHex(randomBytes(16))
}

/** Hex to bytes, for realm ids. */
export function idOf(server: ServerProcess): Uint8Array {
  return parseHex(server.realmId, 'realmId', 16)
}
