/**
 * A device of the command line: a folder with a vault, and beside the vault the key that opens it.
 *
 * `DIR/vault/` holds the sealed records, `DIR/device.key` the device key (mode 0600); DIR itself is 0700. Whoever can
 * read the whole folder can open the vault: this protects copies of the vault alone, not a stolen disk.
 */
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { isKeyhavenError } from 'keyhaven'
import { createVault, openVault } from 'keyhaven/vault'
import type { OpenVaultOptions, Protection, Vault } from 'keyhaven/vault'
import { fileDeviceProtection, fileStorage } from 'keyhaven/vault/file'
import { CommandError } from '../command-line/command-error.ts'
import type { Invocation } from '../command-line/command.ts'

const VAULT_NAME = 'device'
const OWN_ENTRIES = ['vault', 'device.key']

/** An opened device. */
export interface Device {
  readonly home: string
  readonly vault: Vault
}

/** The folder that `--home`, else `KEYHAVEN_HOME`, else the user's home names; absolute. */
export function resolveHome(invocation: Pick<Invocation, 'option' | 'environment'>): string {
  const named = invocation.option('home') ?? invocation.environment['KEYHAVEN_HOME']
  return named === undefined || named === '' ? join(homedir(), '.keyhaven') : resolve(named)
}

/** Opens the device that the command names; `ERR_VAULT_MISSING` where there is none. */
export async function openDevice(invocation: Invocation): Promise<Device> {
  const home = resolveHome(invocation)
  return { home, vault: await openVault(vaultAt(home)) }
}

/** Opens the device that the command names, or sets one up where the folder is empty or missing. */
export async function openOrCreateDevice(invocation: Invocation): Promise<Device> {
  const home = resolveHome(invocation)
  const vault = (await openIfPresent(home)) ?? (await setUp(home))
  return { home, vault }
}

async function openIfPresent(home: string): Promise<Vault | undefined> {
  try {
    return await openVault(vaultAt(home))
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_VAULT_MISSING')) return undefined
    throw error
  }
}

async function setUp(home: string): Promise<Vault> {
  await prepareFolder(home)
  try {
    return await createVault(vaultAt(home))
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_VAULT_EXISTS')) return openVault(vaultAt(home))
    throw error
  }
}

async function prepareFolder(home: string): Promise<void> {
  try {
    await mkdir(home, { recursive: true, mode: 0o700 })
    const entries = await readdir(home)
    if (entries.some((entry) => !OWN_ENTRIES.some((own) => entry.startsWith(own)))) {
      throw new CommandError(
        'ERR_HOME_INVALID',
        `${home} is not empty and holds no device; name another folder with --home.`,
      )
    }
    await chmod(home, 0o700)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(
      'ERR_HOME_INVALID',
      `${home} cannot be used as a device; name another folder with --home.`,
    )
  }
}

function vaultAt(home: string): OpenVaultOptions & { readonly protections: readonly Protection[] } {
  return {
    name: VAULT_NAME,
    storage: fileStorage({ directory: join(home, 'vault') }),
    protections: [fileDeviceProtection({ keyFile: join(home, 'device.key') })],
  }
}
