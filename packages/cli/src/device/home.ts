/**
 * A device of the command line: a folder with a vault and, while the vault has a device protection, its key beside it.
 *
 * `DIR/vault/` holds the sealed records, `DIR/device.key` the device key (mode 0600); DIR itself is 0700. Whoever can
 * read the whole folder can open a vault with a device protection: that protects copies of the vault alone, not a
 * stolen disk. With a keychain protection the key is in the system's keychain, which is asked only where the vault says
 * so. A vault that has passwords only asks for one, each time.
 */
import { chmod, mkdir, readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { isKeyhavenError, KeyhavenError } from 'keyhaven'
import { createVault, describeVault, openVault, passwordProtection } from 'keyhaven/vault'
import type { Protection, Vault, VaultDescription, VaultStorage } from 'keyhaven/vault'
import { fileDeviceProtection, fileStorage } from 'keyhaven/vault/file'
import { keychainDeviceProtection } from 'keyhaven/vault/keychain'
import { CommandError } from '../command-line/command-error.ts'
import type { Invocation, OptionDefinition } from '../command-line/command.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { readSecret, secretIsNamed, secretOptions, VAULT_PASSWORD } from '../command-line/secret-input.ts'

const OWN_ENTRIES = ['vault', 'device.key']

/** The option that names the device. */
export const HOME_OPTION: Readonly<Record<string, OptionDefinition>> = {
  home: {
    value: 'DIR',
    summary: 'the device: where its sealed keys are',
    default: 'KEYHAVEN_HOME, else ~/.keyhaven',
  },
}

/** The options of every command that opens a device. */
export const DEVICE_OPTIONS: Readonly<Record<string, OptionDefinition>> = {
  ...HOME_OPTION,
  ...secretOptions(VAULT_PASSWORD),
}

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

/** Says what opens the vault of the device that the command names, without opening it. */
export async function describeDevice(invocation: Invocation): Promise<VaultDescription> {
  const home = resolveHome(invocation)
  await requireFolder(home)
  return describeVault(vaultAt(home))
}

/** Refuses a file in the place of the folder; that nothing is there is no fault. */
export async function requireFolder(home: string): Promise<void> {
  const found = await stat(home).catch(() => undefined)
  if (found !== undefined && !found.isDirectory()) throw unusable(home)
}

/**
 * Opens the device that the command names: by its device key, else by its keychain, else by its password.
 * `ERR_VAULT_MISSING` where there is none, `ERR_PASSWORD_NEEDED` and `ERR_PASSWORD_WRONG` where only the password opens
 * it, or where one was named.
 */
export async function openDevice(invocation: Invocation): Promise<Device> {
  const home = resolveHome(invocation)
  const description = await describeDevice(invocation)
  const vault = await openAlone(invocation, withKeychain(vaultAt(home), description))
  await unlock(vault, invocation, description)
  return { home, vault }
}

/** Where the person names a password, a keychain that does not answer is not in its way. */
async function openAlone(invocation: Invocation, place: VaultPlace): Promise<Vault> {
  try {
    return await openVault(place)
  } catch (error) {
    const named = secretIsNamed(invocation, VAULT_PASSWORD)
    if (!named || !isKeyhavenError(error, 'ERR_KEYCHAIN_FAILED')) throw error
    return openVault({ ...place, protections: [] })
  }
}

/** The same place, with the system's keychain where the vault has a key in it. */
export function withKeychain(place: VaultPlace, description: VaultDescription): VaultPlace {
  const factors =
    description.status === 'present' ? description.protections.flatMap((one) => one.factors) : []
  const has = factors.some((factor) => factor.type === 'device' && factor.provider === 'keychain')
  return has ? { ...place, protections: [...place.protections, keychainProtection()] } : place
}

/** Opens another device, the one at `home`, as {@link openDevice} does. */
export async function openOtherDevice(invocation: Invocation, home: string): Promise<Device> {
  const option: Invocation['option'] = (name) => (name === 'home' ? home : invocation.option(name))
  return openDevice({ ...invocation, option })
}

/** Opens the device that the command names, or sets one up where the folder is empty or missing. */
export async function openOrCreateDevice(invocation: Invocation): Promise<Device> {
  try {
    return await openDevice(invocation)
  } catch (error) {
    if (!isKeyhavenError(error, 'ERR_VAULT_MISSING')) throw error
  }
  const home = resolveHome(invocation)
  if (secretIsNamed(invocation, VAULT_PASSWORD)) {
    throw new CommandError(
      'ERR_HOME_INVALID',
      `${home} has no vault yet that a password could open; "keyhaven vault init --protection password" makes one.`,
    )
  }
  try {
    return { home, vault: await createDevice(home, deviceProtection(home)) }
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_VAULT_EXISTS')) return openDevice(invocation)
    throw error
  }
}

/** Sets a device up with this one way into its vault; `ERR_VAULT_EXISTS` where there is a vault. */
export async function createDevice(home: string, protection: Protection): Promise<Vault> {
  await prepareFolder(home)
  return createVault({ ...vaultAt(home), protections: [protection] })
}

/** The protection by the key beside the vault. */
export function deviceProtection(home: string, label?: string): Protection {
  return fileDeviceProtection({ keyFile: join(home, 'device.key'), ...(label !== undefined && { label }) })
}

/** The protection by a key in the system's keychain. */
export function keychainProtection(label?: string): Protection {
  return keychainDeviceProtection(label === undefined ? {} : { label })
}

/** A password that was named is used even where the device's key would do, so that a wrong one never goes unnoticed. */
async function unlock(vault: Vault, invocation: Invocation, description: VaultDescription): Promise<void> {
  if (vault.state() === 'unlocked' && !secretIsNamed(invocation, VAULT_PASSWORD)) return
  const protections = description.status === 'present' ? description.protections : []
  if (!protections.some(({ factors }) => factors.every(({ type }) => type === 'password'))) {
    throw new KeyhavenError('ERR_PROTECTION_MISSING', undefined)
  }
  const questions = ['The password of this vault']
  const password = await readSecret({ invocation, kind: VAULT_PASSWORD, questions })
  const { status } = await vault.unlock(passwordProtection({ password }))
  if (status === 'unlocked') return
  if (status !== 'wrong-password') throw new KeyhavenError('ERR_PROTECTION_MISSING', undefined)
  const text = 'Wrong password: it does not open the vault. Nothing was done.'
  throw new CommandError('ERR_PASSWORD_WRONG', text, EXIT.wrongPassword)
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
    throw unusable(home)
  }
}

function unusable(home: string): CommandError {
  const text = `${home} cannot be used as a device; name another folder with --home.`
  return new CommandError('ERR_HOME_INVALID', text)
}

/** What is said of a device's vault to open it: its name, its storage, and the protection that asks nobody. */
export interface VaultPlace {
  readonly name: string
  readonly storage: VaultStorage
  readonly protections: readonly Protection[]
}

/** Where the vault of the device in `home` lies. */
export function vaultAt(home: string): VaultPlace {
  return {
    name: 'device',
    storage: fileStorage({ directory: join(home, 'vault') }),
    protections: [deviceProtection(home)],
  }
}
