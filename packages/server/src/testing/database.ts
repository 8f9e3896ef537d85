/**
 * A real PostgreSQL for tests. One is started for each test file on first use and stopped after the file; each
 * `createTestDatabase()` gives a fresh, migrated database in it within some 100 ms, closed and dropped after the test.
 *
 *     import { createTestDatabase } from '../testing/database.ts'
 *
 *     const { database } = await createTestDatabase()                       // inside a test or beforeEach
 *     await database.withUser(userId, async (transaction) => …)             // the server's own powerless login
 *     const { ownerUrl, asOwner } = …                                       // look behind the policies, as the owner
 *     startServer({ …, database: urls })                                    // or over HTTP
 *
 * Called in `beforeAll`, the database lives as long as the file. PostgreSQL is the product's own start-up with syncing
 * switched off, so nothing here proves durability.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import type { Database, DatabaseUrls } from '../db/database.ts'
import { openDatabase } from '../db/database.ts'
import type { LoginPasswords } from '../db/logins.ts'
import { LOGINS } from '../db/logins.ts'
import { SUPERUSER, OWNER } from '../postgres/cluster.ts'
import type { PrivatePostgres } from '../postgres/private-postgres.ts'
import { startPrivatePostgres } from '../postgres/private-postgres.ts'
import { privateUrl, privateUrls } from '../postgres/private-database.ts'
import { FAST, TEMPLATE, copyCluster } from './cluster-template.ts'

/** An empty database and the ways to it. */
export interface EmptyDatabase {
  readonly name: string
  readonly passwords: LoginPasswords
  /** The three powerless logins; as `DATABASE_URL` and its companions. */
  readonly urls: DatabaseUrls
  /** As `KEYHAVEN_OWNER_DATABASE_URL`: no superuser, but owner of everything. */
  readonly ownerUrl: string
  /** Sees through row-level security; for looking at what a thief of the database would see. */
  readonly superuserUrl: string
  /** One statement as the superuser. */
  readonly asSuperuser: <Row extends pg.QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ) => Promise<readonly Row[]>
}

/** A migrated database and the server's way to it. */
export interface TestDatabase extends EmptyDatabase {
  readonly database: Database
  /** Closes the pools; the database itself goes with its PostgreSQL at the end of the file. */
  readonly close: () => Promise<void>
}

interface TestPostgres {
  readonly postgres: PrivatePostgres
  readonly passwords: LoginPasswords
  readonly directory: string
}

let starting: Promise<TestPostgres> | undefined
const opened: TestDatabase[] = []

afterAll(async () => {
  await Promise.allSettled(opened.map((database) => database.close()))
  const running = await starting?.catch(() => undefined)
  if (running === undefined) return
  await running.postgres.stop()
  rmSync(running.directory, { recursive: true, force: true })
})

/** A fresh, migrated database in this file's PostgreSQL. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const ways = await createDatabase(TEMPLATE)
  // A copy does not inherit its template's privileges on the database itself.
  await runAs(ways.ownerUrl, `REVOKE ALL ON DATABASE ${ways.name} FROM PUBLIC`)
  await runAs(ways.ownerUrl, `GRANT CONNECT ON DATABASE ${ways.name} TO ${LOGINS.join(', ')}`)
  const database = openDatabase(ways.urls)
  const created: TestDatabase = { ...ways, database, close: once(() => database.close()) }
  opened.push(created)
  return created
}

/** A database without our schema; the logins exist in its PostgreSQL. */
export async function createEmptyDatabase(): Promise<EmptyDatabase> {
  return createDatabase('template1')
}

async function createDatabase(template: string): Promise<EmptyDatabase> {
  starting ??= startTestPostgres()
  const { postgres, passwords } = await starting
  const { socketFolder } = postgres
  const name = `test_${toHex(randomBytes(8))}`
  const url = (login: string, database: string = name): string =>
    privateUrl({ socketFolder, login, database })
  await runAs(url(SUPERUSER, 'postgres'), `CREATE DATABASE ${name} TEMPLATE ${template} OWNER ${OWNER}`)
  return {
    name,
    passwords,
    urls: privateUrls(socketFolder, name, passwords),
    ownerUrl: url(OWNER),
    superuserUrl: url(SUPERUSER),
    asSuperuser: (text, values) => runAs(url(SUPERUSER), text, values),
  }
}

async function startTestPostgres(): Promise<TestPostgres> {
  const directory = makeReachableFolder()
  const passwords = await copyCluster(directory)
  return { postgres: await startPrivatePostgres({ directory, ...FAST }), passwords, directory }
}

/** A temporary folder that PostgreSQL's own account can pass through when the tests run as root. */
export function makeReachableFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-test-'))
  chmodSync(folder, 0o711)
  return folder
}

async function runAs<Row extends pg.QueryResultRow>(
  connectionString: string,
  text: string,
  values?: readonly unknown[],
): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Row>(text, values === undefined ? undefined : [...values])).rows
  } finally {
    await client.end()
  }
}

function once(run: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= run())
}
