/** Private keys at rest on one device. Storage in files is in `keyhaven/vault/file`. */
export type { Factor, FactorContext, FactorOutcome, FactorType, Protection } from './protection.ts'
export { memoryStorage } from './storage/memory.ts'
export type { BlobRange, StorageCommit, VaultStorage, VaultWriter } from './storage.ts'
export type {
  CreateVaultOptions,
  OpenVaultOptions,
  ProtectionSummary,
  RecordSummary,
  UnlockOutcome,
  Vault,
  VaultRecord,
} from './types.ts'
export { createVault, openVault } from './vault.ts'
