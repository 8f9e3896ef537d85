import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DatabaseUrls } from './db/database.ts'
import { openDatabase } from './db/database.ts'
import { createLog } from './log/log.ts'
import { OWNER } from './postgres/cluster.ts'
import { startPrivateDatabase } from './postgres/private-database.ts'
import { startPrivatePostgres } from './postgres/private-postgres.ts'
import { isProcessAlive } from './postgres/process-state.ts'
import { parseSettings } from './settings/settings.ts'
import type { RunningServer, ServerHooks } from './start.ts'
import { startServer } from './start.ts'
import { createEmptyDatabase, createTestDatabase, makeReachableFolder } from './testing/database.ts'
import type { ServerProcess, ServerProcessInput } from './testing/server-process.ts'
import { spawnServer } from './testing/server-process.ts'

/** Root can show what an ordinary user’s server does; an ordinary user’s own run shows it in every test. */
const testAsRoot: (name: string, run: () => Promise<void>) => void =
  process.getuid?.() === 0 ? test : () => undefined
const NOBODY = 65534
const quiet = createLog({ write: () => undefined })
let folder: string
let data: string
const servers: RunningServer[] = []
const processes: ServerProcess[] = []

/** A data directory that was made once; only tests about the first start make one of their own. */
let seed: string

beforeAll(async () => {
  seed = makeReachableFolder()
  const settings = parseSettings({ options: { data: join(seed, 'the data'), port: 0 } })
  await (await startServer(settings, { log: quiet, mayLoseCommits: true })).close()
})

afterAll(() => {
  rmSync(seed, { recursive: true, force: true })
})

beforeEach(() => {
  folder = makeReachableFolder()
  data = join(folder, 'the data')
})

/** Puts a copy of the seed in the place of the data directory. */
function useSeed(): void {
  for (const name of ['the data', 'the data-keys']) execFileSync('cp', ['-Rp', join(seed, name), folder])
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
  for (const server of processes.splice(0)) {
    server.kill('SIGTERM')
    await server.exited
  }
  rmSync(folder, { recursive: true, force: true })
})

async function start(
  env: Readonly<Record<string, string>> = {},
  hooks: ServerHooks = {},
  options: { readonly port?: number; readonly host?: string } = {},
): Promise<RunningServer> {
  const settings = parseSettings({ options: { data, port: 0, ...options }, env })
  const server = await startServer(settings, { log: quiet, mayLoseCommits: true, ...hooks })
  servers.push(server)
  return server
}

async function spawnTracked(input: Partial<ServerProcessInput> = {}): Promise<ServerProcess> {
  const server = await spawnServer({ data, ...input })
  processes.push(server)
  return server
}

async function readiness(origin: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${origin}/readyz`)
  return { status: response.status, body: await response.json() }
}

function postmasterPid(): number {
  return Number(readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
}

async function waitUntilDead(pid: number): Promise<void> {
  await expect.poll(() => isProcessAlive(pid)).toBe(false)
}

describe('a server with its own PostgreSQL', () => {
  test('is ready, keeps its realm id, and leaves no process, no claim and no port behind', async () => {
    const first = await start()
    expect(await readiness(first.origin)).toEqual({ status: 200, body: { status: 'ready' } })
    expect(first.realmId).toMatch(/^[0-9a-f]{32}$/)
    const pid = postmasterPid()
    await first.close()
    await first.close()
    expect(isProcessAlive(pid)).toBe(false)
    expect(readdirSync(join(data, 'servers'))).toEqual([])
    await expect(fetch(`${first.origin}/healthz`)).rejects.toThrow('fetch failed')
    expect((await start()).realmId).toBe(first.realmId)
  })

  test('refuses a data directory that a living server uses, and does that server no harm', async () => {
    useSeed()
    const first = await start()
    await expect(start()).rejects.toMatchObject({ code: 'ERR_DATA_IN_USE' })
    await expect(spawnTracked()).rejects.toMatchObject({ fault: { code: 'ERR_DATA_IN_USE' } })
    expect((await readiness(first.origin)).status).toBe(200)
  })

  test('takes over what a killed server left running', async () => {
    useSeed()
    const killed = await spawnTracked()
    const orphan = postmasterPid()
    killed.kill('SIGKILL')
    expect(await killed.exited).toBe('SIGKILL')
    expect(isProcessAlive(orphan)).toBe(true)
    const next = await start()
    expect(isProcessAlive(orphan)).toBe(false)
    expect(next.realmId).toBe(killed.realmId)
    expect((await readiness(next.origin)).status).toBe(200)
  })

  test('of several that are started at once over an orphan one comes up, the others say that it is in use', async () => {
    useSeed()
    const killed = await spawnTracked()
    killed.kill('SIGKILL')
    await killed.exited
    const outcomes = await Promise.allSettled([spawnTracked(), spawnTracked(), spawnTracked()])
    const faults = outcomes
      .filter((outcome) => outcome.status === 'rejected')
      .map(({ reason }) => reason as unknown)
    expect(faults).toHaveLength(2)
    for (const fault of faults) expect(fault).toMatchObject({ fault: { code: 'ERR_DATA_IN_USE' } })
  })

  test('stops PostgreSQL itself when a terminal’s Ctrl-C reaches its whole process group', async () => {
    useSeed()
    const server = await spawnTracked({ detached: true })
    const pid = postmasterPid()
    process.kill(-server.pid, 'SIGINT')
    process.kill(-server.pid, 'SIGINT')
    expect(await server.exited).toBe(0)
    await waitUntilDead(pid)
    expect(readFileSync(join(data, 'postgres.log'), 'utf8')).toContain('database system is shut down')
  })

  test('answers 503 with a code while PostgreSQL is away, and is back by itself', async () => {
    useSeed()
    const server = await start()
    const pid = postmasterPid()
    process.kill(pid, 'SIGQUIT')
    await waitUntilDead(pid)
    expect(await readiness(server.origin)).toMatchObject({
      status: 503,
      body: { error: { code: 'ERR_DATABASE_UNAVAILABLE' } },
    })
    expect((await fetch(`${server.origin}/healthz`)).status).toBe(200)
    await expect.poll(async () => (await readiness(server.origin)).status).toBe(200)
  })

  test('undoes everything when its port is taken', async () => {
    useSeed()
    const blocker = createServer().listen(0, '127.0.0.1')
    await new Promise((done) => blocker.once('listening', done))
    const { port } = blocker.address() as AddressInfo
    await expect(start({}, {}, { port })).rejects.toMatchObject({
      code: 'ERR_SETTING_INVALID',
      details: { setting: '--port' },
    })
    blocker.close()
    expect(existsSync(join(data, 'postgres', 'postmaster.pid'))).toBe(false)
    expect((await readiness((await start({}, {}, { port })).origin)).status).toBe(200)
  })

  test('undoes everything when its start is stopped', async () => {
    const controller = new AbortController()
    const attempt = start({}, { signal: controller.signal })
    controller.abort()
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(existsSync(join(data, 'postgres', 'postmaster.pid'))).toBe(false)
    expect(readdirSync(join(data, 'servers'))).toEqual([])
  })

  test('prints codes on a loopback address only', async () => {
    const env = { KEYHAVEN_PUBLIC_ORIGIN: 'https://keys.example' }
    await expect(start(env, {}, { host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'ERR_SETTING_INVALID',
      details: { setting: '--host' },
    })
    expect(existsSync(data)).toBe(false)
  })

  test('writes no key to any file below its data directory, and of its logins’ passwords verifiers only', async () => {
    useSeed()
    await start()
    const keys = readdirSync(`${data}-keys`).map((name) => readFileSync(join(`${data}-keys`, name)))
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    const contents = files.map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    expect(contents.some((bytes) => bytes.includes('SCRAM-SHA-256$4096:'))).toBe(true)
    for (const key of keys) {
      for (const shape of [key, key.toString('hex'), key.toString('base64')]) {
        expect(contents.some((bytes) => bytes.includes(shape))).toBe(false)
      }
    }
  })

  testAsRoot('runs as an ordinary user, from the system’s programs and from the package’s', async () => {
    for (const binaries of ['system', 'embedded'] as const) {
      const directory = join(folder, binaries)
      mkdirSync(directory)
      chownSync(directory, NOBODY, NOBODY)
      const server = await spawnTracked({
        data: join(directory, 'data'),
        uid: NOBODY,
        binaries,
        env: { HOME: directory },
      })
      expect((await readiness(server.origin)).status).toBe(200)
      server.kill('SIGTERM')
      expect(await server.exited).toBe(0)
    }
  })
})

describe('a server over a database of the operator’s', () => {
  test('migrates under the owner, starts again without it, and shares it with a second process', async () => {
    const { urls, ownerUrl } = await createEmptyDatabase()
    const env = environmentOf(urls)
    await expect(start(env)).rejects.toMatchObject({ code: 'ERR_START_REFUSED' })
    const first = await start({ ...env, KEYHAVEN_OWNER_DATABASE_URL: ownerUrl })
    const second = await start(env)
    const third = await spawnTracked({ env })
    expect([second.realmId, third.realmId]).toEqual([first.realmId, first.realmId])
    expect((await readiness(third.origin)).status).toBe(200)
    expect(existsSync(join(data, 'postgres'))).toBe(false)
  })

  test('refuses a second process with other keys', async () => {
    const { urls } = await createTestDatabase()
    const env = environmentOf(urls)
    await start(env)
    const other = parseSettings({ options: { data: join(folder, 'other'), port: 0 }, env })
    await expect(startServer(other, { log: quiet, mayLoseCommits: true })).rejects.toMatchObject({
      code: 'ERR_SETTING_INVALID',
    })
  })

  test('is not started where a power failure could give guesses back', async () => {
    const { urls } = await createTestDatabase()
    await expect(start(environmentOf(urls), { mayLoseCommits: false })).rejects.toMatchObject({
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining('fsync = off') as string },
    })
  })

  test('that is only a realm makes the key of its records and no other', async () => {
    const { urls } = await createTestDatabase()
    const tenant = { algorithm: 'HS256', encoding: 'hex', data: '00'.repeat(32), onlyHere: true }
    const env = { ...environmentOf(urls), KEYHAVEN_TENANTS: JSON.stringify({ acme: { 1: tenant } }) }
    const settings = parseSettings({ options: { data, port: 0, realmOnly: true }, env })
    servers.push(await startServer(settings, { log: quiet, mayLoseCommits: true }))
    expect(readdirSync(`${data}-keys`)).toEqual(['realm-seal.key'])
  })

  test('is not started with a login that has power, whichever it is and whatever the power', async () => {
    const ground = await createTestDatabase()
    const { name, asSuperuser, urls } = ground
    const settings = parseSettings({ options: { data, port: 0 }, env: environmentOf(urls) })
    for (const [login, give, take] of [
      ['keyhaven_app', 'ALTER ROLE keyhaven_app SUPERUSER', 'ALTER ROLE keyhaven_app NOSUPERUSER'],
      ['keyhaven_auth', 'ALTER ROLE keyhaven_auth BYPASSRLS', 'ALTER ROLE keyhaven_auth NOBYPASSRLS'],
      ['keyhaven_realm', 'ALTER ROLE keyhaven_realm CREATEROLE', 'ALTER ROLE keyhaven_realm NOCREATEROLE'],
      ['keyhaven_app', 'ALTER ROLE keyhaven_app REPLICATION', 'ALTER ROLE keyhaven_app NOREPLICATION'],
      ['keyhaven_auth', `GRANT ${OWNER} TO keyhaven_auth`, `REVOKE ${OWNER} FROM keyhaven_auth`],
      ['keyhaven_app', 'GRANT keyhaven_realm TO keyhaven_app', 'REVOKE keyhaven_realm FROM keyhaven_app'],
      [
        'keyhaven_realm',
        'GRANT pg_read_all_data TO keyhaven_realm',
        'REVOKE pg_read_all_data FROM keyhaven_realm',
      ],
      [
        'keyhaven_app',
        'CREATE TABLE app.owned (); ALTER TABLE app.owned OWNER TO keyhaven_app',
        'DROP TABLE app.owned',
      ],
      [
        'keyhaven_auth',
        `ALTER DATABASE ${name} OWNER TO keyhaven_auth`,
        `ALTER DATABASE ${name} OWNER TO ${OWNER}; GRANT CONNECT ON DATABASE ${name} TO keyhaven_auth`,
      ],
    ] as const) {
      await asSuperuser(give)
      await expect(startServer(settings, { log: quiet, mayLoseCommits: true }), give).rejects.toMatchObject({
        code: 'ERR_START_REFUSED',
        details: { problem: expect.stringContaining(login) as string },
      })
      await asSuperuser(take)
    }
    servers.push(await startServer(settings, { log: quiet, mayLoseCommits: true }))
  })

  test('makes its logins from DATABASE_URL alone, answers 503 while the database is away, and is back when it is', async () => {
    const home = join(folder, 'operator')
    mkdirSync(home, { mode: 0o711 })
    const before = await startPrivateDatabase({ directory: home, durable: false })
    const env = { DATABASE_URL: before.urls.keyhaven_app, KEYHAVEN_OWNER_DATABASE_URL: before.ownerUrl }
    const server = await start(env)
    const database = openDatabase(parseSettings({ env }).database?.urls ?? before.urls)
    expect((await readiness(server.origin)).status).toBe(200)
    await before.stop()
    expect(await readiness(server.origin)).toMatchObject({
      status: 503,
      body: { error: { code: 'ERR_DATABASE_UNAVAILABLE' } },
    })
    await expect(database.withUser(randomUUID(), () => Promise.resolve())).rejects.toMatchObject({
      code: 'ERR_DATABASE_UNAVAILABLE',
    })
    await expect(database.withRealmRecord(new Uint8Array(32), () => Promise.resolve())).rejects.toMatchObject(
      {
        code: 'ERR_DATABASE_UNAVAILABLE',
      },
    )
    const after = await startPrivatePostgres({ directory: home })
    expect((await readiness(server.origin)).status).toBe(200)
    await database.withUser(randomUUID(), (transaction) => transaction.query('SELECT 1'))
    await database.close()
    await server.close()
    await after.stop()
  })

  test('is not started while the database is away', async () => {
    const url = (login: string): string => `postgres://${login}:p@127.0.0.1:9/keys`
    await expect(start({ DATABASE_URL: url('keyhaven_app') })).rejects.toMatchObject({
      code: 'ERR_DATABASE_UNAVAILABLE',
    })
  })
})

function environmentOf(urls: DatabaseUrls): Record<string, string> {
  return {
    DATABASE_URL: urls.keyhaven_app,
    KEYHAVEN_AUTH_DATABASE_URL: urls.keyhaven_auth,
    KEYHAVEN_REALM_DATABASE_URL: urls.keyhaven_realm,
  }
}
