/**
 * What a device relies on: its server and its realms, sealed in its vault at the first sign-in and never changed by an
 * answer from outside.
 *
 * The realms are what a PIN is safe with. Without `--realms` the named server's own realm is taken, once, and from
 * then on only that one.
 */
import { KeyhavenError } from 'keyhaven'
import { parseUtf8, utf8 } from 'keyhaven/crypto'
import { parseConfiguration, serializeConfiguration } from 'keyhaven/recovery'
import type { Configuration } from 'keyhaven/recovery'
import type { Vault } from 'keyhaven/vault'

const RECORD = 'cli/settings'
const PENDING_RECORD = 'cli/pending-sign-in'
const PENDING_PHONE_RECORD = 'cli/pending-phone-change'
const TYPE = 'keyhaven/cli-settings/1'

/** A signed configuration, and the key that this device takes such from. */
export interface SignedRealms {
  /** 64 hex digits. */
  readonly publicKey: string
  readonly document: string
}

/** The realms of a device, and the document that they come from if it is a signed one. */
export interface DeviceRealms {
  /** Where the backup is; of a signed document also one of the configurations before. */
  readonly configuration: Configuration
  readonly signed: SignedRealms | undefined
}

/** A device's server and realms. */
export interface DeviceSettings extends DeviceRealms {
  /** The server's origin, without a slash at the end. */
  readonly server: string
  /** The person's level that this device is for, as `deriveLevel` gives it; none for the first. */
  readonly level: string | undefined
}

/** A sign-in that waits for its code. */
export interface PendingSignIn extends DeviceSettings {
  readonly phone: string
  /** The request that the code was sent for, 32 hex digits. */
  readonly requestId: string
}

/** What was pinned, if this device has signed in before. */
export async function loadSettings(vault: Vault): Promise<DeviceSettings | undefined> {
  return loadRecord(vault, RECORD)
}

/** Pins server and realms, and forgets the sign-in that waited. */
export async function pinSettings(vault: Vault, settings: DeviceSettings): Promise<void> {
  const { server, configuration, level, signed } = settings
  await vault.write(
    new Map([
      [RECORD, sealable({ server, configuration, level, signed })],
      [PENDING_RECORD, null],
    ]),
  )
}

/** Keeps a sign-in until its code is there. */
export async function keepPendingSignIn(vault: Vault, pending: PendingSignIn): Promise<void> {
  await vault.put(PENDING_RECORD, sealable(pending))
}

/** Keeps a change of the phone number until its code is there. */
export async function keepPendingPhone(vault: Vault, pending: PendingSignIn): Promise<void> {
  await vault.put(PENDING_PHONE_RECORD, sealable(pending))
}

/** Forgets the change of the phone number that waited. */
export async function dropPendingPhone(vault: Vault): Promise<void> {
  await vault.delete(PENDING_PHONE_RECORD)
}

/** The change of the phone number that waits for its code, if there is one. */
export async function loadPendingPhone(vault: Vault): Promise<PendingSignIn | undefined> {
  return loadPending(vault, PENDING_PHONE_RECORD)
}

/** The sign-in that waits for its code, if there is one. */
export async function loadPendingSignIn(vault: Vault): Promise<PendingSignIn | undefined> {
  return loadPending(vault, PENDING_RECORD)
}

async function loadPending(vault: Vault, name: string): Promise<PendingSignIn | undefined> {
  const record = await loadRecord(vault, name)
  if (record?.phone === undefined || record.requestId === undefined) return undefined
  return { ...record, phone: record.phone, requestId: record.requestId }
}

type StoredSettings = DeviceSettings & { readonly phone?: string; readonly requestId?: string }

function sealable(settings: StoredSettings): {
  type: string
  bytes: Uint8Array
} {
  const { configuration } = settings
  return {
    type: TYPE,
    bytes: utf8(JSON.stringify({ ...settings, configuration: serializeConfiguration(configuration) })),
  }
}

async function loadRecord(vault: Vault, name: string): Promise<StoredSettings | undefined> {
  const record = await vault.get(name)
  if (record === undefined) return undefined
  const value: unknown = JSON.parse(parseUtf8(record.bytes))
  if (record.type !== TYPE || typeof value !== 'object' || value === null) throw damaged()
  const { server, configuration, level, signed, phone, requestId } = value as Readonly<
    Record<string, unknown>
  >
  if (typeof server !== 'string') throw damaged()
  return {
    server,
    configuration: parseConfiguration(configuration),
    level: typeof level === 'string' ? level : undefined,
    signed: signed === undefined ? undefined : readSigned(signed),
    ...(typeof phone === 'string' && { phone }),
    ...(typeof requestId === 'string' && { requestId }),
  }
}

function readSigned(value: unknown): SignedRealms {
  if (typeof value !== 'object' || value === null) throw damaged()
  const { publicKey, document } = value as Readonly<Record<string, unknown>>
  if (typeof publicKey !== 'string' || typeof document !== 'string') throw damaged()
  return { publicKey, document }
}

function damaged(): KeyhavenError<'ERR_VAULT_DAMAGED'> {
  return new KeyhavenError('ERR_VAULT_DAMAGED', { problem: 'settings' })
}
