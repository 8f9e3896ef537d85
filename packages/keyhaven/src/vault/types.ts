/**
 * The shapes that callers of a vault see.
 */
import type { KeyOperationName, KeyOperations } from './operations.ts'
import type { DeviceProvider } from './protection/device-parameters.ts'
import type { Stretching } from './protection/password-parameters.ts'
import type { Protection } from './protection.ts'
import type { VaultStorage } from './storage.ts'

/** A record: bytes of a type that the app chooses. The vault does not read them. */
export interface VaultRecord {
  /** At most 64 bytes of UTF-8. */
  readonly type: string
  /** At most 16 MiB. */
  readonly bytes: Uint8Array
}

export interface PutOptions {
  /** Writes only a record that is not there yet, whoever else writes at the same time: else `ERR_RECORD_EXISTS`. */
  readonly ifMissing?: boolean
}

export interface RecordSummary {
  readonly name: string
  readonly type: string
  /** From 1; grows with each write of this record. */
  readonly version: number
}

/** What `unlock` comes to. Faults, such as a damaged vault, are thrown. */
export type UnlockOutcome =
  | { readonly status: 'unlocked' }
  /** The password, or one of several factors, is another. */
  | { readonly status: 'wrong-password' }
  /** The person declined. */
  | { readonly status: 'cancelled' }
  /** The person did not answer in time. */
  | { readonly status: 'timed-out' }
  /** The vault has this kind of protection, but its secret cannot be had on this device. */
  | { readonly status: 'unavailable' }
  /** The vault has no protection of this kind. */
  | { readonly status: 'no-such-protection' }

/** One factor of a protection, with its parameters. */
export type FactorSummary =
  | { readonly type: 'device'; readonly provider: DeviceProvider }
  | { readonly type: 'password'; readonly stretching: Stretching }
  | { readonly type: 'passkey'; readonly siteId: string; readonly credentialId: Uint8Array }

/** A protection as anyone can read it from the stored bytes. Authenticated only while the vault is unlocked. */
export interface ProtectionSummary {
  /** 32 hex digits. */
  readonly id: string
  readonly label: string
  /** All of these are needed at once. */
  readonly factors: readonly FactorSummary[]
}

/** What can be said of a vault without opening it. */
export type VaultDescription =
  | { readonly status: 'missing' }
  /** There was one, and the browser has deleted its storage. */
  | { readonly status: 'evicted' }
  | {
      readonly status: 'present'
      readonly id: Uint8Array
      readonly protections: readonly ProtectionSummary[]
    }

/** When an unlocked vault locks by itself. */
export interface AutoLockOptions {
  /** After this many ms without a call, in any tab of this vault. */
  readonly idleMs?: number
  /** When the page is hidden: another tab in front, the screen locked, the app in the background. */
  readonly onPageHide?: boolean
}

export interface VaultOptions {
  /** 1 to 64 bytes of UTF-8; vaults of different names are apart. */
  readonly name: string
  /** In browsers IndexedDB unless told; elsewhere it must be named. */
  readonly storage?: VaultStorage
  /** Never, unless told. */
  readonly autoLock?: AutoLockOptions
}

export interface CreateVaultOptions extends VaultOptions {
  /** At least one way in; all of them are set up before the vault exists. In browsers the device's key unless told. */
  readonly protections?: readonly Protection[]
  /** Makes a new vault where the browser has deleted one; without it, that is `ERR_VAULT_EVICTED`. */
  readonly replaceEvicted?: boolean
}

export interface OpenVaultOptions extends VaultOptions {
  /** Ways in to try at once, if they need nobody: the device's, in browsers by itself. Others are for `unlock`. */
  readonly protections?: readonly Protection[]
}

/** Records at rest on this device. Byte arrays that go in and come out are the caller's own copies. */
export interface Vault {
  readonly name: string
  /** 16 random bytes, chosen when the vault was made. */
  readonly id: Uint8Array
  state(): 'locked' | 'unlocked'
  /** Opens by a protection; by that of one id, where there are several of its kind. */
  unlock(protection: Protection, id?: string): Promise<UnlockOutcome>
  /** Forgets the keys. Operations that are under way end with `ERR_VAULT_LOCKED`. */
  lock(): void
  /** Calls back with each change of the state, whoever caused it; returns the end of that. */
  onStateChange(listener: (state: 'locked' | 'unlocked') => void): () => void
  /** The record, or `undefined` if there is none. */
  get(record: string): Promise<VaultRecord | undefined>
  put(record: string, value: VaultRecord, options?: PutOptions): Promise<void>
  /** One atomic batch: after a crash all of it is there, or none. `null` deletes. */
  write(changes: ReadonlyMap<string, VaultRecord | null>): Promise<void>
  /** All records, by name. */
  list(): Promise<readonly RecordSummary[]>
  /** Deletes a record, if it is there. */
  delete(record: string): Promise<void>
  /**
   * Does something with the key that a record holds, without handing it out; see {@link KeyOperations}.
   * `ERR_RECORD_MISSING` without the record, `ERR_INPUT_INVALID` when its type is not the operation's.
   */
  use<O extends KeyOperationName>(
    record: string,
    operation: O,
    input: KeyOperations[O]['input'],
  ): Promise<KeyOperations[O]['output']>
  /** The protections, authenticated. */
  protections(): Promise<readonly ProtectionSummary[]>
  /** Adds a way in; returns its id. No record is encrypted again. */
  addProtection(protection: Protection): Promise<string>
  /** Puts a new way in in the place of one, in one step; returns the new id. The old one opens only older copies. */
  changeProtection(id: string, protection: Protection): Promise<string>
  /** Removes a way in; `ERR_PROTECTION_LAST` when it is the last one. */
  removeProtection(id: string): Promise<void>
  /**
   * Removes the device's ways in and deletes its key, then locks: from now on the vault asks.
   * `ERR_PROTECTION_LAST` when nothing else would open it.
   */
  forgetDevice(): Promise<void>
  /** Deletes the vault and its device key: nothing is left that opens anything. Works while locked, too. */
  destroy(): Promise<void>
}
