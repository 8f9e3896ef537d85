/**
 * The session as it lies in the vault, and the account that the vault belongs to.
 */
import { KeyhavenError } from '../../errors.ts'
import type { Vault } from '../../vault/index.ts'
import { encodeCbor, parseCborMap } from '../format/cbor.ts'
import { recordDamaged } from '../format/fields.ts'

const SESSION = 'sync/session'
const ACCOUNT = 'sync/account'

export interface SessionRecord {
  readonly origin: string
  readonly accountId: string
  readonly phone: string
  /** 64 hex digits; none for a person's first level. */
  readonly level?: string
  readonly deviceId: string
  readonly accessToken: string
  /** Milliseconds since 1970, by this device's clock. */
  readonly accessTokenExpiresAt: number
  readonly refreshToken: string
}

/** The session in the vault, if there is one. */
export async function readSession(vault: Vault): Promise<SessionRecord | undefined> {
  const record = await vault.get(SESSION)
  if (record === undefined) return undefined
  const fields = parseCborMap(record.bytes, recordDamaged)
  return {
    origin: fields.text('origin'),
    accountId: fields.text('accountId'),
    phone: fields.text('phone'),
    ...(fields.has('level') && { level: fields.text('level') }),
    deviceId: fields.text('deviceId'),
    accessToken: fields.text('accessToken'),
    accessTokenExpiresAt: fields.integer('accessTokenExpiresAt'),
    refreshToken: fields.text('refreshToken'),
  }
}

/** Keeps a session. */
export async function keepSession(vault: Vault, session: SessionRecord): Promise<void> {
  await vault.put(SESSION, { type: 'keyhaven/session', bytes: encodeCbor({ ...session }) })
}

/** Forgets the session; the vault still belongs to its account. */
export async function forgetSession(vault: Vault): Promise<void> {
  await vault.delete(SESSION)
}

/**
 * Refuses a vault that belongs to another level: `ERR_ACCOUNT_MISMATCH`. Before anything is asked of a server, which would see the
 * device in both.
 */
export async function requireLevel(vault: Vault, level: string | undefined): Promise<void> {
  const record = await vault.get(ACCOUNT)
  if (record === undefined) return
  const fields = parseCborMap(record.bytes, recordDamaged)
  const known = fields.has('level') ? fields.text('level') : undefined
  if (known !== level) throw new KeyhavenError('ERR_ACCOUNT_MISMATCH', undefined)
}

/** Binds the vault to an account, that of a level where one is named; `ERR_ACCOUNT_MISMATCH` when it belongs to another. */
export async function bindAccount(vault: Vault, accountId: string, level?: string): Promise<void> {
  const record = await vault.get(ACCOUNT)
  if (record === undefined) {
    await vault.put(ACCOUNT, {
      type: 'keyhaven/account',
      bytes: encodeCbor({ accountId, ...(level !== undefined && { level }) }),
    })
  } else if (parseCborMap(record.bytes, recordDamaged).text('accountId') !== accountId) {
    throw new KeyhavenError('ERR_ACCOUNT_MISMATCH', undefined)
  }
}
