/**
 * The database inside the private PostgreSQL: its owner, which is no superuser, and the addresses of the logins.
 */
import pg from 'pg'
import type { DatabaseUrls } from '../db/database.ts'
import type { LoginPasswords } from '../db/logins.ts'
import { generateLoginPasswords } from '../db/logins.ts'
import { DATABASE, OWNER, SUPERUSER } from './cluster.ts'
import type { PrivatePostgresOptions } from './private-postgres.ts'
import { startPrivatePostgres } from './private-postgres.ts'

/** A connection string over the private socket; without a password the operating system vouches for the user. */
export function privateUrl(input: {
  readonly socketFolder: string
  readonly login: string
  readonly database: string
  readonly password?: string
}): string {
  const password = input.password === undefined ? '' : `:${encodeURIComponent(input.password)}`
  const host = encodeURIComponent(input.socketFolder)
  return `postgres://${input.login}${password}@${host}/${input.database}`
}

/** The connection strings of the three logins. */
export function privateUrls(socketFolder: string, database: string, passwords: LoginPasswords): DatabaseUrls {
  const url = (login: keyof LoginPasswords): string =>
    privateUrl({ socketFolder, login, database, password: passwords[login] })
  return {
    keyhaven_app: url('keyhaven_app'),
    keyhaven_auth: url('keyhaven_auth'),
    keyhaven_realm: url('keyhaven_realm'),
  }
}

/** Makes the owner and a database of its own where they are missing. */
export async function createOwnedDatabase(socketFolder: string, database: string): Promise<void> {
  const client = new pg.Client({
    connectionString: privateUrl({ socketFolder, login: SUPERUSER, database: 'postgres' }),
  })
  await client.connect()
  try {
    const owners = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [OWNER])
    if (owners.rowCount === 0) await client.query(`CREATE ROLE ${OWNER} LOGIN NOSUPERUSER CREATEROLE`)
    const databases = await client.query('SELECT FROM pg_database WHERE datname = $1', [database])
    if (databases.rowCount === 0) await client.query(`CREATE DATABASE ${database} OWNER ${OWNER}`)
  } finally {
    await client.end()
  }
}

/** A private PostgreSQL with its database, ready to be migrated. */
export interface PrivateDatabase {
  readonly urls: DatabaseUrls
  readonly ownerUrl: string
  /** New at each start, given to the logins by {@link migrate} with `resetPasswords`, and in no file. */
  readonly passwords: LoginPasswords
  stop(): Promise<void>
}

/** Starts PostgreSQL and makes the owner's database in it where it is missing. */
export async function startPrivateDatabase(options: PrivatePostgresOptions): Promise<PrivateDatabase> {
  const postgres = await startPrivatePostgres(options)
  const { socketFolder } = postgres
  try {
    await createOwnedDatabase(socketFolder, DATABASE)
  } catch (error) {
    await postgres.stop()
    throw error
  }
  const passwords = generateLoginPasswords()
  return {
    urls: privateUrls(socketFolder, DATABASE, passwords),
    ownerUrl: privateUrl({ socketFolder, login: OWNER, database: DATABASE }),
    passwords,
    stop: () => postgres.stop(),
  }
}
