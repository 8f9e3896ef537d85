/**
 * The server's three logins: what they are called, how they come to be, and the proof at each start that they are
 * powerless. A login with power would see through row-level security, so the server does not start with one.
 */
import type { Client } from 'pg'
import { KeyhavenError } from 'keyhaven'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { deriveScramVerifier } from './scram.ts'

export const LOGINS = ['keyhaven_app', 'keyhaven_auth', 'keyhaven_realm'] as const
export type Login = (typeof LOGINS)[number]

/** One password for each login. */
export type LoginPasswords = Readonly<Record<Login, string>>

const ATTRIBUTES = 'LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'

/** Makes the logins that are missing. Those that exist are left as their operator made them. */
export async function createMissingLogins(owner: Client, passwords: LoginPasswords): Promise<void> {
  for (const login of LOGINS) {
    const { rowCount } = await owner.query('SELECT FROM pg_roles WHERE rolname = $1', [login])
    if (rowCount !== 0) continue
    const verifier = deriveScramVerifier(passwords[login])
    try {
      await owner.query(`CREATE ROLE ${login} ${ATTRIBUTES} PASSWORD '${verifier}'`)
    } catch (error) {
      if (!isAlreadyThere(error)) throw error
    }
  }
}

/** Gives the logins new passwords; for a PostgreSQL that is the server's own. */
export async function setLoginPasswords(owner: Client, passwords: LoginPasswords): Promise<void> {
  for (const login of LOGINS) {
    await owner.query(`ALTER ROLE ${login} PASSWORD '${deriveScramVerifier(passwords[login])}'`)
  }
}

/** Two servers that start together may both find a login missing: duplicate_object, unique_violation. */
function isAlreadyThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '42710' || error.code === '23505')
}

const POWERS = `
  SELECT session_user::text AS login,
         r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication AS attributes,
         EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid) AS member,
         EXISTS (SELECT FROM pg_database d WHERE d.datname = current_database() AND d.datdba = r.oid)
           OR EXISTS (SELECT FROM pg_namespace n WHERE n.nspowner = r.oid)
           OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid)
           OR EXISTS (SELECT FROM pg_proc p WHERE p.proowner = r.oid) AS owner
    FROM pg_roles r WHERE r.rolname = session_user`

/**
 * Refuses a login that is a superuser, has BYPASSRLS, CREATEROLE, CREATEDB or REPLICATION, owns anything in this
 * database, or is a member of any role at all: `ERR_START_REFUSED`.
 */
export async function requirePowerless(
  query: (text: string) => Promise<{ readonly rows: readonly unknown[] }>,
  expected: Login,
): Promise<void> {
  const { rows } = await query(POWERS)
  const found = rows[0] as { login: string; attributes: boolean; member: boolean; owner: boolean } | undefined
  if (found?.login !== expected) refuse(`The database login ${expected} is another one than it says.`)
  if (found.attributes)
    refuse(`The database login ${expected} has privileges that see through row-level security.`)
  if (found.member) refuse(`The database login ${expected} is a member of another role; it must be of none.`)
  if (found.owner)
    refuse(`The database login ${expected} owns the database or a part of it; it must own nothing.`)
}

function refuse(problem: string): never {
  throw new KeyhavenError('ERR_START_REFUSED', { problem })
}

/** Random passwords, 256 bits each; for a PostgreSQL that is the server's own, new at each start. */
export function generateLoginPasswords(): LoginPasswords {
  const password = (): string => toHex(randomBytes(32))
  return { keyhaven_app: password(), keyhaven_auth: password(), keyhaven_realm: password() }
}
