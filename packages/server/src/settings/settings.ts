/**
 * The server's settings: read once at the start from the command's options and the environment, checked, and typed
 * from then on. An unknown `KEYHAVEN_…` variable or a value that is none stops the start with its name, since a setting
 * that is silently not in force is worse than none. Values are not repeated in errors: some hold passwords.
 */
import { resolve } from 'node:path'
import type { BlockList } from 'node:net'
import { KeyhavenError } from 'keyhaven'
import { parseHex } from 'keyhaven/crypto'
import { parseTrustedProxies } from '../http/origin.ts'
import type { DatabaseSettings } from './database-urls.ts'
import { parseDatabaseUrls } from './database-urls.ts'
import { isLoopbackHost, parsePublicOrigin, parseSecureUrl } from './origin.ts'
import type { RealmLimits } from './realm-limits.ts'
import {
  DEFAULT_REALM_LIMITS,
  parseCooling,
  parseGuesses,
  parseGuessesPerDay,
  parseRequests,
  parseWhole,
} from './realm-limits.ts'
import type { EpochTerms } from '../realm/sealing.ts'
import type { SealKeySettings } from './sealing.ts'
import { SEALING_VARIABLES, parseEpochTerms, parseSealKeySettings } from './sealing.ts'
import type { JournalSettings } from './journal.ts'
import { JOURNAL_VARIABLE, parseJournal } from './journal.ts'
import type { Issuers } from './issuers.ts'
import { ISSUERS_VARIABLE, parseIssuers } from './issuers.ts'
import type { MetricsSettings } from './metrics.ts'
import { METRICS_TOKEN_VARIABLE, METRICS_VARIABLE, parseMetrics } from './metrics.ts'
import type { TenantKeys } from './tenants.ts'
import { parseTenants } from './tenants.ts'

/** What {@link parseSettings} makes and `startServer` takes. */
export interface ServerSettings {
  readonly host: string
  /** 0 lets the system choose a free one. */
  readonly port: number
  /** Absolute path. */
  readonly dataDirectory: string
  /** `undefined`: the address that the server listens on. */
  readonly publicOrigin: string | undefined
  /** `undefined`: a private PostgreSQL in the data directory. */
  readonly database: DatabaseSettings | undefined
  /** 16 bytes; `undefined`: made once and kept in the data directory. */
  readonly realmId: Uint8Array | undefined
  /** Files of 32 bytes; `undefined`: made once in `<data>-keys/`. */
  readonly keyFiles: KeyFiles
  readonly sealKeys: SealKeySettings
  readonly epochs: EpochTerms
  /** `undefined`: none was ever asked for. */
  readonly journal: JournalSettings | undefined
  readonly tenants: TenantKeys
  /** A realm and nothing else: no accounts, no sign-in. */
  readonly realmOnly: boolean
  readonly realmLimits: RealmLimits
  readonly trustedProxies: BlockList
  /** How sign-in codes are sent. */
  readonly codeSender: 'console' | 'webhook'
  /** Where notices, and codes by choice, are posted; the file holds the 32 bytes that sign them. */
  readonly webhook: { readonly url: string; readonly secretFile: string } | undefined
  /** For how long a server that is to stop still takes requests, in ms. */
  readonly drainMs: number
  /** By whose tokens people sign in beside phone numbers. */
  readonly issuers: Issuers | undefined
  /** `undefined`: none are given out. */
  readonly metrics: MetricsSettings | undefined
  /** After so many days an event is erased from its tenant's audit feed. */
  readonly auditDays: number
  /** After so many days addresses and user agents are erased from the access log. */
  readonly addressDays: number
}

/** Where an operator keeps the keys that must never be in the database. */
export interface KeyFiles {
  readonly phoneKey: string | undefined
  readonly tokenKey: string | undefined
  readonly chainKey: string | undefined
}

/** The command's options, as typed: `--host`, `--port`, `--data`, `--realm-only`. */
export interface ServerOptions {
  readonly host?: string | undefined
  readonly port?: string | number | undefined
  readonly data?: string | undefined
  readonly realmOnly?: boolean | undefined
}

/** What concerns the realm's database, the keys and the journal, and so the operator's commands as well. */
export type RealmSettings = Pick<
  ServerSettings,
  'dataDirectory' | 'database' | 'realmId' | 'keyFiles' | 'sealKeys' | 'epochs' | 'journal'
>

type Environment = Readonly<Record<string, string | undefined>>

const SERVER_VARIABLES = [
  'KEYHAVEN_OWNER_DATABASE_URL',
  'KEYHAVEN_AUTH_DATABASE_URL',
  'KEYHAVEN_REALM_DATABASE_URL',
  'KEYHAVEN_REALM_ID',
  ...SEALING_VARIABLES,
  JOURNAL_VARIABLE,
  'KEYHAVEN_PHONE_KEY_FILE',
  'KEYHAVEN_TOKEN_KEY_FILE',
  'KEYHAVEN_CHAIN_KEY_FILE',
  'KEYHAVEN_ADDRESS_DAYS',
  'KEYHAVEN_AUDIT_DAYS',
  'KEYHAVEN_CODE_SENDER',
  'KEYHAVEN_WEBHOOK_URL',
  'KEYHAVEN_WEBHOOK_SECRET_FILE',
  'KEYHAVEN_TENANTS',
  'KEYHAVEN_REALM_GUESSES',
  'KEYHAVEN_REALM_GUESSES_PER_DAY',
  'KEYHAVEN_COOLING_HOURS',
  'KEYHAVEN_REALM_REQUESTS_PER_ADDRESS',
  'KEYHAVEN_REALM_REQUESTS_PER_USER',
  'KEYHAVEN_REALM_REQUESTS_PER_TENANT',
  'KEYHAVEN_TRUSTED_PROXIES',
  'KEYHAVEN_DRAIN_SECONDS',
  'KEYHAVEN_PUBLIC_ORIGIN',
  ISSUERS_VARIABLE,
  METRICS_VARIABLE,
  METRICS_TOKEN_VARIABLE,
]

const DEFAULT_ADDRESS_DAYS = 90
const DEFAULT_AUDIT_DAYS = 90

/** Not the server's, but the `keyhaven` command's, which runs in the same environment. */
const COMMAND_VARIABLES = ['KEYHAVEN_HOME']

/** Checks and types all settings; `ERR_SETTING_INVALID` names the first that is unknown or malformed. */
export function parseSettings(input: {
  readonly options?: ServerOptions
  readonly env?: Environment
}): ServerSettings {
  const { options = {}, env = {} } = input
  refuseUnknown(env)
  const host = parseHost(options.host ?? '127.0.0.1')
  const publicOrigin = readVariable(env, 'KEYHAVEN_PUBLIC_ORIGIN', parsePublicOrigin)
  if (publicOrigin === undefined && !isLoopbackHost(host)) {
    refuse('KEYHAVEN_PUBLIC_ORIGIN', 'an https origin, because --host is not a loopback address')
  }
  const { realmOnly = false } = options
  if (realmOnly) requireRealmOnly(env)
  const webhook = parseWebhook(env)
  return {
    host,
    port: parsePort(options.port ?? 8787),
    ...parseRealmSettings(input),
    publicOrigin,
    tenants:
      readVariable(env, 'KEYHAVEN_TENANTS', (text, name) => parseTenants(text, name, realmOnly)) ?? new Map(),
    realmOnly,
    realmLimits: parseRealmLimits(env),
    trustedProxies: parseTrustedProxies(readVariable(env, 'KEYHAVEN_TRUSTED_PROXIES', splitList) ?? []),
    drainMs: (readVariable(env, 'KEYHAVEN_DRAIN_SECONDS', parseDrain) ?? 0) * 1000,
    codeSender: parseCodeSender(env, webhook),
    webhook,
    issuers: readVariable(env, ISSUERS_VARIABLE, parseIssuers),
    metrics: parseMetrics(env, readVariable),
    auditDays: readVariable(env, 'KEYHAVEN_AUDIT_DAYS', parseDays) ?? DEFAULT_AUDIT_DAYS,
    addressDays: readVariable(env, 'KEYHAVEN_ADDRESS_DAYS', parseDays) ?? DEFAULT_ADDRESS_DAYS,
  }
}

/** The same settings as far as they concern the operator's commands beside the server. */
export function parseRealmSettings(input: {
  readonly options?: ServerOptions
  readonly env?: Environment
}): RealmSettings {
  const { options = {}, env = {} } = input
  refuseUnknown(env)
  const dataDirectory = parseDataDirectory(options.data ?? './keyhaven-data')
  return {
    dataDirectory,
    database: parseDatabaseUrls(env),
    realmId: readVariable(env, 'KEYHAVEN_REALM_ID', parseRealmId),
    keyFiles: {
      phoneKey: readVariable(env, 'KEYHAVEN_PHONE_KEY_FILE', resolvePath),
      tokenKey: readVariable(env, 'KEYHAVEN_TOKEN_KEY_FILE', resolvePath),
      chainKey: readVariable(env, 'KEYHAVEN_CHAIN_KEY_FILE', resolvePath),
    },
    sealKeys: parseSealKeySettings(env, readVariable),
    epochs: parseEpochTerms(env, readVariable),
    journal: readVariable(env, JOURNAL_VARIABLE, (text) =>
      parseJournal(text, { dataDirectory, databaseUrl: env['DATABASE_URL'] }),
    ),
  }
}

/** What has no meaning without accounts; a setting that is silently not in force is worse than none. */
const ACCOUNT_VARIABLES = [
  'KEYHAVEN_WEBHOOK_URL',
  'KEYHAVEN_WEBHOOK_SECRET_FILE',
  'KEYHAVEN_CODE_SENDER',
  'KEYHAVEN_ADDRESS_DAYS',
  ISSUERS_VARIABLE,
]

function requireRealmOnly(env: Environment): void {
  for (const name of ACCOUNT_VARIABLES) {
    if (env[name] !== undefined) refuse(name, 'not to be set with --realm-only, which has no accounts')
  }
  if (env['KEYHAVEN_TENANTS'] === undefined) {
    refuse('KEYHAVEN_TENANTS', 'the keys of the apps whose tokens a realm takes, with --realm-only')
  }
}

function parseRealmLimits(env: Environment): RealmLimits {
  const { guessCap, evaluationsPerDay, coolingMs, requests } = DEFAULT_REALM_LIMITS
  return {
    guessCap: readVariable(env, 'KEYHAVEN_REALM_GUESSES', parseGuesses) ?? guessCap,
    evaluationsPerDay:
      readVariable(env, 'KEYHAVEN_REALM_GUESSES_PER_DAY', parseGuessesPerDay) ?? evaluationsPerDay,
    coolingMs: readVariable(env, 'KEYHAVEN_COOLING_HOURS', parseCooling) ?? coolingMs,
    requests: {
      address: readVariable(env, 'KEYHAVEN_REALM_REQUESTS_PER_ADDRESS', parseRequests) ?? requests.address,
      record: readVariable(env, 'KEYHAVEN_REALM_REQUESTS_PER_USER', parseRequests) ?? requests.record,
      tenant: readVariable(env, 'KEYHAVEN_REALM_REQUESTS_PER_TENANT', parseRequests) ?? requests.tenant,
    },
  }
}

function refuseUnknown(env: Environment): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith('KEYHAVEN_') || COMMAND_VARIABLES.includes(name)) continue
    if (!SERVER_VARIABLES.includes(name)) refuse(name, `one of ${SERVER_VARIABLES.join(', ')}`)
  }
}

/** A variable that is set to nothing is a mistake, not a default. */
function readVariable<Value>(
  env: Environment,
  name: string,
  parse: (text: string, setting: string) => Value,
): Value | undefined {
  const text = env[name]
  if (text === undefined) return undefined
  if (text.trim() === '') refuse(name, 'a value, or not to be set at all')
  return parse(text.trim(), name)
}

function parseHost(text: string): string {
  if (!/^[A-Za-z0-9.:-]{1,253}$/.test(text)) refuse('--host', 'an address or host name without brackets')
  return text
}

function parsePort(value: string | number): number {
  const port = /^\d{1,5}$/.test(String(value)) ? Number(value) : Number.NaN
  if (!(port >= 0 && port <= 65535)) refuse('--port', 'a number from 0 to 65535')
  return port
}

function parseDataDirectory(text: string): string {
  if (text === '' || text.includes('\0')) refuse('--data', 'a directory')
  return resolve(text)
}

function parseRealmId(text: string, setting: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/.test(text)) refuse(setting, '32 lower-case hex digits')
  return parseHex(text, setting, 16)
}

function parseWebhook(env: Environment): ServerSettings['webhook'] {
  const url = readVariable(env, 'KEYHAVEN_WEBHOOK_URL', parseSecureUrl)
  const secretFile = readVariable(env, 'KEYHAVEN_WEBHOOK_SECRET_FILE', resolvePath)
  if (url === undefined && secretFile === undefined) return undefined
  if (url === undefined) refuse('KEYHAVEN_WEBHOOK_URL', 'the address that the secret belongs to')
  if (secretFile === undefined)
    refuse('KEYHAVEN_WEBHOOK_SECRET_FILE', 'a file of 32 bytes that sign what is sent')
  return { url, secretFile }
}

function parseCodeSender(env: Environment, webhook: ServerSettings['webhook']): ServerSettings['codeSender'] {
  const sender = readVariable(env, 'KEYHAVEN_CODE_SENDER', (text) => text) ?? 'console'
  if (sender !== 'console' && sender !== 'webhook') refuse('KEYHAVEN_CODE_SENDER', 'console or webhook')
  if (sender === 'webhook' && webhook === undefined) {
    refuse('KEYHAVEN_WEBHOOK_URL', 'an address, because KEYHAVEN_CODE_SENDER is webhook')
  }
  return sender
}

function parseDrain(text: string, setting: string): number {
  return parseWhole(text, { setting, least: 0, most: 300 })
}

function parseDays(text: string, setting: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (!(days >= 1 && days <= 3650)) refuse(setting, 'a number of days from 1 to 3650')
  return days
}

function resolvePath(text: string): string {
  return resolve(text)
}

function splitList(text: string): string[] {
  return text.split(',').map((entry) => entry.trim())
}

function refuse(setting: string, expected: string): never {
  throw new KeyhavenError('ERR_SETTING_INVALID', { setting, expected })
}
