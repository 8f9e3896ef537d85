/**
 * The vault key and what is derived from it: one key for records, one for the manifest and the root.
 *
 * The derived keys are non-extractable. The vault key itself stays in memory while the vault is unlocked, because a
 * new protection must wrap it; it is overwritten on lock. JavaScript may have copied it meanwhile, as it may copy
 * anything: overwriting shortens the time in which a memory dump finds it, and promises no more.
 */
import { importAeadKey } from '../crypto/aead.ts'
import { concat, lp, wipe } from '../crypto/bytes.ts'
import { deriveKeyByPlatform } from '../crypto/platform-hkdf.ts'

export const VAULT_KEY_LENGTH = 32

export interface VaultKeys {
  readonly vaultKey: Uint8Array
  readonly recordsKey: CryptoKey
  readonly indexKey: CryptoKey
}

/** The keys of an unlocked vault; `vaultKey` is kept and belongs to the result from then on. */
export async function deriveVaultKeys(vaultId: Uint8Array, vaultKey: Uint8Array): Promise<VaultKeys> {
  const info = concat(lp('keyhaven/vault/keys/v1'), lp(vaultId))
  const derived = await deriveKeyByPlatform({ secret: vaultKey, info, length: 64 })
  try {
    const [recordsKey, indexKey] = await Promise.all([
      importAeadKey(derived.subarray(0, 32)),
      importAeadKey(derived.subarray(32)),
    ])
    return { vaultKey, recordsKey, indexKey }
  } finally {
    wipe(derived)
  }
}
