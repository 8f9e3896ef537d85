import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import type { TestDatabase } from '../testing/database.ts'
import { createTestDatabase } from '../testing/database.ts'
import { LOGINS } from './logins.ts'

let ground: TestDatabase

beforeAll(async () => {
  ground = await createTestDatabase()
})

const OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'"

async function list(text: string, values?: readonly unknown[]): Promise<unknown[]> {
  return (await ground.asSuperuser(text, values)).map((row) => Object.values(row)[0])
}

async function askAs(login: (typeof LOGINS)[number], text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: ground.urls[login] })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

describe('the schema', () => {
  test('has row-level security enabled and forced on every table', async () => {
    const tables = `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND ${OURS}`
    expect(await list(tables)).toContain('app.installation')
    expect(await list(`${tables} AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`)).toEqual([])
  })

  test('has no policy that speaks for everyone', async () => {
    expect(await list('SELECT policyname FROM pg_policies')).not.toEqual([])
    expect(
      await list("SELECT tablename || '.' || policyname FROM pg_policies WHERE 'public' = ANY (roles)"),
    ).toEqual([])
  })

  test('has a check in every policy that lets rows be written', async () => {
    const unchecked = `SELECT tablename || '.' || policyname FROM pg_policies
      WHERE cmd IN ('INSERT', 'UPDATE', 'ALL') AND with_check IS NULL`
    expect(await list(unchecked)).toEqual([])
  })

  test('says of every table what a thief of a dump learns', async () => {
    const silent = `SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND ${OURS} AND coalesce(obj_description(c.oid, 'pg_class'), '') NOT LIKE '%thief%'`
    expect(await list(silent)).toEqual([])
  })

  test('has no view, and no function that runs with its owner’s rights', async () => {
    const views = `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('v', 'm') AND ${OURS}`
    const definers = `SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.prosecdef AND ${OURS}`
    expect(await list(views)).toEqual([])
    expect(await list(definers)).toEqual([])
  })

  test('grants PUBLIC nothing: no schema, no table, no function, not the database itself', async () => {
    const granted = (from: string): string => `SELECT a.privilege_type FROM ${from} AND a.grantee = 0`
    expect(await list(granted(`pg_namespace n, aclexplode(n.nspacl) a WHERE ${OURS}`))).toEqual([])
    expect(
      await list(
        granted(
          `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a WHERE ${OURS}`,
        ),
      ),
    ).toEqual([])
    expect(
      await list(
        granted(
          `pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE ${OURS}`,
        ),
      ),
    ).toEqual([])
    expect(
      await list(granted('pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database()')),
    ).toEqual([])
  })
})

describe.each(LOGINS)('the login %s', (login) => {
  test('is what the server really uses, and neither owner nor superuser nor a member of any role', async () => {
    const rows = await askAs(
      login,
      `SELECT session_user::text AS login, current_user::text AS acting, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb,
         r.rolreplication, (SELECT count(*)::int FROM pg_auth_members WHERE member = r.oid) AS memberships,
         (SELECT count(*)::int FROM pg_class WHERE relowner = r.oid) + (SELECT count(*)::int FROM pg_namespace WHERE nspowner = r.oid)
           + (SELECT count(*)::int FROM pg_database WHERE datdba = r.oid) AS owned
       FROM pg_roles r WHERE r.rolname = session_user`,
    )
    expect(rows).toEqual([
      {
        login,
        acting: login,
        rolsuper: false,
        rolbypassrls: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        memberships: 0,
        owned: 0,
      },
    ])
  })

  test.each([
    'SET ROLE keyhaven_owner',
    'SET ROLE keyhaven_superuser',
    'CREATE TABLE app.mine (id int)',
    'CREATE TABLE public.mine (id int)',
    'CREATE TEMP TABLE mine (id int)',
    'CREATE SCHEMA mine',
    'ALTER TABLE app.installation DISABLE ROW LEVEL SECURITY',
    'DELETE FROM app.installation',
    "UPDATE app.installation SET value = ''",
    'SELECT rolpassword FROM pg_authid',
    "SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    'ALTER ROLE keyhaven_app SUPERUSER',
  ])('may not: %s', async (statement) => {
    await expect(askAs(login, statement)).rejects.toThrow(/permission denied|must be/)
  })

  test('may not act as another login', async () => {
    for (const other of LOGINS.filter((candidate) => candidate !== login)) {
      await expect(askAs(login, `SET ROLE ${other}`)).rejects.toThrow(/permission denied/)
    }
  })
})
