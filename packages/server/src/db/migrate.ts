/**
 * Brings a database to this program's schema, under the owner's login, which is closed and forgotten afterwards.
 *
 * Files are `migrations/NNNN_name.sql`, forward only, each applied in one transaction and never edited once it is
 * released: their checksums are kept, and a difference stops the start. An advisory lock lets servers start together.
 */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import pg from 'pg'
import { KeyhavenError } from 'keyhaven'
import { translateFault } from './faults.ts'
import type { LoginPasswords } from './logins.ts'
import { createMissingLogins, setLoginPasswords } from './logins.ts'

/** The same folder seen from `src/db` and from `dist/db`. */
const FOLDER = new URL('../../src/db/migrations/', import.meta.url)

/** Any number that only we use: the first 6 bytes of SHA-256("keyhaven/migrations"). */
const LOCK_KEY = createHash('sha256').update('keyhaven/migrations').digest().readUIntBE(0, 6)

interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  readonly checksum: string
}

/** Reads the program's migrations in order. */
export function readMigrations(folder: URL = FOLDER): readonly Migration[] {
  const migrations = readdirSync(folder)
    .filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name))
    .sort()
    .map((name) => {
      const sql = readFileSync(new URL(name, folder), 'utf8')
      const checksum = createHash('sha256').update(sql).digest('hex')
      return { number: Number(name.slice(0, 4)), name, sql, checksum }
    })
  if (new Set(migrations.map(({ number }) => number)).size !== migrations.length) {
    throw new Error('Two migrations have one number.')
  }
  return migrations
}

/** Connects as the owner, makes missing logins, applies what is missing, and disconnects. */
export async function migrate(input: {
  readonly ownerUrl: string
  readonly passwords: LoginPasswords
  /** True for the server's own PostgreSQL: its logins get these passwords whether they exist or not. */
  readonly resetPasswords: boolean
}): Promise<void> {
  const owner = new pg.Client({ connectionString: input.ownerUrl, connectionTimeoutMillis: 10_000 })
  await connectOwner(owner)
  try {
    await owner.query('SELECT pg_advisory_lock($1)', [LOCK_KEY])
    await createMissingLogins(owner, input.passwords)
    if (input.resetPasswords) await setLoginPasswords(owner, input.passwords)
    await createVersionTable(owner)
    const applied = await readApplied((text) => owner.query(text))
    for (const migration of listPending(readMigrations(), applied)) await apply(owner, migration)
  } catch (error) {
    throw describeRefusal(error)
  } finally {
    await owner.end()
  }
}

/** What the database would not do, by its code: `42501` says that the owner lacks a right, such as CREATEROLE. */
function describeRefusal(error: unknown): unknown {
  const fault = translateFault(error)
  if (!(fault instanceof pg.DatabaseError)) return fault
  return new KeyhavenError('ERR_START_REFUSED', {
    problem: `The database refused a migration under the owner’s login (SQLSTATE ${fault.code ?? 'unknown'}).`,
  })
}

async function connectOwner(owner: pg.Client): Promise<void> {
  try {
    await owner.connect()
  } catch {
    throw new KeyhavenError('ERR_START_REFUSED', {
      problem: 'The database did not accept the owner’s login; is it running, and is the owner’s URL right?',
    })
  }
}

async function createVersionTable(owner: pg.Client): Promise<void> {
  const { rows } = await owner.query<{ present: boolean }>(
    "SELECT to_regclass('migration.versions') IS NOT NULL AS present",
  )
  if (rows[0]?.present === true) return
  await owner.query(`BEGIN;
    CREATE SCHEMA migration;
    CREATE TABLE migration.versions (
      number int PRIMARY KEY,
      name text NOT NULL,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE migration.versions IS 'Which migrations were applied. A thief of a dump learns the version of the program.';
    ALTER TABLE migration.versions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE migration.versions FORCE ROW LEVEL SECURITY;
    CREATE POLICY owner_all ON migration.versions FOR ALL TO CURRENT_USER USING (true) WITH CHECK (true);
    CREATE POLICY logins_select ON migration.versions FOR SELECT TO keyhaven_app, keyhaven_auth, keyhaven_realm USING (true);
    GRANT USAGE ON SCHEMA migration TO keyhaven_app, keyhaven_auth, keyhaven_realm;
    GRANT SELECT ON migration.versions TO keyhaven_app, keyhaven_auth, keyhaven_realm;
    COMMIT`)
}

interface Applied {
  readonly number: number
  readonly checksum: string
}

type Query = (text: string) => Promise<{ readonly rows: readonly unknown[] }>

async function readApplied(query: Query): Promise<readonly Applied[]> {
  const { rows } = await query('SELECT number, checksum FROM migration.versions ORDER BY number')
  return rows as readonly Applied[]
}

/** What is left to apply; refuses a database that is newer than the program or was made by edited files. */
function listPending(known: readonly Migration[], applied: readonly Applied[]): readonly Migration[] {
  for (const { number, checksum } of applied) {
    const migration = known.find((candidate) => candidate.number === number)
    if (migration === undefined) refuse('The database was migrated by a newer version of Keyhaven.')
    if (migration.checksum !== checksum) refuse('A migration was changed after it had been applied.')
  }
  const last = applied.at(-1)?.number ?? 0
  const pending = known.filter(({ number }) => !applied.some((done) => done.number === number))
  if (pending.some(({ number }) => number < last))
    refuse('A migration is missing before the last applied one.')
  return pending
}

async function apply(owner: pg.Client, migration: Migration): Promise<void> {
  await owner.query('BEGIN')
  await owner.query(migration.sql)
  await owner.query('INSERT INTO migration.versions (number, name, checksum) VALUES ($1, $2, $3)', [
    migration.number,
    migration.name,
    migration.checksum,
  ])
  await owner.query('COMMIT')
}

/** Refuses a database whose schema is not just this program's; any of our logins may look. */
export async function requireSchemaVersion(query: Query): Promise<void> {
  const { rows } = await query("SELECT to_regclass('migration.versions') IS NOT NULL AS present")
  const present = (rows[0] as { present: boolean } | undefined)?.present === true
  if (present && listPending(readMigrations(), await readApplied(query)).length === 0) return
  refuse('The database’s schema is older than this program; set KEYHAVEN_OWNER_DATABASE_URL to migrate it.')
}

function refuse(problem: string): never {
  throw new KeyhavenError('ERR_START_REFUSED', { problem })
}
