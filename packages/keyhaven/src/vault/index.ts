/** Private keys at rest on one device. Storage in files is in `keyhaven/vault/file`. */
export { describeVault } from './describe.ts'
export { KEY_TYPES } from './operations.ts'
export type { KeyOperationName, KeyOperations } from './operations.ts'
export type { Factor, FactorContext, FactorOutcome, FactorType, Protection } from './protection.ts'
export { combineProtections } from './protection/combine.ts'
export { browserDeviceProtection } from './protection/device-indexeddb.ts'
export type { BrowserDeviceOptions } from './protection/device-indexeddb.ts'
export type { DeviceProvider } from './protection/device-parameters.ts'
export { passwordProtection } from './protection/password.ts'
export type { PasswordProtectionOptions } from './protection/password.ts'
export type { Stretching } from './protection/password-parameters.ts'
export { indexedDbStorage } from './storage/indexeddb.ts'
export type { IndexedDbStorageOptions } from './storage/indexeddb.ts'
export { askForPersistence, readPersistence } from './storage/persistence.ts'
export type { Persistence } from './storage/persistence.ts'
export { memoryStorage } from './storage/memory.ts'
export type { BlobRange, StorageCommit, VaultStorage, VaultWriter } from './storage.ts'
export type {
  AutoLockOptions,
  CreateVaultOptions,
  FactorSummary,
  OpenVaultOptions,
  ProtectionSummary,
  PutOptions,
  RecordSummary,
  UnlockOutcome,
  Vault,
  VaultDescription,
  VaultRecord,
} from './types.ts'
export { createVault, destroyVault, openVault } from './vault.ts'
