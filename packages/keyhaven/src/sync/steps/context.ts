/**
 * What the steps of one back-up, restore or replacement share.
 */
import type { Configuration } from '../../recovery/index.ts'
import type { Argon2id } from '../../crypto/argon2.ts'
import type { Scrypt } from '../../crypto/scrypt.ts'
import { parseUuid } from '../../crypto/text.ts'
import type { AccessLogKnowledge } from '../transport/access-log-record.ts'
import type { Vault } from '../../vault/index.ts'
import type { Device } from '../device/device.ts'
import type { Fetch } from '../transport/exchange.ts'
import type { KeySyncTransport } from '../transport/transport.ts'

/** So many segments may follow a snapshot before another one is worth it, unless the app says otherwise. */
export const DEFAULT_MOST_SEGMENTS = 256

/** What is going on: `done` of `total`, in segments; PIN steps count one. */
export interface Progress {
  readonly phase: 'pin' | 'download' | 'open' | 'upload' | 'register'
  readonly done: number
  readonly total: number
}

export interface SyncContext {
  readonly transport: KeySyncTransport
  readonly vault: Vault
  readonly configuration: Configuration
  readonly device: Device
  /** The account's 16 bytes. */
  readonly account: Uint8Array
  readonly fetch: Fetch
  readonly accessLog: AccessLogKnowledge
  readonly argon2id: Argon2id | undefined
  readonly scrypt: Scrypt | undefined
  readonly realmDeadlineMs: number
  /** Realms that registrations out of use may lie on; asked for nothing but to delete those. */
  readonly formerConfigurations: readonly Configuration[]
  /** The configuration that a move to other realms leaves: until its commit the backup says that it relies on this one. */
  readonly movingFrom: readonly Configuration[]
  /** A root key older than this is changed. */
  readonly rotateAfterDays: number | undefined
  /** So many segments may follow the log's last snapshot before this device makes another one. */
  readonly snapshotAfterSegments: number
  readonly signal: AbortSignal | undefined
  readonly report: (progress: Progress) => void
}

/** The 16 bytes of a UUID. */
export function parseAccountId(accountId: string): Uint8Array {
  return parseUuid(accountId, 'accountId')
}
