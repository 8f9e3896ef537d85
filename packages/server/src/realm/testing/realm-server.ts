/**
 * Realms for tests: the real routes over a real PostgreSQL and the server's own powerless login, listening on a free
 * loopback port, and what a client needs to reach them.
 */
import type { HttpBindings } from '@hono/node-server'
import { SignJWT } from 'jose'
import { afterAll } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import type { Configuration, RealmAnswer, RealmTransport } from 'keyhaven/recovery'
import { parseConfiguration } from 'keyhaven/recovery'
import { listen } from '../../server.ts'
import type { TenantKeys } from '../../settings/tenants.ts'
import { createTestDatabase } from '../../testing/database.ts'
import type { TestDatabase } from '../../testing/database.ts'
import { createCurvePool } from '../curve-pool.ts'
import type { RealmRoutesInput } from '../routes.ts'
import { createRealmRoutes } from '../routes.ts'
import { environmentSealKeys } from '../seal-keys/environment.ts'
import type { SealKeySource } from '../seal-keys/source.ts'
import type { RealmSeals } from '../seals.ts'
import { openSeals } from '../seals.ts'

const ACME_KEY = randomBytes(32)
const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(closing.map((close) => close()))
})

/** The one app with realms here: tenant `acme`, key version 1, HS256. */
export const acmeTenants: TenantKeys = new Map([['acme:1', { algorithm: 'HS256', data: ACME_KEY }]])

export interface TestRealm {
  readonly id: Uint8Array
  readonly address: string
  readonly database: TestDatabase
}

/** One realm over a database of its own. */
export async function startTestRealm({
  prepare = openTestSeals,
  realmId: id = randomBytes(16),
  ...options
}: Partial<RealmRoutesInput> & {
  readonly prepare?: (database: TestDatabase, realmId: Uint8Array) => Promise<RealmSeals>
} = {}): Promise<TestRealm> {
  const database = await createTestDatabase()
  const curve = createCurvePool({ threads: 1 })
  const routes = createRealmRoutes({
    curve,
    database: database.database,
    realmId: id,
    seals: await prepare(database, id),
    tenants: acmeTenants,
    ...options,
  })
  const fetch = (request: Request, bindings: HttpBindings): Response | Promise<Response> =>
    routes.fetch(request, bindings)
  const listener = await listen({ host: '127.0.0.1', port: 0, fetch })
  closing.push(async () => {
    await listener.close()
    await curve.close()
  })
  return { id, address: `http://127.0.0.1:${String(listener.port)}/realm/`, database }
}

/** Seals for a database that has none yet, with a key of their own. */
export async function openTestSeals(
  { database }: TestDatabase,
  realmId: Uint8Array,
  source: SealKeySource = environmentSealKeys([randomBytes(32)]),
): Promise<RealmSeals> {
  return openSeals({ database, realmId, source })
}

/** A token of tenant `acme` for one subject at one realm. */
export async function acmeToken(realmId: Uint8Array, subject: string, scope = 'user'): Promise<string> {
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: 'HS256', kid: 'acme:1' })
    .setIssuer('acme')
    .setSubject(subject)
    .setAudience(toHex(realmId))
    .setNotBefore('-1s')
    .setExpirationTime('10m')
    .sign(ACME_KEY)
}

/** The JSON shape of a configuration over some realms. */
export function jsonConfiguration(
  realms: readonly Pick<TestRealm, 'id' | 'address'>[],
  recoverThreshold: number,
  pinHashingMode: 'Standard2019' | 'FastInsecure' = 'FastInsecure',
): {
  realms: { id: string; address: string }[]
  register_threshold: number
  recover_threshold: number
  pin_hashing_mode: string
} {
  return {
    realms: realms.map(({ id, address }) => ({ id: toHex(id), address })),
    register_threshold: realms.length,
    recover_threshold: recoverThreshold,
    pin_hashing_mode: pinHashingMode,
  }
}

/** Our own client's configuration over some realms. */
export function ourConfiguration(
  realms: readonly Pick<TestRealm, 'id' | 'address'>[],
  recoverThreshold: number,
): Configuration {
  return parseConfiguration(jsonConfiguration(realms, recoverThreshold), { insecureForTests: true })
}

/** A transport over fetch with tokens of `acme` for one subject. */
export function acmeTransport(subject: string): RealmTransport {
  return async ({ realm, body, signal }) => {
    const response = await fetch(`${realm.address}req`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${await acmeToken(realm.id, subject)}`,
        'Content-Type': 'application/octet-stream',
        'X-Juicebox-Version': '0.3.0',
      },
      body: new Uint8Array(body),
      signal,
    })
    return answerOf(response)
  }
}

async function answerOf(response: Response): Promise<RealmAnswer> {
  const body = new Uint8Array(await response.arrayBuffer())
  if (response.ok) return { kind: 'ok', body }
  if (response.status === 401) return { kind: 'unauthorized' }
  return { kind: 'refused', status: response.status }
}
