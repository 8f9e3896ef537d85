/**
 * What key sync is made of, and what its operations take.
 */
import type { Argon2id } from '../crypto/argon2.ts'
import type { Scrypt } from '../crypto/scrypt.ts'
import type { Configuration } from '../recovery/index.ts'
import type { Vault } from '../vault/index.ts'
import type { Progress } from './steps/context.ts'
import type { Fetch } from './transport/exchange.ts'
import type { KeySyncTransport } from './transport/transport.ts'

export interface KeySyncOptions {
  readonly transport: KeySyncTransport
  /** Unlocked while an operation runs. */
  readonly vault: Vault
  /** The realms that the person relies on; the client's trust anchor. */
  readonly configuration: Configuration
  readonly argon2id?: Argon2id
  /** For recovery kits; a page gives one that runs in a worker, or stands still while a kit is sealed or opened. */
  readonly scrypt?: Scrypt
  /** For requests to the realms. */
  readonly fetch?: Fetch
  /** How long each request to a realm may take, in milliseconds; 10,000 unless told. */
  readonly realmDeadlineMs?: number
  /** Realms that the backup relied on before, so that registrations which were left there can still be deleted. */
  readonly formerConfigurations?: readonly Configuration[]
  /** The root key is changed at the first synchronisation after so many days; never unless told. */
  readonly rotateAfterDays?: number
  /** So many segments may follow the log's last snapshot before this device puts the log together anew; 256 unless told. */
  readonly snapshotAfterSegments?: number
}

/** What every long operation takes. */
export interface OperationInput {
  readonly onProgress?: (progress: Progress) => void
  /** Ends the operation with `ERR_ABORTED`; the next one takes up what it left. */
  readonly signal?: AbortSignal
}

/** What an operation takes that needs the PIN. */
export interface PinInput extends OperationInput {
  readonly pin: string
  /**
   * When the PIN turns out right, keeps a verifier of it in the vault, for `checkPin`. Whoever opens the vault can try PINs
   * against that: ask the person, and rather not with device protection alone on an unencrypted disk.
   */
  readonly rememberPin?: boolean
}

/** The same where the PIN may be left out. */
export type OptionalPinInput = Omit<PinInput, 'pin'> & { readonly pin?: string }
