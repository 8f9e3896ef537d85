/**
 * The shapes that callers of a vault see.
 */
import type { FactorType, Protection } from './protection.ts'
import type { VaultStorage } from './storage.ts'

/** A record: bytes of a type that the app chooses. The vault does not read them. */
export interface VaultRecord {
  /** At most 64 bytes of UTF-8. */
  readonly type: string
  /** At most 16 MiB. */
  readonly bytes: Uint8Array
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
  /** The vault has this kind of protection, but its secret cannot be had on this device. */
  | { readonly status: 'unavailable' }
  /** The vault has no protection of this kind. */
  | { readonly status: 'no-such-protection' }

/** A protection as anyone can read it from the stored bytes. Authenticated only while the vault is unlocked. */
export interface ProtectionSummary {
  /** 32 hex digits. */
  readonly id: string
  readonly label: string
  readonly factors: readonly FactorType[]
}

export interface VaultOptions {
  /** 1 to 64 bytes of UTF-8; vaults of different names are apart. */
  readonly name: string
  readonly storage: VaultStorage
}

export interface CreateVaultOptions extends VaultOptions {
  /** At least one way in; all of them are set up before the vault exists. */
  readonly protections: readonly Protection[]
}

export interface OpenVaultOptions extends VaultOptions {
  /** Ways in to try at once, if they need nobody: the device's. Others are for `unlock`. */
  readonly protections?: readonly Protection[]
}

/** Records at rest on this device. Byte arrays that go in and come out are the caller's own copies. */
export interface Vault {
  readonly name: string
  /** 16 random bytes, chosen when the vault was made. */
  readonly id: Uint8Array
  state(): 'locked' | 'unlocked'
  unlock(protection: Protection): Promise<UnlockOutcome>
  /** Forgets the keys. Operations that are under way end with `ERR_VAULT_LOCKED`. */
  lock(): void
  /** The record, or `undefined` if there is none. */
  get(record: string): Promise<VaultRecord | undefined>
  put(record: string, value: VaultRecord): Promise<void>
  /** One atomic batch: after a crash all of it is there, or none. `null` deletes. */
  write(changes: ReadonlyMap<string, VaultRecord | null>): Promise<void>
  /** All records, by name. */
  list(): Promise<readonly RecordSummary[]>
  /** Deletes a record, if it is there. */
  delete(record: string): Promise<void>
  /** Deletes the vault and its device key: nothing is left that opens anything. Works while locked, too. */
  destroy(): Promise<void>
}
