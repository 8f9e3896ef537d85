/** Deletes a device's vault and its key, also where the vault is damaged or was deleted only in part. */
import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import { destroyVault } from 'keyhaven/vault'
import { keychainProtection, vaultAt } from './home.ts'

/** The device key, and what it leaves when a process is killed while it writes it. */
const KEY_FILES = ['device.key', 'device.key.draft']

/** True when there is anything of a vault in `home`. */
export async function hasRemains(home: string): Promise<boolean> {
  const entries = await list(home)
  return KEY_FILES.some((file) => entries.includes(file)) || (await list(join(home, 'vault'))).length > 0
}

/**
 * Deletes first the vault's head, without which nothing that is left can be opened, then all of it, then the key.
 * `ERR_STORAGE_FAILED` when a file cannot be deleted, `ERR_KEYCHAIN_FAILED` when the keychain keeps its entry, which opens
 * nothing here any more: run it again then.
 */
export async function destroyDevice(home: string): Promise<void> {
  const place = vaultAt(home)
  try {
    // The keychain is asked only where the vault, or what it left, has an entry in it.
    await destroyVault({ ...place, protections: [...place.protections, keychainProtection()] })
  } finally {
    for (const file of KEY_FILES) await guard(rm(join(home, file), { force: true }))
    await guard(rmdir(join(home, 'vault')), ['ENOENT', 'ENOTEMPTY'])
  }
}

async function guard(work: Promise<void>, harmless: readonly string[] = []): Promise<void> {
  try {
    await work
  } catch (error) {
    const fault = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (!harmless.includes(fault)) throw new KeyhavenError('ERR_STORAGE_FAILED', { fault })
  }
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch {
    return []
  }
}
