/** Deletes a device's vault and its key, also where the vault is damaged or was deleted only in part. */
import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import { vaultAt } from './home.ts'

/** What the device key leaves when a process is killed while it writes: a draft of itself. */
const DRAFT = /^\.[0-9a-f]{16}\.tmp$/

/** True when there is anything of a vault in `home`. */
export async function hasRemains(home: string): Promise<boolean> {
  const entries = await list(home)
  return entries.includes('device.key') || (await list(join(home, 'vault'))).length > 0
}

/**
 * Deletes first the vault's head, without which nothing that is left can be opened, then all of it, then the key.
 * `ERR_STORAGE_FAILED` when a file cannot be deleted; run it again then.
 */
export async function destroyDevice(home: string): Promise<void> {
  const { name, storage } = vaultAt(home)
  await storage.exclusive(name, (writer) => writer.destroy())
  const drafts = (await list(home)).filter((entry) => DRAFT.test(entry))
  for (const entry of ['device.key', ...drafts]) await guard(rm(join(home, entry), { force: true }))
  await guard(rmdir(join(home, 'vault')), ['ENOENT', 'ENOTEMPTY'])
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
