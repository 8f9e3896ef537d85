/**
 * Where the keys lie that realm records are sealed under: in files, in the environment, or in a PKCS#11 token. Never in
 * the database, which only knows their ids.
 */
import { deriveKey, lp } from 'keyhaven/crypto'

export const SEAL_KEY_LENGTH = 32
export const KEY_ID_LENGTH = 8

/** The keys of all epochs that are left; which of them is in use, the database says. */
export interface SealKeySource {
  readonly kind: 'files' | 'environment' | 'token'
  /** Every key that is there now, 32 bytes each. The order counts where `make` is absent: the last is to be used. */
  read(): Promise<readonly Uint8Array[]>
  /** Makes a key and returns when it lasts; absent where keys come from the operator alone. */
  readonly make?: () => Promise<Uint8Array>
  /** Destroys the key of this id, if it is there; absent where that is the operator's to do. */
  readonly destroy?: (keyId: Uint8Array) => Promise<void>
}

/** The id by which records and epochs name a key, 8 bytes; nothing about the key follows from it. */
export function deriveKeyId(sealKey: Uint8Array): Uint8Array {
  return deriveKey({ secret: sealKey, info: lp('keyhaven/realm-seal-id/v1'), length: KEY_ID_LENGTH })
}
