/**
 * The URLs of an operator's own PostgreSQL: one of the powerless login `keyhaven_app`, from which those of the other
 * two are made, and one of the owner for migrations.
 */
import { KeyhavenError } from 'keyhaven'
import type { DatabaseUrls } from '../db/database.ts'
import type { Login, LoginPasswords } from '../db/logins.ts'

/** `owner` is needed only where the schema has to be made or moved on. */
export interface DatabaseSettings {
  readonly urls: DatabaseUrls
  readonly passwords: LoginPasswords
  readonly owner: string | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/** `undefined` where no `DATABASE_URL` is set; `ERR_SETTING_INVALID` names the variable that is wrong. */
export function parseDatabaseUrls(env: Environment): DatabaseSettings | undefined {
  const app = env['DATABASE_URL']
  const others = ['KEYHAVEN_AUTH_DATABASE_URL', 'KEYHAVEN_REALM_DATABASE_URL', 'KEYHAVEN_OWNER_DATABASE_URL']
  if (app === undefined) {
    const lonely = others.find((name) => env[name] !== undefined)
    if (lonely !== undefined) refuse(lonely, 'DATABASE_URL to be set as well')
    return undefined
  }
  const parsed = parseLoginUrl('DATABASE_URL', app, 'keyhaven_app')
  const auth = parseOther(env, 'KEYHAVEN_AUTH_DATABASE_URL', 'keyhaven_auth', parsed)
  const realm = parseOther(env, 'KEYHAVEN_REALM_DATABASE_URL', 'keyhaven_realm', parsed)
  const owner = env['KEYHAVEN_OWNER_DATABASE_URL']
  if (owner !== undefined) splitUrl('KEYHAVEN_OWNER_DATABASE_URL', owner)
  return {
    urls: { keyhaven_app: parsed.url, keyhaven_auth: auth.url, keyhaven_realm: realm.url },
    passwords: {
      keyhaven_app: parsed.password,
      keyhaven_auth: auth.password,
      keyhaven_realm: realm.password,
    },
    owner,
  }
}

interface LoginUrl {
  readonly url: string
  readonly password: string
  /** The URL as the given login. */
  readonly as: (login: Login) => string
}

function parseOther(env: Environment, setting: string, login: Login, app: LoginUrl): LoginUrl {
  const url = env[setting]
  return url === undefined ? { ...app, url: app.as(login) } : parseLoginUrl(setting, url, login)
}

function parseLoginUrl(setting: string, url: string, login: Login): LoginUrl {
  const { scheme, user, password, rest } = splitUrl(setting, url)
  if (user !== login) {
    refuse(
      setting,
      `the user ${login}, a login without privileges; the owner belongs in KEYHAVEN_OWNER_DATABASE_URL`,
    )
  }
  if (password === '') refuse(setting, `the password of ${login} in the URL`)
  return {
    url,
    password: decodeURIComponent(password),
    as: (other) => `${scheme}${other}:${password}@${rest}`,
  }
}

/** Splits at the user, which is all that is ours to know; the rest is the driver's. */
function splitUrl(
  setting: string,
  url: string,
): { readonly scheme: string; readonly user: string; readonly password: string; readonly rest: string } {
  const shape = /^(postgres(?:ql)?:\/\/)([^:@/?#]+)(?::([^@/?#]*))?@([^@]*)$/.exec(url)
  const [, scheme = '', user = '', password = '', rest = ''] = shape ?? []
  const parameters = new URLSearchParams(rest.split('?')[1] ?? '')
  const encoded = [user, password].every((part) => /^(?:[^%]|%[0-9A-Fa-f]{2})*$/.test(part))
  if (shape === null || !encoded || parameters.has('user') || parameters.has('password')) {
    refuse(setting, 'a URL such as postgres://user:password@host:5432/database')
  }
  return { scheme, user: decodeURIComponent(user), password, rest }
}

function refuse(setting: string, expected: string): never {
  throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected })
}
