/**
 * Device protection by the system's keychain: the Keychain of macOS, the Credential Manager of Windows, on Linux the
 * Secret Service (GNOME Keyring, KWallet). Only where the app names it, and never anything else in its place: not the
 * kernel's keyring, which forgets with a restart, and not a file.
 *
 * It keeps the vault from whoever copies this user's files without the keychain's own password. Other programs of this
 * user may mostly ask the keychain as we do. A keychain may ask the person before it answers.
 */
import { equalConstantTime, randomBytes, toHex, wipe } from '../../crypto/bytes.ts'
import { KeyhavenError } from '../../errors.ts'
import type { FactorContext, Protection } from '../protection.ts'
import { DEVICE_PROVIDERS, isProvider } from './device-parameters.ts'

const SERVICE = 'keyhaven'
const KEY_LENGTH = 32

/** One entry of a keychain. */
export interface KeychainEntry {
  setSecret(secret: Uint8Array): Promise<void>
  /** `null` when no entry is found, which does not prove that there is none. */
  getSecret(): Promise<number[] | null>
  deleteCredential(): Promise<boolean>
}

/** Finds the entry of an account; rejects where there is no keychain. */
export type OpenKeychainEntry = (service: string, account: string) => Promise<KeychainEntry>

/**
 * A device protection by a key in the system's keychain, under the service `keyhaven` and the slot's id.
 *
 * Needs the package `@napi-rs/keyring`. `ERR_KEYCHAIN_FAILED` whenever the keychain does not do what is asked: opening
 * the vault fails with it, too, rather than going on without.
 */
export function keychainDeviceProtection(options: { readonly label?: string } = {}): Protection {
  return createKeychainProtection(options, openSystemEntry)
}

/** As {@link keychainDeviceProtection}, over the given keychain. */
export function createKeychainProtection(
  options: { readonly label?: string },
  openEntry: OpenKeychainEntry,
): Protection {
  const entryOf = ({ slotId }: FactorContext): Promise<KeychainEntry> => openEntry(SERVICE, toHex(slotId))
  return {
    label: options.label,
    factors: [
      {
        type: 'device',
        prompts: false,
        matches: (parameters) => parameters.length === 1 && isProvider(parameters, 'keychain'),
        enroll: async (context) => {
          const secret = randomBytes(KEY_LENGTH)
          await guard(async () => keep(await entryOf(context), secret))
          return { parameters: Uint8Array.of(DEVICE_PROVIDERS.keychain), secret }
        },
        open: async (context) => {
          const secret = await guard(async () => read(await entryOf(context)))
          if (secret === undefined) throw failed('no-entry')
          return { status: 'opened', secret }
        },
        forget: async (context) => {
          await guard(async () => (await entryOf(context)).deleteCredential())
        },
      },
    ],
  }
}

/** A keychain that does not give back what it was given must not become the way into a vault. */
async function keep(entry: KeychainEntry, secret: Uint8Array): Promise<void> {
  await entry.setSecret(secret.slice())
  const kept = await read(entry)
  if (kept === undefined || !equalConstantTime(kept, secret)) throw failed('failed')
  wipe(kept)
}

async function read(entry: KeychainEntry): Promise<Uint8Array | undefined> {
  const found = await entry.getSecret()
  if (found === null) return undefined
  const secret = Uint8Array.from(found)
  found.fill(0)
  if (secret.length !== KEY_LENGTH) throw failed('failed')
  return secret
}

/** A keychain's own words may name the person's things; none of them leaves. */
async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof KeyhavenError ? error : failed('failed')
  }
}

function failed(fault: 'not-installed' | 'failed' | 'no-entry'): KeyhavenError<'ERR_KEYCHAIN_FAILED'> {
  return new KeyhavenError('ERR_KEYCHAIN_FAILED', { fault })
}

/** The part of the package that is used. */
interface Keyring {
  readonly AsyncEntry: new (
    service: string,
    account: string,
    options: { readonly linux: { readonly store: 'secret-service' } },
  ) => KeychainEntry
}

/** Without the named store, the package takes the kernel's keyring where the Secret Service does not answer. */
async function openSystemEntry(service: string, account: string): Promise<KeychainEntry> {
  const { AsyncEntry } = await loadKeyring()
  return new AsyncEntry(service, account, { linux: { store: 'secret-service' } })
}

async function loadKeyring(): Promise<Keyring> {
  // A name that bundlers cannot follow: it is there only for whoever asks for it.
  const name = ['@napi-rs', 'keyring'].join('/')
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Keyring
  } catch {
    throw failed('not-installed')
  }
}
