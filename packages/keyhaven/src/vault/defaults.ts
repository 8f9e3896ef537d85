/**
 * What a vault uses where the app names nothing: in browsers IndexedDB and the device's key in it.
 */
import { KeyhavenError } from '../errors.ts'
import type { Protection } from './protection.ts'
import { browserDeviceProtection } from './protection/device-indexeddb.ts'
import { indexedDbStorage } from './storage/indexeddb.ts'
import type { VaultStorage } from './storage.ts'

/**
 * The storage that was named, or the browser's; `ERR_INPUT_INVALID` where there is none. `ERR_INSECURE_TRANSPORT` on a
 * page that came over plain http: browsers have no cryptography there, and whoever altered the page reads every key.
 */
export function chooseStorage(storage: VaultStorage | undefined): VaultStorage {
  if ('isSecureContext' in globalThis && !globalThis.isSecureContext) {
    throw new KeyhavenError('ERR_INSECURE_TRANSPORT', undefined)
  }
  if (storage !== undefined) return storage
  if (typeof indexedDB !== 'undefined') return indexedDbStorage()
  throw new KeyhavenError('ERR_INPUT_INVALID', {
    field: 'storage',
    expected: 'a storage: here is no IndexedDB',
  })
}

/** The protections that were named, or the browser's device key; elsewhere none. */
export function chooseProtections(
  protections: readonly Protection[] | undefined,
  storage: VaultStorage,
): readonly Protection[] {
  if (protections !== undefined) return protections
  const inBrowser = storage.kind === 'indexeddb' || storage.kind === 'web-storage'
  return inBrowser ? [browserDeviceProtection()] : []
}
